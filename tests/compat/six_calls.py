"""Makes calls with the unmodified segment-analytics-python, and ends when all are sent or given up.

python six_calls.py '{"host": "http://127.0.0.1:1", "write_key": "k", "prefix": "p", "tracks": 3, ...settings}'
"""

import json
import sys
from typing import Any

from segment.analytics.client import Client  # type: ignore[import-untyped]


def main() -> None:
    """Make the calls and print the errors that the SDK reported."""
    settings = json.loads(sys.argv[1])
    prefix, tracks = settings.pop("prefix"), settings.pop("tracks", 0)
    errors: list[str] = []

    def failed(error: Exception, _: Any) -> None:
        errors.append(f"{type(error).__name__}: {error}")

    client = Client(on_error=failed, **settings)
    user = f"{prefix}-user"
    client.identify(user, traits={"email": "ada@shop.test", "plan": None})
    client.track(user, "Order Completed", {"total": 12.5, "city": "Århus", "items": [{"sku": "a"}]})
    client.page(user, "Docs", "Start", {"url": "https://shop.test/"})
    client.screen(anonymous_id=f"{prefix}-anonymous", name="Home")
    client.group(user, "g1", {"seats": 5})
    client.alias(f"{prefix}-anonymous", user)
    for n in range(tracks):
        client.track(user, "Counted", {"n": n})
    if not client.sync_mode:
        client.shutdown()
    print(json.dumps({"errors": errors}))


if __name__ == "__main__":
    main()
