"""FQL read and judged by us, by @segment/fql-ts 1.10.1 (tokens) and by @segment/tsub 2.0.1 (events)."""

from itertools import pairwise
from typing import Any

import pytest

from router.rules.fql.filter import compile_filter
from router.rules.fql.parser import parse_expression
from router.rules.fql.refused import ExpressionRefused
from router.rules.fql.tokens import Token, tokenize
from router.rules.fql.tree import Call, Comparison, Expression, ListOf, Literal, Logic, Not, Path
from tests.compat.differences import LEXING, completed, evaluation_difference, lexing_difference
from tests.compat.expressions import Maker
from tests.compat.languages import ask, is_refusal
from tests.compat.peers import needs_node

pytestmark = [pytest.mark.peer, pytest.mark.slow, needs_node]

NAMES = (
    "type",
    "properties",
    "plan",
    "my\\ key",
    "a\\.b",
    "_x",
    "a-1",
    "and",
    "or",
    "null",
    "in",
    "true",
    "order",
)
SIGNS = ("=", "!=", "<", "<=", ">", ">=", "(", ")", "[", "]", ",")
VALUES = ("5", "-2.5", "+1", "0", '"x y"', "'it'")
PIECES = (*NAMES, *SIGNS, *VALUES, ".", "!", "an", "nul", "contains(", "\n", "\t")
ODD = (*PIECES, "\r", "5x", "-", "5.", "é", "\\é", "#", '"', "\\")
SYMBOLS = {".": "dot", ",": "comma", "(": "parenleft", ")": "parenright", "[": "brackleft", "]": "brackright"}
COUNT = 3000


def tokens(text: str) -> list[tuple[str, str]] | None:
    """Our tokens in the words of @segment/fql-ts, or None when the text is refused."""
    try:
        return [as_theirs(token) for token in tokenize(text)]
    except ExpressionRefused:
        return None


def as_theirs(token: Token) -> tuple[str, str]:
    match token.kind:
        case "name" if token.text in ("and", "or"):
            return "conditional", token.text
        case "name" if token.text == "null":
            return "null", token.text
        case "name":
            return "ident", str(token.value)
        case "end":
            return "eos", "eos"
        case "symbol":
            return SYMBOLS.get(token.text, "operator"), token.text
    return token.kind, token.text


def their_tokens(answer: Any) -> list[tuple[str, str]] | None:
    return None if is_refusal(answer) else [(token["type"], token["value"]) for token in answer]


def test_tokens_with_space_between_them_are_theirs() -> None:
    maker = Maker(1)
    plain = (*NAMES, *SIGNS, *VALUES)
    texts = [" ".join(maker.random.choices(plain, k=12)) for _ in range(COUNT)]

    for text, answer in zip(texts, ask("lex", texts), strict=True):
        assert tokens(text) == their_tokens(answer), text


def test_tokens_of_odd_texts_differ_from_theirs_only_for_the_reasons_we_list() -> None:
    maker = Maker(2)
    texts = [maker.soup(ODD) for _ in range(COUNT)]
    reasons = set()
    unexplained = []

    for text, answer in zip(texts, ask("lex", texts), strict=True):
        if tokens(text) != their_tokens(answer):
            why = lexing_difference(text)
            reasons |= why
            if not why:
                unexplained.append((text, tokens(text), their_tokens(answer)))

    assert unexplained == []
    assert reasons == set(LEXING)


def test_what_their_parser_reads_ours_reads() -> None:
    maker = Maker(3)
    texts = [maker.expression(0) for _ in range(COUNT)] + [maker.soup(PIECES) for _ in range(COUNT)]

    read = [text for text, answer in zip(texts, ask("parse", texts), strict=True) if answer is True]
    refused = [text for text in read if not is_read(text)]

    assert len(read) > 1000
    assert [text for text in refused if not lexing_difference(text) and not is_loose(text)] == []


def is_read(text: str) -> bool:
    try:
        parse_expression(text)
    except ExpressionRefused:
        return False
    return True


def is_loose(text: str) -> bool:
    """Theirs takes any row of names and points for a path (`a b = 1`), `!` for a comparison, `in` for a name."""
    found = tokens(text) or []
    for (kind, _), (next_kind, following) in pairwise(found):
        if kind == "ident" and (next_kind == "ident" or following == "!"):
            return True
        if kind == "dot" and next_kind != "ident":
            return True
    return ("ident", "in") in found


def ir(tree: Expression) -> Any:
    """The form in which Segment's servers hand FQL to @segment/tsub."""
    match tree:
        case Literal():
            return {"value": tree.value}
        case Path():
            return ".".join(tree.keys)
        case ListOf():
            return [ir(item) for item in tree.items]
        case Call():
            return [tree.function, *map(ir, tree.arguments)]
        case Comparison():
            return [tree.operator, ir(tree.left), ir(tree.right)]
        case Not():
            return ["!", ir(tree.operand)]
        case Logic():
            return [tree.operator, *map(ir, tree.operands)]


def test_events_are_judged_as_they_judge_them_but_for_the_reasons_we_list() -> None:
    maker = Maker(4)
    questions = []
    ours = []
    for _ in range(COUNT):
        text, event = maker.expression(), maker.event()
        compiled = compile_filter(text)
        questions.append((ir(compiled.tree), completed(event, compiled.tree)))
        ours.append(
            (text, event, compiled.matches_object(event), evaluation_difference(compiled.tree, event))
        )

    different = []
    compared = 0
    for (text, event, answer, reason), theirs in zip(ours, ask("evaluate", questions), strict=True):
        compared += reason is None
        if answer is not theirs and reason is None:
            different.append((text, event, answer, theirs))

    assert different == []
    assert compared > COUNT / 2
    assert COUNT / 5 < sum(answer for _, _, answer, _ in ours) < COUNT * 4 / 5
