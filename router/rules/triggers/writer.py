"""Writes the tree of a trigger as text, as Segment's own tools do."""

import re

from router.rules.fql.numbers import number_text
from router.rules.fql.refused import ExpressionRefused
from router.rules.triggers.tree import FIELDS, AnyCondition, Group, MemberCondition

_SPECIAL = re.compile(r"[^a-zA-Z0-9._-]")
_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_STATES = {"exists": "!= null", "not_exists": "= null", "is_true": "= true", "is_false": "= false"}
_SIGNS = {"number_equals": "=", "number_not_equals": "!=", "<": "<", "<=": "<=", ">": ">", ">=": ">="}
_CALLS = {"contains": ("contains", "{}"), "starts_with": ("match", "{}*"), "ends_with": ("match", "*{}")}


def trigger_text(tree: Group) -> str:
    """Write `tree` as text, or raise `ExpressionRefused` when no text can say it."""
    if len(tree.children) == 1 and isinstance(tree.children[0], Group):
        tree = tree.children[0]
    return _joined(tree)


def _joined(group: Group) -> str:
    terms = (
        f"({_joined(child)})" if isinstance(child, Group) else _written(child) for child in group.children
    )
    return f" {group.operator} ".join(terms)


def _written(condition: AnyCondition) -> str:
    field = FIELDS[type(condition)]
    if isinstance(condition, MemberCondition):
        field += "." + _SPECIAL.sub(r"\\\g<0>", condition.name)
    operator = condition.operator
    if operator in _STATES:
        return f"{field} {_STATES[operator]}"
    if operator in _SIGNS:
        return f"{field} {_SIGNS[operator]} {_number(condition)}"
    if operator in ("=", "!="):
        value = _quoted(condition.text) if isinstance(condition.value, str) else condition.text
        return f"{field} {operator} {value}"
    function, pattern = _CALLS[operator.removeprefix("not_")]
    negation = "!" if operator.startswith("not_") else ""
    return f"{negation}{function}({field}, {_quoted(pattern.format(condition.text))})"


def _number(condition: AnyCondition) -> str:
    written = number_text(condition.number)
    if not _NUMBER.fullmatch(written):
        problem = f'the operator "{condition.operator}" needs a plain number, not {condition.value!r}'
        raise ExpressionRefused(problem)
    return written


def _quoted(text: str) -> str:
    if '"' in text:
        raise ExpressionRefused(f"a text in a trigger cannot have double quotes in it: {text}")
    return f'"{text}"'
