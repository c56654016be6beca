"""What FQL says about two JSON values: the same or not, before or after."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

NUMBERS = frozenset({int, float})
SCALARS = frozenset({str, int, float, bool, type(None)})

ORDER: Mapping[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def same(one: Any, other: Any) -> bool:
    """Whether two values are the same: of one type, with the same content in the same order."""
    pairs = [(one, other)]
    while pairs:  # no recursion: what an event brings may be nested deeply
        one, other = pairs.pop()
        kind = one.__class__
        if kind is list:
            if other.__class__ is not list or len(one) != len(other):
                return False
            pairs.extend(zip(one, other, strict=True))
        elif kind is dict:
            if other.__class__ is not dict or list(one) != list(other):
                return False
            pairs.extend(zip(one.values(), other.values(), strict=True))
        elif kind is bool or other.__class__ is bool:
            if one is not other:
                return False
        elif one != other:
            return False
    return True


def is_ordered(one: Any, sign: str, other: Any) -> bool:
    """Whether `one < other` (or another sign) holds: for two numbers or two strings; anything else is false."""
    kind, other_kind = one.__class__, other.__class__
    if (kind in NUMBERS and other_kind in NUMBERS) or (kind is str and other_kind is str):
        return ORDER[sign](one, other)
    return False


def is_in(one: Any, items: Any) -> bool:
    """Whether a scalar is among the items of a list; false when it is none, or when there is no list."""
    if items.__class__ is not list or one.__class__ not in SCALARS:
        return False
    return any(same(one, item) for item in items)
