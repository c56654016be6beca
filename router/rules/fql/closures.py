"""The small pieces that compiled expressions are made of: constants, readers and conditions."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from msgspec import Struct

Reader = Callable[[Any], Any]
"""Gets a value out of an event."""
Condition = Callable[[Any], bool]
"""Says true or false of an event."""


class Constant(Struct, frozen=True):
    """A value that is known before any event is seen."""

    value: Any


def all_of(conditions: Iterable[Condition | bool]) -> Condition | bool:
    """A condition that holds where all do; what is known already is left out."""
    left = _unless(conditions, False)
    if left is None:
        return False
    match left:
        case []:
            return True
        case [only]:
            return only
        case [one, two]:
            return lambda event: one(event) and two(event)
        case [one, two, three]:
            return lambda event: one(event) and two(event) and three(event)
    return lambda event: all(condition(event) for condition in left)


def any_of(conditions: Iterable[Condition | bool]) -> Condition | bool:
    """A condition that holds where at least one does; what is known already is left out."""
    left = _unless(conditions, True)
    if left is None:
        return True
    match left:
        case []:
            return False
        case [only]:
            return only
        case [one, two]:
            return lambda event: one(event) or two(event)
        case [one, two, three]:
            return lambda event: one(event) or two(event) or three(event)
    return lambda event: any(condition(event) for condition in left)


def _unless(conditions: Iterable[Condition | bool], decisive: bool) -> Sequence[Condition] | None:
    """The conditions that need an event, or None when one of them is `decisive` already."""
    left = []
    for condition in conditions:
        if condition is decisive:
            return None
        if not isinstance(condition, bool):
            left.append(condition)
    return left


def opposite(condition: Condition | bool) -> Condition | bool:
    """A condition that holds where the given one does not."""
    if isinstance(condition, bool):
        return not condition
    return lambda event: not condition(event)


def always(condition: Condition | bool) -> Condition:
    """The condition as something to call, even if it is known already."""
    if isinstance(condition, bool):
        return lambda event: condition
    return condition
