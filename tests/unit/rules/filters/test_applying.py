"""Destination filters at work: what a destination gets of an event, and in which form (protocols 7)."""

import hashlib
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.events.calls import decode_event
from router.rules.filters.compiled import DestinationFilters
from router.rules.filters.definition import FilterDefinition
from router.rules.filters.reading import read_filter
from router.rules.filters.sampling import hash_of
from tests.unit.rules.routing import AT, envelope, event

DROP = {"type": "DROP"}


def drop(**fields: list[str]) -> dict[str, Any]:
    return {"type": "DROP_PROPERTIES", "fields": _named(fields)}


def allow(**fields: list[str]) -> dict[str, Any]:
    return {"type": "ALLOW_PROPERTIES", "fields": _named(fields)}


def sample(percent: float, **fields: str) -> dict[str, Any]:
    return {"type": "SAMPLE", "percent": percent, **fields}


def _named(fields: dict[str, list[str]]) -> dict[str, list[str]]:
    return {"" if name == "top" else name.replace("__", "."): keys for name, keys in fields.items()}


def when(condition: str, *actions: dict[str, Any], **fields: Any) -> FilterDefinition:
    return read_filter({"if": condition, "actions": list(actions), **fields})


def filtered(sent: Any, *filters: FilterDefinition, source: str = "website") -> dict[str, Any] | None:
    """The delivered form of the event, or None."""
    made = DestinationFilters(filters).apply(envelope(sent, source=source))
    return None if made is None else msgspec.json.decode(made.event.json)


def test_protocols_12_a_drop_takes_what_meets_its_condition() -> None:
    nobody = event("page", userId=None, anonymousId="a1")

    assert filtered(nobody, when("length(userId) < 1", DROP)) is None
    assert filtered(event("page"), when("length(userId) < 1", DROP)) is not None


def test_protocols_13_a_text_is_no_number() -> None:
    assert filtered(event(properties={"a": 5}), when("properties.a = '5'", DROP)) is not None


def test_protocols_15_fields_at_the_top_are_gone_from_what_is_delivered() -> None:
    sent = event(timestamp=AT, channel="server", custom={"x": 1}, context={"ip": "192.0.2.1"})
    gone = ["userId", "timestamp", "context", "custom", "event", "integrations"]

    found = filtered(sent, when("all", drop(top=gone)))

    assert found == {"type": "track", "messageId": "m1", "receivedAt": AT, "channel": "server"}


def test_protocols_15_other_destinations_keep_what_one_does_not_get() -> None:
    sent = envelope(event())
    before = sent.event.json

    made = DestinationFilters([when("all", drop(top=["userId"]))]).apply(sent)

    assert made is not None
    assert made.event.user_id is None
    assert (sent.event.user_id, sent.event.json) == ("u1", before)


def test_protocols_16_every_element_of_a_list_loses_the_key() -> None:
    products = [{"id": 1, "price": 2.50}, "none", {"price": 3, "sku": "s"}, [{"price": 4}]]

    found = filtered(
        event(properties={"products": products}), when("all", drop(properties__products=["price"]))
    )

    assert found is not None
    assert found["properties"]["products"] == [{"id": 1}, "none", {"sku": "s"}, [{"price": 4}]]


def test_protocols_17_what_is_allowed_stays_and_what_stands_beside_is_not_touched() -> None:
    sent = event(properties={"a": 1, "b": 2}, context={"ip": "192.0.2.1"})

    found = filtered(sent, when("all", allow(properties=["a"])))

    assert found is not None
    assert (found["properties"], found["context"]) == ({"a": 1}, {"ip": "192.0.2.1"})


def test_the_top_can_be_narrowed_but_type_and_message_id_stay() -> None:
    assert filtered(event(), when("all", allow(top=["event"]))) == {
        "type": "track", "messageId": "m1", "event": "E",
    }  # fmt: skip


