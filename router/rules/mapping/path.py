"""Paths such as `$.properties.products[0].name`: where a value stands in an event."""

import re
from collections.abc import Callable
from typing import Any

from msgspec import UNSET

Resolve = Callable[[Any], Any]
"""A compiled piece of a mapping: what it makes of an event, or of an item of a list."""

_BORDER = re.compile(r"""\[(?=["'\d])|\.|(?<=["'\d])\]+""", re.ASCII)
_QUOTES = str.maketrans("", "", "\"'")


def find(root: Any, path: str) -> Any:
    """The value at `path` of `root`; UNSET when there is none."""
    return walk(root, path_keys(path))


def path_keys(path: str) -> tuple[str, ...]:
    """The keys of a path: `a.b`, `a[0]`, `a['b']`. A bracket before anything but a digit or quote is part of a key."""
    if path in ("", "."):
        return ()
    return tuple([piece.translate(_QUOTES) for piece in _BORDER.split(path) if piece])


def walk(root: Any, keys: tuple[str, ...]) -> Any:
    """The value that `keys` lead to."""
    value = root
    for key in keys:
        value = value.get(key, UNSET) if value.__class__ is dict else member_of(value, key)
    return value


def member_of(value: Any, key: str) -> Any:
    """The member `key` of any value: of an object, the items and length of a list or text, and of nothing else.

    What is empty (null, false, 0, no text) has no members and stands for itself.
    """
    kind = value.__class__
    if kind is list or (kind is str and value):
        if key == "length":
            return len(value)
        if key.isdecimal() and key.isascii() and (key == "0" or key[0] != "0") and len(key) < 10:
            place = int(key)
            return value[place] if place < len(value) else UNSET
        return UNSET
    if kind is dict:
        return value.get(key, UNSET)
    return value if not value else UNSET
