"""Reading what Segment's spec reserves: traits in either spelling, and amounts of money (events 2.3, 2.4, 2.5).

Senders write `firstName` or `first_name`, and `19.99` or `"$19.99"`. Stored events keep what was sent; an author who
maps a reserved trait or property to a field of a vendor reads it here.
"""

import math
import re
from collections.abc import Mapping
from typing import Any

from router.events.calls import Event, Group, Identify, Page, Screen, Track

DEFAULT_CURRENCY = "USD"
_AMOUNT = re.compile(r"\s*[^\d\s.,+-]{0,3}\s*([+-]?\d[\d,]*(?:\.\d+)?|[+-]?\.\d+)\s*[^\d\s.,+-]{0,3}\s*")
_WORD_START = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")


def traits_of(event: Event) -> Mapping[str, Any]:
    """The traits of an identify or group call; of any other the user's, from `context.traits`."""
    found = event.traits if isinstance(event, Identify | Group) else event.context.get("traits")
    return found if isinstance(found, Mapping) else {}


def trait(event: Event, name: str) -> Any:
    """The trait of that name, in camel or snake case; of a group in any case. None where there is none.

    A user's `name` that is absent is made of the first and the last name.
    """
    traits = traits_of(event)
    if name in traits:
        return traits[name]
    wanted, is_group = _words(name), isinstance(event, Group)
    for key, value in traits.items():
        if _words(key) == wanted or (is_group and _joined(key) == _joined(name)):
            return value
    if name == "name" and not is_group:
        parts = [trait(event, one) for one in ("firstName", "lastName")]
        return " ".join(one for one in parts if isinstance(one, str) and one) or None
    return None


def amount(event: Event, name: str = "revenue") -> float | None:
    """A property that is money, also where it was sent as text such as `"$1,234.50"`; None where it is no number."""
    value = _properties(event).get(name)
    if isinstance(value, str):
        matched = _AMOUNT.fullmatch(value)
        value = float(matched[1].replace(",", "")) if matched else None
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if abs(value) < 1e300 and math.isfinite(value) else None


def currency(event: Event) -> str:
    """The ISO 4217 code that the event's amounts are in; US dollars where it does not say."""
    value = _properties(event).get("currency")
    return value.upper() if isinstance(value, str) and value else DEFAULT_CURRENCY


def _properties(event: Event) -> Mapping[str, Any]:
    found = event.properties if isinstance(event, Track | Page | Screen) else {}
    return found if isinstance(found, Mapping) else {}


def _words(name: str) -> str:
    """Camel case as snake case; other names as they are."""
    return _WORD_START.sub("_", name).lower() if "_" not in name else name


def _joined(name: str) -> str:
    return name.replace("_", "").lower()
