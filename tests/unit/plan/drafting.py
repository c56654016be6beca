"""Plans for tests, in few words."""

import json
from typing import Any

from router.rules.plan.plan import Plan
from router.rules.plan.reading import read_plan


def rule(
    kind: str = "TRACK", key: str = "Ride Ended", *, version: Any = 1, part: str = "properties", **schema: Any
) -> dict[str, Any]:
    """A rule; `schema` is what it says of the properties (or traits), e.g. `required=["ride_id"]`."""
    whole = {"type": "object", "properties": {part: {"type": "object", **schema}}}
    found: dict[str, Any] = {"type": kind, "version": version, "jsonSchema": whole}
    return {**found, "key": key} if key else found


def text(*rules: dict[str, Any], **about: Any) -> bytes:
    """A plan as it stands in a file."""
    return json.dumps({**about, "rules": rules}).encode()


def plan(*rules: dict[str, Any]) -> Plan:
    """A plan, read."""
    return read_plan(text(*rules), name="shop")


RIDE = rule(
    required=["ride_id"],
    properties={
        "ride_id": {"type": "string"},
        "km": {"type": ["number", "null"]},
        "from": {"type": "object", "properties": {"city": {"type": "string"}}},
        "stops": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}}}},
        "free": {"type": "object"},
    },
)
"""What most tests need."""
