"""What cannot be read is refused with its place and a remedy; nothing hostile costs much."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rules.fql.parser import MOST_LEVELS, parse_expression
from router.rules.fql.refused import ExpressionRefused
from router.rules.fql.tokens import MOST_BYTES
from router.rules.fql.tree import Call, Comparison, ListOf, Literal, Logic, Not, Path


def refusal(text: str) -> str:
    with pytest.raises(ExpressionRefused) as refused:
        parse_expression(text)
    return str(refused.value)


def test_a_tree_knows_the_columns() -> None:
    assert parse_expression("!a = 1 and length(b.c) in [null, 'x']") == Logic(
        "and",
        (
            Not(Comparison("=", Path(("a",), 2), Literal(1, 6), 4), 1),
            Comparison(
                "in",
                Call("length", (Path(("b", "c"), 19),), 12),
                ListOf((Literal(None, 28), Literal("x", 34)), 27),
                24,
            ),
        ),
        1,
    )


def test_and_binds_tighter_than_or() -> None:
    tree = parse_expression("a or b and c")

    assert isinstance(tree, Logic)
    assert tree.operator == "or"
    assert isinstance(tree.operands[1], Logic)
    assert tree.operands[1].operator == "and"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "column 1: the expression is empty; write all to match every event"),
        (" \n", "line 2, column 1: the expression is empty; write all to match every event"),
        ("properties.plan =", 'column 18: expected a value after "="'),
        ("properties.plan = ", 'column 19: expected a value after "="'),
        ("event =\nand", 'line 2, column 1: expected a value after "=", not "and"'),
        ("a = 1 and", 'column 10: expected a value after "and"'),
        ("or a", 'column 1: expected a value, not "or"'),
        ("a AND b", 'column 3: expected "and", "or" or the end, not "AND"; keywords are lower case'),
        ("a = 1 'x'", 'column 7: expected "and", "or" or the end, not \'x\''),
        ("(a = 1", 'column 7: expected ")" for the "(" in column 1, not the end'),
        ("a = 1)", 'column 6: expected "and", "or" or the end, not ")"'),
        ("(a = 1) = true", 'column 9: expected "and", "or" or the end, not "="'),
        ("a < b < c", 'column 7: expected "and", "or" or the end, not "<"'),
        ("a[0] = 1", 'column 2: expected "and", "or" or the end, not "["'),
        ("[] = a", 'column 2: expected a value after "[", not "]"'),
        ("[1,", 'column 4: expected a value after ","'),
        ("a.= 1", 'column 3: expected a name after ".", not "="'),
        ("!!a", 'column 2: one "!" is enough'),
        ("lenght(a) > 1", 'column 1: unknown function "lenght"; did you mean "length"?'),
        ("contains(a) = 1", "column 1: contains() takes 2 values, not 1"),
        ("length(a, b) = 1", "column 1: length() takes 1 value, not 2"),
        (
            "semver(a, '~', '1')",
            "column 1: semver() compares with one of = != < <= > >= in quotes, as its second value",
        ),
        ("a = 'x", "column 5: the string has no closing '; strings have no escapes"),
        ("a & b", 'column 3: unexpected character "&"; write "and"'),
        ("é = 1", 'column 1: unexpected character "é"; in a name write "\\é"'),
        ("a\\", 'column 2: a name ends with "\\"; write the escaped character behind it'),
        (
            "a = 1.2.3",
            "column 5: not a number; write digits with at most one point between them, and a space behind",
        ),
        ("a = " + "1" * 101, "column 5: a number of 101 characters; at most 100 are allowed"),
        ("match(a, '" + "*" * 501 + "')", "column 1: a glob of 501 characters; at most 500 are allowed"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place_and_a_remedy(text: str, message: str) -> None:
    assert refusal(text) == message


def test_an_unknown_function_lists_those_there_are() -> None:
    assert refusal("zzz(a)").startswith(
        'column 1: unknown function "zzz"; there are contains, match, length,'
    )


def test_the_refusal_knows_its_line_and_column() -> None:
    with pytest.raises(ExpressionRefused) as refused:
        parse_expression("a = 1\nand b =\n")

    assert (refused.value.line, refused.value.column) == (3, 1)


def test_an_expression_has_at_most_5120_bytes() -> None:
    fits = "a = '" + "é" * ((MOST_BYTES - 6) // 2) + "'"

    parse_expression(fits)
    assert refusal(fits + " ") == "the expression is 5121 bytes long; at most 5120 are allowed"


@pytest.mark.parametrize(("opening", "closing"), [("(", ")"), ("[", "]"), ("lowercase(", ")"), ("!(", ")")])
def test_nesting_has_an_end(opening: str, closing: str) -> None:
    parse_expression(opening * MOST_LEVELS + "a" + closing * MOST_LEVELS)

    assert "more than 50 levels of nesting" in refusal(opening * (MOST_LEVELS + 1) + "a")


def test_parentheses_side_by_side_are_no_nesting() -> None:
    parse_expression(" and ".join(["(a in [1])"] * (MOST_LEVELS + 1)))


@given(st.text(alphabet="ab.()[]!=<>'\"\\ ,1-é\n", max_size=40))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ExpressionRefused):
        parse_expression(text)
