"""Values as text, as JavaScript writes them: that is the text that customers see elsewhere."""

import math
from collections.abc import Iterator
from json.encoder import encode_basestring
from typing import Any

from msgspec import UNSET

from router.rules.fql.numbers import number_text


def as_text(value: Any) -> str:
    """A value inside a text: nothing for null, items with commas between them, JSON for an object."""
    kind = value.__class__
    if kind is str:
        text: str = value
        return text
    if value is None or value is UNSET:
        return ""
    if kind is list:
        return ",".join([as_text(leaf) for leaf in _leaves(value)])
    if kind is dict:
        return json_text(value)
    return _scalar(value)


def json_text(value: Any) -> str:
    """A value as compact JSON; what is undefined is left out of objects and is null in lists."""
    pieces: list[str] = []
    waiting: list[Any] = [value]
    while waiting:  # no recursion: what an event brings may be nested deeply
        item = waiting.pop()
        kind = item.__class__
        if kind is _Written:
            pieces.append(item)
        elif kind is str:
            pieces.append(encode_basestring(item))
        elif kind is dict:
            waiting.append(_Written("}"))
            members = [(name, member) for name, member in item.items() if member is not UNSET]
            for place in range(len(members) - 1, -1, -1):
                name, member = members[place]
                waiting.append(member)
                waiting.append(_Written(f"{',' if place else ''}{encode_basestring(name)}:"))
            pieces.append("{")
        elif kind is list:
            waiting.append(_Written("]"))
            for place in range(len(item) - 1, -1, -1):
                waiting.append(item[place])
                if place:
                    waiting.append(_Written(","))
            pieces.append("[")
        else:
            pieces.append(_json_scalar(item))
    return "".join(pieces)


class _Written(str):
    """A piece of JSON that is ready."""

    __slots__ = ()


def _leaves(items: list[Any]) -> Iterator[Any]:
    """The values of nested lists in their order; an empty list is one empty value."""
    waiting = items[::-1]
    while waiting:
        item = waiting.pop()
        if item.__class__ is list and item:
            waiting.extend(item[::-1])
        else:
            yield None if item.__class__ is list else item


def _json_scalar(value: Any) -> str:
    is_nothing = value is None or value is UNSET or (isinstance(value, float) and not math.isfinite(value))
    return "null" if is_nothing else _scalar(value)


def _scalar(value: bool | int | float) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return number_text(value) if isinstance(value, float) else str(value)
