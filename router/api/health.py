"""GET /health and /ready: whether the router is well, and whether it accepts and makes progress."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from msgspec import Struct


class Health(Struct, frozen=True):
    """What is asked and what came out."""

    troubles: tuple[str, ...]
    """What is wrong, each with its remedy where there is one; empty when all is well."""
    facts: dict[str, Any]

    @property
    def status(self) -> int:
        """The HTTP status."""
        return 503 if self.troubles else 200

    def json(self) -> bytes:
        """The body of the answer."""
        return msgspec.json.encode(
            {"status": "trouble" if self.troubles else "ok", "troubles": self.troubles, **self.facts}
        )


Check = Callable[[], Awaitable[Health]]