@pytest.mark.parametrize(
    "path", ["properties.a.b", "properties.none", "none", "event.x", "properties.list.a"]
)
def test_a_path_that_is_not_there_changes_nothing(path: str) -> None:
    sent = event(properties={"a": 1, "list": [[1]]})
    one = envelope(sent)

    for action in ({"type": "DROP_PROPERTIES"}, {"type": "ALLOW_PROPERTIES"}):
        filters = DestinationFilters([when("all", {**action, "fields": {path: ["x"]}})])
        assert filters.apply(one) is one


def test_a_dot_in_a_key_is_escaped() -> None:
    sent = event(properties={"a.b": {"c": 1, "d": 2}})

    found = filtered(sent, when("all", {"type": "DROP_PROPERTIES", "fields": {r"properties.a\.b": ["c"]}}))

    assert found is not None
    assert found["properties"] == {"a.b": {"d": 2}}


def test_what_stays_keeps_its_digits_and_its_order() -> None:
    stored = event(properties={"z": "Z", "a": 1, "x": 0}).json.replace(
        b'"Z"', b"1234567890.12345678901234567890"
    )

    made = DestinationFilters([when("all", drop(properties=["x"]))]).apply(envelope(decode_event(stored)))

    assert made is not None
    assert b'"properties":{"z":1234567890.12345678901234567890,"a":1}' in made.event.json


def test_samples_come_first_then_drops_then_what_is_dropped_then_what_is_allowed() -> None:
    allowed = when("properties.secret = 1", allow(properties=["a", "secret"]))
    dropped = when("all", drop(properties=["secret"]))

    found = filtered(event(properties={"a": 1, "b": 2, "secret": 1}), allowed, dropped)

    assert found is not None
    assert found["properties"] == {"a": 1}


def test_every_condition_is_judged_on_the_event_as_it_came() -> None:
    first = when("all", drop(properties=["plan"]))
    second = when("properties.plan = 'free'", drop(properties=["total"]))

    found = filtered(event(properties={"plan": "free", "total": 1, "a": 1}), first, second)

    assert found is not None
    assert found["properties"] == {"a": 1}


def test_a_filter_that_is_switched_off_does_nothing() -> None:
    assert filtered(event(), when("all", DROP, enabled=False)) is not None


def test_a_filter_is_for_its_sources_only() -> None:
    one, segment = when("all", DROP, sources=["app"]), when("all", DROP, sourceId="app")

    for definition in (one, segment):
        assert filtered(event(), definition, source="website") is not None
        assert filtered(event(), definition, source="app") is None


def test_only_send_filters_act_together() -> None:
    only_orders, only_big = when("!(event = 'Order')", DROP), when("!(properties.total > 100)", DROP)

    sent = [event(event="Order", properties={"total": total}) for total in (50, 150)]

    assert [filtered(one, only_orders, only_big) is not None for one in sent] == [False, True]


def test_protocols_14_a_condition_that_is_not_fql_raises_for_every_event_that_it_would_judge() -> None:
    broken = FilterDefinition(condition="type =", actions=when("all", DROP).actions)

    with pytest.raises(Exception, match="column"):
        filtered(event(), broken)


def test_protocols_18_a_user_meets_one_fate_and_the_share_is_as_asked() -> None:
    filters = DestinationFilters([when("all", sample(0.3, path="userId"))])
    users = [f"user-{number}" for number in range(10_000)]

    kept = {user for user in users if filters.apply(envelope(event(userId=user, event="A", messageId=user)))}
    again = {
        user for user in users[:500] if filters.apply(envelope(event("identify", userId=user, messageId="m")))
    }

    assert 0.28 < len(kept) / len(users) < 0.32
    assert again == kept.intersection(users[:500])


def test_the_hash_of_a_sample_is_the_documented_one() -> None:
    assert hash_of("u1") == 0x019F91633326AA16  # md5sum of "u1" in quotes
    assert hash_of(None) == _md5("null")
    assert hash_of({"b": 1, "a": 2.0}) == _md5('{"a":2.0,"b":1}')
    assert hash_of(3.0) == hash_of(3)


def _md5(text: str) -> int:
    return int(hashlib.md5(text.encode()).hexdigest()[:16], 16)


