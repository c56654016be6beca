"""Which properties an object has, at every depth, and of which types: what the inventory is made of."""

import re
from functools import lru_cache
from typing import Any

from router.storage.inventory import TYPES

MOST_PATHS = 300
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)")
_BITS = {name: 1 << bit for bit, name in enumerate(TYPES)}
_STRING, _INSTANT_BIT = _BITS["string"], _BITS["date-time"]
_OBJECT, _ARRAY = _BITS["object"], _BITS["array"]
_PLAIN = {
    bool: _BITS["boolean"],
    int: _BITS["integer"],
    float: _BITS["number"],
    type(None): _BITS["null"],
}
_DEEPEST = 10
"""What is nested deeper is not listed."""
_LONGEST_NAME = 200


def observed(value: dict[str, Any]) -> dict[str, int]:
    """The types (bits of `TYPES`) of everything below `value`, by path; one path more than `MOST_PATHS` at most."""
    found: dict[str, int] = {}
    _observe(value, "", found, 0)
    return found


def _observe(value: dict[str, Any], prefix: str, found: dict[str, int], level: int) -> None:
    for name, member in value.items():
        if len(found) > MOST_PATHS:
            return
        if name:
            _note(member, prefix + _escaped(name[:_LONGEST_NAME]), found, level)


@lru_cache(maxsize=4096)
def _escaped(name: str) -> str:
    return re.sub(r"[.$\\]", r"\\\g<0>", name)


def _note(value: Any, path: str, found: dict[str, int], level: int) -> None:
    kind = type(value)
    if kind is str:
        # the length first: nearly no text is a moment
        is_instant = 20 <= len(value) <= 40 and _INSTANT.fullmatch(value) is not None
        bits = _INSTANT_BIT if is_instant else _STRING
    elif kind is dict:
        bits = _OBJECT
    elif kind is list:
        bits = _ARRAY
    else:
        bits = _PLAIN[kind]
    found[path] = found.get(path, 0) | bits
    if level < _DEEPEST:
        if kind is dict:
            _observe(value, path + ".", found, level + 1)
        elif kind is list:
            for element in value:
                if len(found) > MOST_PATHS:
                    return
                _note(element, path + ".$", found, level + 1)


def field_path(type: str, path: str) -> str:
    """How privacy names the property at `path` of an event of some type: from its root on, lists without an element."""
    root = "traits" if type in ("identify", "group") else "properties"
    return ".".join([root, *(name for name in names_in(path) if name != "$")])


def names_in(path: str) -> list[str]:
    """The names of a path, `$` for an element of a list."""
    return [
        name if name == "$" else re.sub(r"\\([.$\\])", r"\1", name)
        for name in re.findall(r"(?:[^.\\]|\\.)+", path)
    ]
