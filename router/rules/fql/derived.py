"""A value that FQL derives from an event, such as `lowercase(properties.plan)` or `event = 'Order Completed'`."""

from collections.abc import Callable
from typing import Any

from router.events.calls import AnyEvent
from router.rules.fql.compiler import compile_reader
from router.rules.fql.parser import parse_expression
from router.rules.fql.places import EVENT_CLASSES, field_of_class


def compile_derived(text: str) -> Callable[[AnyEvent], Any]:
    """Make a function that derives the value, or raise `ExpressionRefused` with the column and the remedy."""
    tree = parse_expression(text)
    by_class = {one: compile_reader(tree, field_of_class(one)) for one in EVENT_CLASSES}
    return lambda event: by_class[event.__class__](event)
