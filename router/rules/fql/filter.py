"""FQL as its users see it: text goes in once, then events are tested.

    only_orders = compile_filter('type = "track" and event = "Order Completed"')
    only_orders.matches(event)

A filter cannot fail while events pass: a missing field is null, and what makes no sense (a number that contains a
text, an order between a text and a number) is false. What can be wrong is the text, and `compile_filter` says so;
whoever keeps a filter that is refused drops the events that it was to judge (protocols 6.2).
"""

from collections.abc import Mapping
from typing import Any

from router.events.calls import AnyEvent
from router.rules.fql.closures import Condition
from router.rules.fql.compiler import compile_expression
from router.rules.fql.parser import parse_expression
from router.rules.fql.places import EVENT_CLASSES, field_of_class, field_of_object


class Filter:
    """A condition on events, ready to be asked."""

    __slots__ = ("_by_class", "_of_object", "text", "tree")

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = parse_expression(text)
        self._by_class = {one: compile_expression(self.tree, field_of_class(one)) for one in EVENT_CLASSES}
        self._of_object = compile_expression(self.tree, field_of_object)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Filter) and other.text == self.text

    def __hash__(self) -> int:
        return hash(self.text)

    def of(self, event_class: type[AnyEvent]) -> Condition:
        """The same condition for events of one class: a step faster for who asks by class anyway."""
        return self._by_class[event_class]

    def matches(self, event: AnyEvent) -> bool:
        """Whether the condition holds for `event`; its open JSON is decoded only if the condition looks into it."""
        return self._by_class[event.__class__](event)

    def matches_object(self, payload: Mapping[str, Any]) -> bool:
        """Whether the condition holds for an event, or any other JSON object, that is decoded already."""
        return self._of_object(payload)


def compile_filter(text: str) -> Filter:
    """Make a filter of FQL text, or raise `ExpressionRefused` with the column and the remedy."""
    return Filter(text)
