"""Where we and Segment's packages say different things about FQL and triggers, each with the reason. All of it is here.

Two differences need no list, because the questions are put so that both sides mean the same:

- Where a path leads nowhere, @segment/tsub, which runs in browsers, sees undefined, and null is something else;
  Segment's servers and we see null. `completed` writes the nulls into the event that tsub is given.
- tsub knows neither `uppercase`, `snakecase`, `kebabcase`, `titlecase`, `bool`, `string`, `number` nor the names
  `bool`, `list`, `object` and `null` of `typeof`, and works out no function within another: it is not asked for them.
"""

import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from router.rules.fql.tree import Call, Comparison, Expression, ListOf, Logic, Not, Path
from router.rules.fql.values import NUMBERS

_STRING = re.compile(r"\\.|\"[^\"]*\"|'[^']*'", re.DOTALL)

LEXING: Mapping[str, str] = {
    "theirs refuses a name with a sign, a bracket or a quote behind it": r"([A-Za-z_]|\\.)([\w-]|\\.)*[<>\[\"'*+]",
    "theirs wants white space, a comma or a bracket behind a closing quote": r"#\"(?![ \t\n,\])]|$)",
    "theirs wants white space, a comma or a bracket behind `!=`": r"!=(?![ \t\n,\])]|$)",
    "theirs wants a letter or a parenthesis behind `!`": r"!(?![A-Za-z(=])",
    "theirs takes the `=` of `<=5` for a token of its own": r"[<>]=(?![ \t\n,\])]|$)",
    "theirs takes a keyword for a name in front of a parenthesis": r"\b(and|or|null)(?![\w \t\n,\])\\-]|$)",
    "theirs takes a keyword behind a point for a keyword, ours for a name": r"\.\s*(and|or|null)\b",
    "theirs takes digits behind a point for a number, ours for a name": r"\.\s*[-+0-9]",
    "theirs loses letters when the text ends within a keyword": r"(\ban|\bnul?)$",
    "theirs does not know the carriage return": r"\r",
    "theirs takes a sign alone for a number": r"[+-](?![0-9])",
    "theirs ends a number anywhere: `5x` and `5.x` are two tokens": r"[0-9]\.?[A-Za-z_\\(\"'.!<>=\[+-]",
}
"""Differences between the tokens of @segment/fql-ts and ours: reason → what the text looks like, without strings.
Ours takes more of what can only mean one thing, and refuses what cannot mean anything."""


def lexing_difference(text: str) -> set[str]:
    """The reasons for which tokens may differ."""
    bare = _without_strings(text)
    return {reason for reason, looks in LEXING.items() if re.search(looks, bare)}


def _without_strings(text: str) -> str:
    return _STRING.sub(lambda found: found[0] if found[0][0] == "\\" else '"#"', text)


def evaluation_difference(tree: Expression, event: Mapping[str, Any]) -> str | None:
    """The reason for which @segment/tsub and we may judge an event differently."""
    for node in _nodes(tree):
        match node:
            case Call(function="length", arguments=(Path(keys=keys),)):
                value = at(event, keys)
                if isinstance(value, str) and not value.isascii():
                    return "length of a text: tsub counts UTF-16 units, Segment's servers and we UTF-8 bytes"
            case Comparison(operator="<" | "<=" | ">" | ">=") if not _has_number(node, event):
                return "the order of two texts: tsub says false, Segment's documents compare times as texts"
            case Comparison(operator="=" | "!=", left=Call(function="length")):
                return "length of what has none: tsub says NaN, which differs from null"
    return None


def _has_number(node: Comparison, event: Mapping[str, Any]) -> bool:
    sides = (node.left, node.right)
    values = [
        at(event, side.keys) if isinstance(side, Path) else getattr(side, "value", None) for side in sides
    ]
    return any(value.__class__ in NUMBERS or value is None for value in values) and not any(
        isinstance(side, Call) and side.function == "lowercase" for side in sides
    )


def trigger_difference(text: str) -> str | None:
    """The reason for which @segment/destination-subscriptions may read a trigger differently."""
    if re.search(r"\([^()]*(contains|match)\(", _without_strings(text)):
        return "theirs ends parentheses with the first function in them, and gives what follows to the outer group"
    if lexing_difference(text):
        return "the tokens differ already"
    return None


def completed(event: Mapping[str, Any], tree: Expression) -> dict[str, Any]:
    """The event with a null wherever a path of `tree` leads nowhere."""
    whole = deepcopy(dict(event))
    for node in _nodes(tree):
        if isinstance(node, Path):
            inner = whole
            for key in node.keys[:-1]:
                inner = inner.setdefault(key, {})
                if not isinstance(inner, dict):
                    break
            else:
                inner.setdefault(node.keys[-1], None)
    return whole


def at(event: Mapping[str, Any], keys: tuple[str, ...]) -> Any:
    """The value at a path, or None."""
    value: Any = event
    for key in keys:
        value = value.get(key) if isinstance(value, dict) else None
    return value


def _nodes(tree: Expression) -> Iterator[Expression]:
    yield tree
    match tree:
        case Logic():
            children: tuple[Expression, ...] = tree.operands
        case Not():
            children = (tree.operand,)
        case Comparison():
            children = (tree.left, tree.right)
        case Call():
            children = tree.arguments
        case ListOf():
            children = tree.items
        case _:
            children = ()
    for child in children:
        yield from _nodes(child)