def test_events_without_the_field_share_one_fate() -> None:
    filters = DestinationFilters([when("all", sample(0.5, path="traits.none"))])

    fates = {filters.apply(envelope(event(messageId=f"m{number}"))) is None for number in range(50)}

    assert len(fates) == 1


def test_without_a_path_each_event_has_its_own_fate_and_keeps_it() -> None:
    filters = DestinationFilters([when("all", sample(0.5)), when("all", sample(0.5))])
    sent = [envelope(event(messageId=f"m{number}")) for number in range(2000)]

    kept = [filters.apply(one) is not None for one in sent]

    assert 0.21 < sum(kept) / len(kept) < 0.29
    assert kept == [filters.apply(one) is not None for one in sent]


@pytest.mark.parametrize(("percent", "is_kept"), [(0, False), (1, True)])
def test_nothing_and_everything_are_shares_too(percent: float, is_kept: bool) -> None:
    assert (filtered(event(), when("all", sample(percent, path="userId"))) is not None) is is_kept


def test_a_sample_is_of_the_events_that_meet_its_condition() -> None:
    assert filtered(event("page"), when("type = 'track'", sample(0))) is not None


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-99, 99) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
OBJECT = st.dictionaries(st.sampled_from("abc"), JSON, max_size=3)
KEYS = st.lists(st.sampled_from([*"abc", "userId", "event", "context", "timestamp"]), max_size=3)
PATHS = st.sampled_from(["", "properties", "properties.a", "properties.a.b", "context", "context.c"])
CHANGES = st.builds(
    lambda kind, fields: {"type": kind, "fields": fields},
    st.sampled_from(["DROP_PROPERTIES", "ALLOW_PROPERTIES"]),
    st.dictionaries(PATHS, KEYS, min_size=1, max_size=3),
)


@settings(deadline=None)
@given(properties=OBJECT, context=OBJECT, changes=st.lists(CHANGES, min_size=1, max_size=4))
def test_no_filter_alters_the_event_that_others_get(
    properties: dict[str, Any], context: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    one = envelope(event(properties=properties, context=context))
    stored, seen = one.event.json, msgspec.json.decode(one.event.json)
    filters = DestinationFilters([when("all", change) for change in changes])

    made = filters.apply(one)

    assert made is not None
    assert (one.event.json, msgspec.json.decode(stored)) == (stored, seen)
    assert made.event.message_id == "m1"
    assert _is_part(msgspec.json.decode(made.event.json), seen)


@settings(deadline=None)
@given(
    properties=OBJECT, changes=st.permutations([drop(properties=["a"]), allow(properties=["a", "b"]), DROP])
)
def test_the_order_of_filters_changes_nothing(
    properties: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    conditions = ["typeof(properties.c) = 'list'" if change is DROP else "all" for change in changes]
    filters = [when(condition, change) for condition, change in zip(conditions, changes, strict=True)]

    found = filtered(event(properties=properties), *filters)

    if isinstance(properties.get("c"), list):
        assert found is None
    else:
        assert found is not None
        assert found["properties"] == {key: value for key, value in properties.items() if key == "b"}


@settings(deadline=None)
@given(properties=OBJECT, changes=st.lists(CHANGES, min_size=1, max_size=3))
def test_what_was_filtered_once_is_filtered_again_to_the_same(
    properties: dict[str, Any], changes: list[dict[str, Any]]
) -> None:
    filters = DestinationFilters([when("all", change) for change in changes])

    once = filters.apply(envelope(event(properties=properties)))
    assert once is not None
    twice = filters.apply(once)

    assert twice is not None
    assert twice.event.json == once.event.json


def _is_part(one: Any, whole: Any) -> bool:
    if isinstance(one, dict):
        return isinstance(whole, dict) and all(key in whole and _is_part(one[key], whole[key]) for key in one)
    if isinstance(one, list):
        return isinstance(whole, list) and len(one) == len(whole) and all(map(_is_part, one, whole))
    return bool(one == whole)
