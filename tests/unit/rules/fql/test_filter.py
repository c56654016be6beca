"""What FQL filters say of events (protocols 6.2)."""

from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from router.events.calls import AnyEvent, decode_event
from router.rules.fql.filter import compile_filter

TRACK: dict[str, Any] = {
    "type": "track",
    "event": "Order Completed",
    "messageId": "m1",
    "userId": "u1",
    "receivedAt": "2030-05-01T10:00:07.000Z",
    "timestamp": "2030-05-01T10:00:02.000Z",
    "version": 2,
    "context": {"page": {"url": "https://shop.test/a"}, "ip": "203.0.113.1"},
    "properties": {
        "km": 7,
        "one": 1,
        "yes": True,
        "no": False,
        "nothing": None,
        "text": "it's",
        "city": "Århus",
        "tags": ["a", "b", 1, None],
        "my key": 1,
        "a.b": 2,
        "and": 3,
        "2nd": 4,
        "home": {"x": 1, "y": [True]},
        "same": {"x": 1, "y": [True]},
        "turned": {"y": [True], "x": 1},
        "ones": {"x": True, "y": [1]},
        "glob": "Order*",
    },
    "madeUp": {"x": "y"},
}


def event_of(stored: dict[str, Any]) -> AnyEvent:
    return decode_event(msgspec.json.encode(stored))


def judged(text: str, stored: dict[str, Any] = TRACK) -> bool:
    """What a filter says of an event, which is the same for the plain object."""
    compiled = compile_filter(text)
    said = compiled.matches(event_of(stored))
    assert compiled.matches_object(stored) is said
    return said


@pytest.mark.parametrize(
    "text",
    [
        "all",
        " all ",
        "true",
        "type = 'track'",
        'event = "Order Completed" and userId = "u1"',
        "messageId = 'm1' and version = 2",
        "'Order Completed' = event",
        "properties.km > 5",
        "5 < properties.km and 7 <= properties.km and properties.km >= 7.0",
        "'a' in properties.tags and null in properties.tags and 1 in properties.tags",
        "properties.my\\ key = 1",
        "properties.a\\.b = 2",
        "properties.and = 3 and properties.2nd = 4",
        "properties . km = 7",
        "properties.none = null",
        "properties.nothing = null and properties.km.deeper = null",
        "context.page.url = 'https://shop.test/a'",
        "madeUp.x = 'y'",
        "!contains(traits.x,'x')",
        "type in ['track','page']",
        "properties.km in ['7', 7]",
        "event in [userId, event]",
        "[1, true] = [1, true]",
        "properties.home = properties.same",
        "properties.home != properties.turned and properties.home != properties.ones",
        "properties.yes",
        "!properties.nothing",
        "!(properties.yes = false)",
        "!properties.km = 8",
        "timestamp > '2030-05-01T10:00:01.000Z'",
        'properties.text = "it\'s"',
        "match(event, 'Order*') and match(event, properties.glob)",
        "false or true and true",
        "true or true and false",
        "\n\ttype\r\n=  'track'\n",
        "type='track'and(event!='x')",
        "_x = null and a-b = null",
        "-1 < +1",
        "1 = 1 and 'a' in ['a'] and !false",
        "contains(event, 'Order') and properties.km != 8 and userId != null",
        "'x' in [userId, 'x'] and userId in [userId]",
    ],
)
def test_true_of_the_event(text: str) -> None:
    assert judged(text) is True


@pytest.mark.parametrize(
    "text",
    [
        "false",
        "null",
        "'text'",
        "event",
        "type = 'page'",
        "properties.km = '7'",
        "properties.yes = 1 or properties.no = 0 or properties.one = true",
        "properties.km > '5' or 'a' > 5 or properties.text < 1 or null < 1 or properties.yes > 0",
        "properties.yes < properties.km",
        "properties.tags in [properties.tags] or [1] in [[1]]",
        "'a' in 'abc' or 'a' in properties.text or 'a' in null",
        "true in properties.tags",
        "'2' in ['1', 2]",
        "properties.tags",
        "properties.nothing or properties.km",
        "!properties.yes",
        "(true or true) and false",
        "lowercase(event)",
        "_json = null and false",
        "event.x = 'Order Completed'",
        "1 = 2 or properties.km < null or properties.km > true",
        "properties.tags > 0 or event < [1]",
    ],
)
def test_false_of_the_event(text: str) -> None:
    assert judged(text) is False


