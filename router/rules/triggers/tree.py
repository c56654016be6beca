"""The tree of a trigger, in the JSON form that Segment keeps with a subscription.

{"type": "group", "operator": "and", "children": [
    {"type": "event", "operator": "=", "value": "Order Completed"},
    {"type": "event-property", "name": "total", "operator": ">", "value": 100}]}
"""

from typing import Any, Literal, get_args

import msgspec
from msgspec import UNSET, Struct, UnsetType

from router.rules.fql.functions import to_number, to_string
from router.rules.fql.numbers import read_number
from router.rules.fql.refused import ExpressionRefused

Connective = Literal["and", "or"]
ValueOperator = Literal[
    "=",
    "!=",
    "<",
    "<=",
    ">",
    ">=",
    "number_equals",
    "number_not_equals",
    "contains",
    "not_contains",
    "starts_with",
    "not_starts_with",
    "ends_with",
    "not_ends_with",
]
"""What compares a field with the value of the condition."""
StateOperator = Literal["exists", "not_exists", "is_true", "is_false"]
"""What asks about the field alone."""
Operator = ValueOperator | StateOperator

MOST_LEVELS = 2
"""Groups within groups: parentheses do not stand in parentheses."""


class Condition(Struct, frozen=True, kw_only=True, omit_defaults=True, tag_field="type"):
    """What one field must be like."""

    operator: Operator
    value: str | int | float | bool | UnsetType = UNSET

    @property
    def text(self) -> str:
        """The value as text."""
        return str(to_string(self.value))

    @property
    def number(self) -> float:
        """The value as a number; not a number (NaN) when it spells none."""
        return read_number(self.value) if isinstance(self.value, str) else float(to_number(self.value) or 0)


class TypeCondition(Condition, frozen=True, kw_only=True, tag="event-type"):
    """A condition on the type of the event."""


class EventCondition(Condition, frozen=True, kw_only=True, tag="event"):
    """A condition on the name of a track event."""


class NameCondition(Condition, frozen=True, kw_only=True, tag="name"):
    """A condition on the name of a page or screen."""


class UserIdCondition(Condition, frozen=True, kw_only=True, tag="userId"):
    """A condition on the user id."""


class MemberCondition(Condition, frozen=True, kw_only=True):
    """A condition on something within open JSON; `name` is a path with dots."""

    name: str


class PropertyCondition(MemberCondition, frozen=True, kw_only=True, tag="event-property"):
    """A condition on a property."""


class TraitCondition(MemberCondition, frozen=True, kw_only=True, tag="event-trait"):
    """A condition on a trait."""


class ContextCondition(MemberCondition, frozen=True, kw_only=True, tag="event-context"):
    """A condition on the context."""


FIELDS: "dict[type[AnyCondition], str]" = {
    TypeCondition: "type",
    EventCondition: "event",
    NameCondition: "name",
    UserIdCondition: "userId",
    PropertyCondition: "properties",
    TraitCondition: "traits",
    ContextCondition: "context",
}
"""The top-level field of the event that each kind of condition looks at."""


class Group(Struct, frozen=True, kw_only=True, tag_field="type", tag="group"):
    """Conditions and groups of which all, or one, must hold."""

    operator: Connective
    children: "tuple[Node, ...]"


AnyCondition = (
    TypeCondition
    | EventCondition
    | NameCondition
    | UserIdCondition
    | PropertyCondition
    | TraitCondition
    | ContextCondition
)
Node = Group | AnyCondition


def read_tree(tree: Any) -> Group:
    """Read the decoded JSON of a tree, or raise `ExpressionRefused` with what is wrong in it and where."""
    if isinstance(tree, dict) and "error" in tree:
        raise ExpressionRefused(f"the trigger was refused where it was written: {tree['error']}")
    try:
        group = msgspec.convert(tree, Group)
    except (msgspec.ValidationError, RecursionError) as error:
        raise ExpressionRefused(f"not the tree of a trigger: {error}") from error
    _check(group, level=1)
    return group


def _check(group: Group, *, level: int) -> None:
    if level > MOST_LEVELS:
        raise ExpressionRefused("a group stands in a group of a group; write it with one level of groups")
    if not group.children:
        raise ExpressionRefused("a group has no conditions; add one or remove the group")
    for child in group.children:
        if isinstance(child, Group):
            _check(child, level=level + 1)
        elif child.operator in get_args(ValueOperator) and child.value is UNSET:
            raise ExpressionRefused(f'a condition with the operator "{child.operator}" has no value; add one')
        elif isinstance(child, MemberCondition) and not child.name.strip("[.]"):
            raise ExpressionRefused(
                f'a condition on {FIELDS[type(child)]} has the name "{child.name}"; name a field'
            )


def write_tree(tree: Group) -> dict[str, Any]:
    """The JSON form of `tree`, decoded."""
    written: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(tree))
    return written
