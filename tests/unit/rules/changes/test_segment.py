"""Segment's transformations do what they do there, and what Segment refuses is refused."""

import base64
import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from router.events.calls import AnyEvent
from router.plugins.declarative.segment import Segment, SegmentSettings
from router.plugins.dropped import Dropped
from router.rules.changes.segment import conflicts_of, problems_of, read_transformations
from router.testing import identify, one_of_each, track

ORDER = track(
    "Order", properties={"km": 7, "user": {"mail": "a@b.c", "a.b": 1}, "secret": "s"}, context={"ip": "1"}
)
BROKEN: list[tuple[dict[str, Any], str]] = [
    ({"if": "event ="}, "if: is not FQL: column"),
    ({"newEventName": ""}, "newEventName: is empty"),
    ({"if": "type = 'identify'", "newEventName": "A"}, "newEventName: belongs to track events"),
    ({"propertyRenames": [{"oldName": "a.b.c.d.e", "newName": "b"}]}, "more than 4 levels deep"),
    ({"propertyRenames": [{"oldName": "products.$.id", "newName": "b"}]}, "what is in a list cannot be reached"),
    ({"propertyRenames": [{"oldName": "userId", "newName": "b"}]}, "userId: it is neither in properties nor in traits"),
    ({"propertyRenames": [{"oldName": "context.ip", "newName": "b"}]}, "only what is in properties or traits can be"),
    ({"propertyRenames": [{"oldName": "a", "newName": "b"}, {"oldName": "a", "newName": "c"}]}, "a stands there twice"),
    ({"propertyValueTransformations": [{"propertyPaths": ["a", "a"], "propertyValue": 1}]}, "a stands there twice"),
    ({"propertyValueTransformations": [{"propertyPaths": [], "propertyValue": 1}]}, "has 0 paths; write 1 to 10"),
    ({"propertyValueTransformations": [{"propertyPaths": ["a"] * 11, "propertyValue": 1}]}, "has 11 paths"),
    ({"propertyValueTransformations": [{"propertyPaths": ["a"], "propertyValue": 1}] * 11}, "has 11; 10 at most"),
    (
        {
            "propertyRenames": [{"oldName": "a", "newName": "b"}],
            "propertyValueTransformations": [{"propertyPaths": ["b"], "propertyValue": 1}],
        },
        "b is a name of propertyRenames too",
    ),
    (
        {
            "propertyRenames": [{"oldName": "a", "newName": "b"}],
            "fqlDefinedProperties": [{"fql": "event", "propertyName": "c"}],
        },
        "cannot stand beside propertyRenames",
    ),
    ({"fqlDefinedProperties": [{"fql": "event", "propertyName": "a"}] * 2}, "fqlDefinedProperties: has 2; 1 at most"),
    ({"fqlDefinedProperties": [{"fql": "event(", "propertyName": "a"}]}, "fqlDefinedProperties: is not FQL"),
    ({"hashPropertiesConfiguration": {"algorithm": "crc", "encoding": "HEX", "paths": ["a"]}}, 'algorithm "crc"'),
    ({}, "nothing is done to the events"),
]  # fmt: skip


def segment(*written: dict[str, Any]) -> Segment:
    every = [{"if": "event = 'Order'", **one} for one in written]
    return Segment(SegmentSettings(json=msgspec.json.encode(every).decode()), name="s")


def fields(event: AnyEvent, *written: dict[str, Any]) -> Any:
    made = segment(*written).transform(event)
    assert not isinstance(made, Dropped)
    return made.fields


def properties(*written: dict[str, Any]) -> Any:
    return fields(ORDER, *written)["properties"]


def test_an_event_gets_another_name() -> None:
    assert fields(ORDER, {"newEventName": "Order Paid"}) == {**ORDER.fields, "event": "Order Paid"}


@pytest.mark.parametrize(
    ("old", "new", "changed"),
    [
        ("km", "distance", {"km": ..., "distance": 7}),
        ("properties.km", "properties.distance", {"km": ..., "distance": 7}),
        ("user.mail", "mail", {"user": {"a.b": 1}, "mail": "a@b.c"}),
        (r"user.a\.b", "ab", {"user": {"mail": "a@b.c"}, "ab": 1}),
        ("km", "trip.km", {"km": ..., "trip": {"km": 7}}),
        ("km", "secret", {"km": ..., "secret": 7}),
        ("none", "distance", {}),
    ],
)
def test_a_property_gets_another_name(old: str, new: str, changed: dict[str, Any]) -> None:
    made = properties({"propertyRenames": [{"oldName": old, "newName": new}]})

    assert made == {
        name: value for name, value in {**ORDER.properties, **changed}.items() if value is not ...
    }


def test_a_name_without_a_root_is_one_of_traits_where_the_event_has_traits() -> None:
    event = identify(traits={"mail": "a@b.c"})

    made = fields(
        event, {"if": "type = 'identify'", "propertyRenames": [{"oldName": "mail", "newName": "email"}]}
    )

    assert made["traits"] == {"email": "a@b.c"}


def test_values_are_set_in_properties_context_and_at_the_top() -> None:
    change = {"propertyPaths": ["properties.new", "context.ip", "userId"], "propertyValue": "x"}

    made = fields(ORDER, {"propertyValueTransformations": [change]})

    assert (made["properties"]["new"], made["context"]["ip"], made["userId"]) == ("x", "x", "x")