def test_protocols_12_a_missing_user_id_has_the_length_0() -> None:
    anonymous = {name: value for name, value in TRACK.items() if name != "userId"} | {"anonymousId": "a"}

    assert judged("length(userId) < 1", anonymous) is True
    assert judged("length(userId) < 1") is False


def test_protocols_13_the_text_5_is_not_the_number_5() -> None:
    assert judged("properties.a = '5'", TRACK | {"properties": {"a": 5}}) is False
    assert judged("properties.a = '5'", TRACK | {"properties": {"a": "5"}}) is True


@pytest.mark.parametrize("kind", ["identify", "page", "screen", "group", "alias"])
def test_every_type_of_event_has_its_fields_and_no_others(kind: str) -> None:
    own = {
        "page": {"name": "n"},
        "screen": {"category": "c"},
        "group": {"groupId": "g"},
        "alias": {"previousId": "p"},
    }
    stored = {name: value for name, value in TRACK.items() if name not in ("event", "properties", "madeUp")}
    stored |= {"type": kind, **own.get(kind, {})}

    assert (
        judged(f"type = '{kind}' and event = null and properties = null and traits.x = null", stored) is True
    )
    for name, value in own.get(kind, {}).items():
        assert judged(f"{name} = '{value}'", stored) is True


def test_open_json_that_was_not_sent_is_null_and_an_empty_object_is_none() -> None:
    bare = {name: value for name, value in TRACK.items() if name != "properties"}

    assert judged("properties = null", bare) is True
    assert judged("properties = null", bare | {"properties": {}}) is False
    assert judged("typeof(properties) = 'object'") is True


def test_open_json_is_decoded_only_when_a_filter_looks_into_it() -> None:
    event = event_of(TRACK)

    assert compile_filter("type = 'track' and userId = 'u1' and madeUp != null").matches(event)
    assert event._open is UNSET
    assert compile_filter("properties.km = 7").matches(event)
    assert set(event._open) == {"properties_json"}  # type: ignore[arg-type]
    assert compile_filter("properties.km = 7").matches(event)


def test_a_made_up_field_is_found_when_its_name_is_written_with_escapes() -> None:
    stored = msgspec.json.encode(TRACK).replace(b'"madeUp"', b'"m\\u0061deUp"')

    assert compile_filter("madeUp.x = 'y'").matches(decode_event(stored))


def test_a_name_within_a_text_is_no_made_up_field() -> None:
    assert judged("ip != null or url != null") is False


def test_deep_values_are_compared_without_recursion() -> None:
    deep: Any = 1
    other: Any = 2
    for _ in range(5000):
        deep, other = [deep], [other]

    assert compile_filter("a = b").matches_object({"a": deep, "b": deep})
    assert not compile_filter("a = b").matches_object({"a": deep, "b": other})


@pytest.mark.parametrize("payload", [{}, {"properties": None}, {"properties": [1]}, {"properties": "x"}])
def test_an_object_without_the_place_reads_as_null(payload: dict[str, Any]) -> None:
    assert compile_filter("properties.a = null and properties.a.b.c = null").matches_object(payload)


def test_long_rows_of_conditions_are_judged() -> None:
    texts = [f"userId = 'u{number}'" for number in range(2, 7)]

    assert judged(" or ".join(texts)) is False
    assert judged(" or ".join([*texts, "userId = 'u1'"])) is True
    assert judged(" and ".join(text.replace("=", "!=") for text in texts)) is True
    assert judged(" and ".join([*(text.replace("=", "!=") for text in texts), "userId = null"])) is False
