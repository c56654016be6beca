"""Subscription triggers: what they match, what is refused, how they are written (protocols 8)."""

from contextlib import suppress
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.events.calls import decode_event
from router.rules.fql.refused import ExpressionRefused
from router.rules.triggers.parser import parse_trigger
from router.rules.triggers.tree import read_tree, write_tree
from router.rules.triggers.trigger import Trigger, compile_trigger
from router.rules.triggers.writer import trigger_text


def event_of(kind: str, **fields: Any) -> dict[str, Any]:
    return {"type": kind, "messageId": "m", "receivedAt": "r", "timestamp": "t", **fields}


def judged(text: str, stored: dict[str, Any]) -> bool:
    """What a trigger says of an event, which is the same for the plain object."""
    compiled = compile_trigger(text)
    said = compiled.matches(decode_event(msgspec.json.encode(stored)))
    assert compiled.matches_object(stored) is said
    return said


@pytest.mark.parametrize(
    ("trigger", "event", "result"),
    [
        ('type = "track" and event = "A"', event_of("track", event="A"), True),
        ('event != "X"', event_of("identify"), True),
        ("properties.km = 5", event_of("track", event="A", properties={"km": 5}), True),
        ("properties.km = 5", event_of("track", event="A", properties={"km": "5"}), False),
        ('properties.km = "5"', event_of("track", event="A", properties={"km": 5}), False),
        ("properties.km > 5", event_of("track", event="A", properties={"km": "6"}), False),
        ("properties.x != null", event_of("track", event="A", properties={"x": None}), False),
        ("properties.x != null", event_of("track", event="A"), False),
        ("properties.x = null", event_of("track", event="A", properties={"x": None}), True),
        ("properties.x = null", event_of("track", event="A"), True),
        ("properties.f = true", event_of("track", event="A", properties={"f": "true"}), False),
        ('!contains(event,"z")', event_of("identify"), False),
        ('type = "track" or event = "A" and event = "B"', event_of("track", event="C"), False),
        ('type = "track" and (event = "A" or event = "B")', event_of("track", event="B"), True),
    ],
)
def test_protocols_20_the_rows_of_the_table(trigger: str, event: dict[str, Any], result: bool) -> None:
    assert judged(trigger, event) is result


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ('(type = "track" and (event = "A"))', "column 21: parentheses do not stand in parentheses"),
        ("", "column 1: the trigger is empty"),
        (
            'messageId = "x"',
            'column 1: expected a field, not "messageId"; there are type, event, name, userId,',
        ),
        ("properties.a[0] = 1", 'column 13: expected "=" or "!="'),
        ('!(type = "track")', 'column 1: "!" stands before contains() and match() only; otherwise use !='),
        ("type = 'track'", "column 8: expected a text in double quotes, not 'track'"),
        ('match(event,"Order")', "column 13: match() takes one star, first or last"),
        ("length(event) > 1", 'column 1: expected a field, not "length"'),
        ('event in ["A"]', 'column 7: expected "=" or "!="'),
    ],
)
def test_protocols_20_the_rows_that_we_chose_to_refuse(trigger: str, message: str) -> None:
    with pytest.raises(ExpressionRefused) as refused:
        parse_trigger(trigger)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("trigger", "message"),
    [
        ("event = null", "column 9: event cannot be compared with null"),
        ("properties.a > null", "column 16: null goes with = and != only, not with >"),
        (
            "properties.a != true",
            "column 17: true goes with = only; write for example properties.a = false or properties.a = null",
        ),
        ("name = true", 'column 8: expected a value after "="; a text stands in double quotes: "true"'),
        ("event = Foo", 'column 9: expected a value after "="; a text stands in double quotes: "Foo"'),
        ("event =", 'column 8: expected a value after "="'),
        ("event = (", 'column 9: expected a value after "=", not "("'),
        ('type = "track" event = "A"', 'column 16: expected "and", "or" or the end, not "event"'),
        ('type = "track" and', "column 19: expected a field, not the end"),
        ('(type = "track"', 'column 16: expected ")" for the "(" in column 1, not the end'),
        ('type = "track")', 'column 15: expected "and", "or" or the end, not ")"'),
        ('properties = "x"', "column 1: a trigger looks at a field of properties; write properties.NAME"),
        ('properties.\\. = "x"', "column 1: a trigger looks at a field of properties; write properties.NAME"),
        ('properties. = "x"', 'column 13: expected a name after ".", not "="'),
        ('event.x = "a"', "column 1: event is a text and has no fields"),
        ('contains(type,"x")', "column 10: contains() cannot look at type; compare it with ="),
        ("contains(event,5)", 'column 16: expected a text in double quotes, not "5"'),
        ('contains(event "x")', 'column 16: expected ",", not "x"'),
        ('match(event,"*x*")', "column 13: match() takes one star, first or last"),
        ('match(event,"")', "column 13: match() takes one star, first or last"),
    ],
)
def test_what_nobody_can_have_meant_is_refused(trigger: str, message: str) -> None:
    with pytest.raises(ExpressionRefused) as refused:
        parse_trigger(trigger)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize(
    ("trigger", "properties", "result"),
    [
        ('contains(properties.a,"b")', {"a": "abc"}, True),
        ('!match(properties.a,"a*")', {"a": "abc"}, False),
        ('!match(properties.a,"*a")', {"a": "abc"}, True),
        ('!match(properties.a,"*a")', {"a": 5}, False),
        ('match(properties.a,"*")', {"a": ""}, True),
        ("properties.a >= 5", {"a": True}, False),
        ("properties.a != 5", {"a": "x"}, False),
        ("properties.a = false", {"a": False}, True),
        ("properties.a.b = false", {"a": False}, True),
        ("properties.a.b = 0", {"a": 0}, True),
        ("properties.a.b != null", {"a": 1}, False),
        ('properties.a\\[1\\] = "y"', {"a": ["x", "y"]}, True),
        ("properties.a\\[2\\] = null", {"a": ["x", "y"]}, True),
        ("properties.a.length = 2", {"a": ["x", "y"]}, True),
        ("properties.a.length = 0", {"a": []}, True),
        ('properties.a.0 = "x"', {"a": "xyz"}, True),
        ('properties.my\\ key = "x"', {"my key": "x"}, True),
        ('properties.null = "x"', {"null": "x"}, True),
        ('properties.a < "5"', {"a": 4}, True),
        ('properties.a < "x"', {"a": 4}, False),
        ('(contains(properties.a,"x") or contains(properties.a,"y")) and type = "track"', {"a": "y"}, True),
    ],
)
def test_properties_are_judged(trigger: str, properties: dict[str, Any], result: bool) -> None:
    assert judged(trigger, event_of("track", event="A", properties=properties)) is result