@pytest.mark.parametrize(
    ("fql", "value"),
    [
        ("event = 'Order'", True),
        ("uppercase(properties.secret)", "S"),
        ("properties.km", 7),
        ("properties.none", None),
    ],
)
def test_fql_defines_a_property(fql: str, value: object) -> None:
    assert properties({"fqlDefinedProperties": [{"fql": fql, "propertyName": "made"}]})["made"] == value


def test_only_allowed_properties_stay() -> None:
    made = fields(ORDER, {"allowProperties": ["km", "properties.user.mail", "none"]})

    assert made["properties"] == {"km": 7, "user": {"mail": "a@b.c"}}
    assert made["context"] == {"ip": "1"}


@pytest.mark.parametrize(
    ("configuration", "expected"),
    [
        ({"algorithm": "SHA256", "encoding": "HEX"}, hashlib.sha256(b"s").hexdigest()),
        ({"algorithm": "sha-256", "encoding": "BASE16"}, hashlib.sha256(b"s").hexdigest()),
        ({"algorithm": "SHA256", "encoding": "HEX", "key": "k"}, hmac.digest(b"k", b"s", "sha256").hex()),
        ({"algorithm": "MD5", "encoding": "BASE64"}, base64.b64encode(hashlib.md5(b"s").digest()).decode()),
    ],
)
def test_a_property_is_hashed(configuration: dict[str, Any], expected: str) -> None:
    made = properties({"hashPropertiesConfiguration": {**configuration, "paths": ["secret", "none"]}})

    assert made["secret"] == expected


def test_a_drop_ignores_all_other_parts() -> None:
    assert segment({"drop": True, "newEventName": "A"}).transform(ORDER) == Dropped(
        "dropped_by_transformation"
    )


def test_a_disabled_one_does_nothing() -> None:
    assert segment({"drop": True, "enabled": False}).transform(ORDER) is ORDER


def test_several_read_the_event_as_it_was_before_the_group() -> None:
    made = fields(
        ORDER,
        {"newEventName": "Paid"},
        {
            "if": "event = 'Order' and properties.km = 7",
            "propertyRenames": [{"oldName": "km", "newName": "distance"}],
        },
        {"if": "event = 'Paid'", "drop": True},
        {"if": "all", "fqlDefinedProperties": [{"fql": "event", "propertyName": "was"}]},
    )

    assert (made["event"], made["properties"]["distance"], made["properties"]["was"]) == ("Paid", 7, "Order")


def test_what_is_hashed_does_not_slip_through_under_another_name() -> None:
    made = properties(
        {"hashPropertiesConfiguration": {"algorithm": "SHA256", "encoding": "HEX", "paths": ["hidden"]}},
        {"if": "all", "propertyRenames": [{"oldName": "secret", "newName": "hidden"}]},
    )

    assert made["hidden"] == hashlib.sha256(b"s").hexdigest()


def test_names_can_be_swapped() -> None:
    renames = [{"oldName": "km", "newName": "secret"}, {"oldName": "secret", "newName": "km"}]

    made = properties({"propertyRenames": renames})

    assert (made["km"], made["secret"]) == ("s", 7)


def test_an_event_of_every_type_goes_through() -> None:
    renames = [{"oldName": "a", "newName": "b"}]
    everything = segment(
        {"if": "all", "allowProperties": ["a"], "newEventName": "B", "propertyRenames": renames}
    )

    made = [everything.transform(event) for event in one_of_each()]

    assert [one.type for one in made] == [event.type for event in one_of_each()]  # type: ignore[union-attr]


@pytest.mark.parametrize(("written", "message"), BROKEN)
def test_what_segment_refuses_is_refused(written: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match="transformation 1: ") as refused:
        segment(written)

    assert message in str(refused.value)


def test_protocols_27_two_for_the_same_events_are_a_conflict() -> None:
    text = '[{"if":"event = \'A\'","name":"one","drop":true},{"if":"event  = \\"A\\"","drop":true}]'
    every = read_transformations(text)

    ((number, problem),) = conflicts_of(every)

    assert (number, str(problem)) == (
        1,
        "if: there is a transformation for the same events already: one; put both into one",
    )


def test_one_for_a_source_and_one_for_a_destination_are_none() -> None:
    every = read_transformations(
        '[{"if":"all","drop":true},{"if":"all","drop":true,"destinationMetadataId":"d"}]'
    )

    assert list(conflicts_of(every)) == []


@pytest.mark.parametrize(
    "text",
    [
        '[{"if":"all","drop":true}]',
        '{"if":"all","drop":true}',
        '{"data":{"transformations":[{"if":"all","drop":true}]}}',
    ],
)
def test_a_file_may_hold_what_the_api_answers(text: str) -> None:
    (one,) = read_transformations(text)

    assert (one.condition, one.drop, list(problems_of(one))) == ("all", True, [])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "it is no JSON"),
        ("5", "it is no list of transformations: Expected `array`"),
        ('[{"if":"all","renames":[]}]', "unknown field `renames`"),
        ('[{"drop":true}]', "missing required field `if`"),
    ],
)
def test_a_file_that_holds_something_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        SegmentSettings(json=text)
