"""What kind of value something is, in words."""

from typing import Any

from msgspec import UNSET

_NAMES = {dict: "an object", list: "a list", tuple: "a list", str: "text", bool: "true or false"}


def kind_of(value: Any) -> str:
    """The kind of a value, with its article."""
    if value is UNSET:
        return "nothing"
    if value is None:
        return "null"
    if isinstance(value, dict) and any(str(key).startswith("@") for key in value):
        return "a directive"
    if type(value) in _NAMES:
        return _NAMES[type(value)]
    return "a number" if isinstance(value, int | float) else f"a {type(value).__name__}"
