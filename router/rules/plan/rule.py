"""A rule of a tracking plan: the JSON schema that the events of one name and version must keep to."""

from typing import Any, Literal, get_args

from msgspec import Struct

RuleType = Literal["TRACK", "IDENTIFY", "GROUP", "PAGE", "SCREEN", "COMMON"]
RULE_TYPES: tuple[str, ...] = get_args(RuleType)
KEYLESS = ("IDENTIFY", "GROUP", "COMMON")
"""Types of which there is one rule for all events."""


class Rule(Struct, frozen=True):
    """One rule, as it was written."""

    type: RuleType
    key: str
    """The exact name of the event; "" for rules that are for all events of their type."""
    version: int
    schema: dict[str, Any]
    """JSON Schema draft 7 of the whole message: what it says of `properties` stands under `properties.properties`."""

    def __str__(self) -> str:
        name = f' "{self.key}"' if self.key else ""
        return f"{self.type}{name} version {self.version}"
