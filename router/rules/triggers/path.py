"""The paths of triggers, which reach further than those of FQL: into lists, and to the length of texts and lists."""

import re
from typing import Any

from router.rules.fql.closures import Reader

_KEYS = re.compile(r"[^\[.\]]+")
_INDEX = re.compile(r"0|[1-9][0-9]{0,8}")


def member_of(field: Reader, path: str) -> Reader:
    """Where the value at `path` stands within a field; what is not there reads as None."""
    keys = tuple(_KEYS.findall(path))

    def read(event: Any) -> Any:
        value = field(event)
        for key in keys:
            kind = value.__class__
            if kind is dict:
                value = value.get(key)
            elif not value and kind is not list:
                return value  # false, 0 and "" stand for all that would be within them
            elif kind is list or kind is str:
                value = _item(value, key)
            else:
                return None
        return value

    return read


def _item(value: Any, key: str) -> Any:
    if key == "length":
        return len(value)
    return value[int(key)] if _INDEX.fullmatch(key) and int(key) < len(value) else None