def test_other_fields_are_judged() -> None:
    page = event_of("page", name="Home", userId="5", context={"ip": "203.0.113.1"})
    group = event_of("group", groupId="g", traits={"seats": 5})

    assert judged('name = "Home" and userId = 5 and context.ip != null', page)
    assert not judged("userId = true or userId = null", page)
    assert judged('traits.seats >= 5 and name = null and type != "page"', group)


@pytest.mark.parametrize(
    ("tree", "message"),
    [
        ({"error": {"message": "x"}}, "the trigger was refused where it was written"),
        (None, "not the tree of a trigger"),
        ({"type": "event", "operator": "=", "value": "A"}, "not the tree of a trigger"),
        ({"type": "group", "operator": "xor", "children": []}, "not the tree of a trigger"),
        ({"type": "group", "operator": "and", "children": []}, "a group has no conditions"),
        (
            {"type": "group", "operator": "and", "children": [{"type": "event", "operator": "="}]},
            'a condition with the operator "=" has no value; add one',
        ),
        (
            {
                "type": "group",
                "operator": "and",
                "children": [{"type": "event-trait", "name": ".", "operator": "exists"}],
            },
            'a condition on traits has the name "."; name a field',
        ),
    ],
)
def test_a_tree_that_makes_no_sense_is_refused(tree: Any, message: str) -> None:
    with pytest.raises(ExpressionRefused) as refused:
        read_tree(tree)

    assert str(refused.value).startswith(message)


@pytest.mark.parametrize("levels", [2, 100_000])
def test_a_deep_tree_is_refused(levels: int) -> None:
    tree: Any = {"type": "event", "operator": "=", "value": "A"}
    for _ in range(levels + 1):
        tree = {"type": "group", "operator": "and", "children": [tree]}

    with pytest.raises(ExpressionRefused):
        read_tree(tree)


@pytest.mark.parametrize(
    "text",
    [
        'type = "track" and (event = "A" or !contains(properties.a, "b"))',
        'match(name, "A*") or !match(userId, "*\\")',
        "properties.a\\ b.c <= -2.5 and traits.é != 5".replace("é", "\\é"),
        "context.ip != null and userId = false",
        '(event = "A" and name = null) or (event = "(B)" and traits.x = true)',
    ],
)
def test_what_is_written_reads_the_same(text: str) -> None:
    tree = parse_trigger(text)

    assert trigger_text(tree) == text
    assert parse_trigger(trigger_text(tree)) == tree


def test_one_group_alone_is_written_without_parentheses() -> None:
    inner = write_tree(parse_trigger('event = "A" or event = "B"'))
    tree = read_tree({"type": "group", "operator": "and", "children": [inner]})

    assert trigger_text(tree) == 'event = "A" or event = "B"'
    assert Trigger(tree).matches_object({"event": "B"})


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ({"operator": "<", "value": "x"}, "the operator \"<\" needs a plain number, not 'x'"),
        ({"operator": "=", "value": 'a"b'}, 'a text in a trigger cannot have double quotes in it: a"b'),
    ],
)
def test_what_no_text_can_say_is_not_written(condition: dict[str, Any], message: str) -> None:
    tree = read_tree({"type": "group", "operator": "and", "children": [{"type": "event", **condition}]})

    with pytest.raises(ExpressionRefused, match=r"plain number|double quotes") as refused:
        trigger_text(tree)
    assert str(refused.value) == message


@pytest.mark.parametrize(("value", "text"), [(True, "true"), (5, "5"), ("x", '"x"')])
def test_values_of_trees_are_written_by_their_type(value: Any, text: str) -> None:
    condition = {"type": "event-property", "name": "a", "operator": "!=", "value": value}
    tree = read_tree({"type": "group", "operator": "and", "children": [condition]})

    assert trigger_text(tree) == f"properties.a != {text}"


@given(st.text(alphabet="ab.()!=<>*'\"\\ ,1-", max_size=30).map(lambda text: f'type = "a{text}'))
def test_any_text_is_read_or_refused(text: str) -> None:
    with suppress(ExpressionRefused):
        compile_trigger(text).matches_object({})
