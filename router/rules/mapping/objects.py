"""What directives do with whole objects: flatten them, merge them, and take nulls out of them."""

from collections.abc import Iterable
from typing import Any

from msgspec import UNSET

from router.rules.mapping.failed import LONGEST_TEXT, too_long


def flatten(value: Any, separator: str, *, omit_arrays: bool) -> dict[str, Any]:
    """One object with the names along the way joined; items of lists have their number for a name."""
    flat: dict[str, Any] = {}
    size = 0
    waiting = [("", value)]
    while waiting:  # no recursion: what an event brings may be nested deeply
        name, item = waiting.pop()
        if item.__class__ is dict:
            members: Iterable[tuple[str, Any]] = item.items()
        elif item.__class__ is list and not omit_arrays:
            members = ((str(place), one) for place, one in enumerate(item))
        else:
            size += len(name)
            if size > LONGEST_TEXT:
                raise too_long("@flatten")
            if item is not UNSET:
                flat[name] = item
            continue
        inside = [(f"{name}{separator}{key}" if name else key, member) for key, member in members]
        waiting.extend(reversed(inside))
    return flat


def merge(values: Iterable[Any]) -> dict[str, Any]:
    """One object with the members of all; later ones win. What has no members adds nothing."""
    merged: dict[str, Any] = {}
    for value in values:
        if value.__class__ is dict:
            merged.update(value)
        elif value.__class__ is list or value.__class__ is str:
            merged.update((str(place), item) for place, item in enumerate(value))
    return merged


def without_nulls(value: Any, *, keeps_undefined: bool) -> Any:
    """The value with nulls taken out of it and of the objects inside it, but not out of lists."""
    if value is None:
        return UNSET
    if value.__class__ is not dict:
        return value
    top: dict[str, Any] = {}
    waiting = [(value, top)]
    while waiting:
        given, made = waiting.pop()
        for name, member in given.items():
            if member is None:
                if keeps_undefined and made is top:
                    made[name] = UNSET
            elif member.__class__ is dict:
                made[name] = {}
                waiting.append((member, made[name]))
            else:
                made[name] = member
    return top


def settle_undefined(value: Any) -> Any:
    """A copy in which what is undefined is left out of objects and is null in lists."""
    holder: list[Any] = [None]
    waiting: list[tuple[Any, Any]] = [([value], holder)]
    while waiting:
        given, made = waiting.pop()
        members = given.items() if given.__class__ is dict else enumerate(given)
        for name, member in members:
            if member.__class__ is dict:
                made[name] = {}
            elif member.__class__ is list:
                made[name] = [None] * len(member)
            else:
                if member is not UNSET:
                    made[name] = member
                continue
            waiting.append((member, made[name]))
    return UNSET if value is UNSET else holder[0]
