"""Triggers as their users see them: which events a subscription of an action destination takes.

    orders = compile_trigger('type = "track" and event = "Order Completed"')
    orders.matches(event)

Like a filter, a trigger is worked out once for each class of event and cannot fail while events pass.
"""

from collections.abc import Callable, Mapping
from operator import eq, ge, gt, le, lt, ne
from typing import Any

from router.events.calls import AnyEvent
from router.rules.fql.closures import Condition as Test
from router.rules.fql.closures import Constant, Reader, all_of, always, any_of
from router.rules.fql.places import EVENT_CLASSES, Field, field_of_class, field_of_object
from router.rules.fql.values import NUMBERS
from router.rules.triggers.parser import parse_trigger
from router.rules.triggers.path import member_of
from router.rules.triggers.tree import FIELDS, AnyCondition, Group, MemberCondition, Node

_ORDER: Mapping[str, Callable[[Any, Any], Any]] = {
    "number_equals": eq,
    "number_not_equals": ne,
    "<": lt,
    "<=": le,
    ">": gt,
    ">=": ge,
}


class Trigger:
    """A condition on events, ready to be asked."""

    __slots__ = ("_by_class", "_of_object", "tree")

    def __init__(self, tree: Group) -> None:
        self.tree = tree
        self._by_class = {one: _compiled(tree, field_of_class(one)) for one in EVENT_CLASSES}
        self._of_object = _compiled(tree, field_of_object)

    def matches(self, event: AnyEvent) -> bool:
        """Whether the subscription takes `event`."""
        return self._by_class[event.__class__](event)

    def matches_object(self, payload: Mapping[str, Any]) -> bool:
        """Whether the subscription takes an event that is decoded already."""
        return self._of_object(payload)


def compile_trigger(text: str) -> Trigger:
    """Make a trigger of its text, or raise `ExpressionRefused` with the column and the remedy."""
    return Trigger(parse_trigger(text))


def _compiled(tree: Group, field: Field) -> Test:
    return always(_test(tree, field))


def _test(node: Node, field: Field) -> Test | bool:
    if isinstance(node, Group):
        join = all_of if node.operator == "and" else any_of
        return join(_test(child, field) for child in node.children)
    place = field(FIELDS[type(node)])
    if isinstance(place, Constant):
        known = place.value
        return _holds(node, lambda event: known)(None)
    return _holds(node, member_of(place, node.name) if isinstance(node, MemberCondition) else place)


def _holds(condition: AnyCondition, read: Reader) -> Test:
    """What the operator asks of the value; texts and numbers are never taken for each other."""
    match condition.operator:
        case "exists":
            return lambda event: read(event) is not None
        case "not_exists":
            return lambda event: read(event) is None
        case "is_true":
            return lambda event: read(event) is True
        case "is_false":
            return lambda event: read(event) is False
        case "=":
            text = condition.text
            return lambda event: bool(read(event) == text)
        case "!=":
            text = condition.text
            return lambda event: bool(read(event) != text)
        case operator if operator in _ORDER:
            return _number_test(operator, read, condition.number)
        case operator:
            return _text_test(operator, read, condition.text)


def _number_test(operator: str, read: Reader, number: float) -> Test:
    holds = _ORDER[operator]

    def compare(event: Any) -> bool:
        value = read(event)
        return value.__class__ in NUMBERS and bool(holds(value, number))

    return compare


def _text_test(operator: str, read: Reader, text: str) -> Test:
    wanted = not operator.startswith("not_")

    def contains(event: Any) -> bool:
        value = read(event)
        return value.__class__ is str and (text in value) is wanted

    def starts_with(event: Any) -> bool:
        value = read(event)
        return value.__class__ is str and value.startswith(text) is wanted

    def ends_with(event: Any) -> bool:
        value = read(event)
        return value.__class__ is str and value.endswith(text) is wanted

    tests = {"contains": contains, "starts_with": starts_with, "ends_with": ends_with}
    return tests[operator.removeprefix("not_")]
