"""Steps of an operator: each does what it says, leaves the rest alone, and says what is wrong with it."""

import base64
import hashlib
import hmac
from typing import Any

import msgspec
import pytest

from router.events.calls import AnyEvent, decode_event
from router.plugins.declarative.steps import Steps, StepsSettings
from router.plugins.dropped import Dropped
from router.plugins.settings import setting_hook
from router.testing import alias, group, identify, one_of_each, page, track


def steps(*written: dict[str, Any], **settings: Any) -> Steps:
    section = {"steps": list(written), **settings}
    return Steps(msgspec.convert(section, StepsSettings, dec_hook=setting_hook), name="tidy")


def properties(event: AnyEvent, *written: dict[str, Any]) -> Any:
    made = steps(*written).transform(event)
    assert not isinstance(made, Dropped)
    return made.fields["properties"]


TOTAL_MD5 = base64.urlsafe_b64encode(hashlib.md5(b"12.5").digest()).decode().rstrip("=")
KEYED = hmac.digest(b"k", b"7", "sha256").hex()
ORDER = track(
    "Order", properties={"total": "12.5", "cart": {"id": 7, "a.b": 1}, "tags": ["x"], "empty": None}
)


@pytest.mark.parametrize(
    ("step", "changed"),
    [
        ({"rename": {"properties.total": "properties.revenue"}}, {"total": ..., "revenue": "12.5"}),
        ({"rename": {"properties.cart.id": "properties.id"}}, {"cart": {"a.b": 1}, "id": 7}),
        ({"rename": {"properties.total": "properties.new.deep"}}, {"total": ..., "new": {"deep": "12.5"}}),
        ({"rename": {r"properties.cart.a\.b": "properties.ab"}}, {"cart": {"id": 7}, "ab": 1}),
        ({"rename": {"properties.none": "properties.revenue"}}, {}),
        ({"rename": {"properties.total": "properties.cart"}}, {"total": ..., "cart": "12.5"}),
        ({"rename": {"properties.total": "traits.total"}}, {}),
        ({"drop": ["properties.total", "properties.none", "properties.tags.x"]}, {"total": ...}),
        ({"drop": ["properties.cart.id"]}, {"cart": {"a.b": 1}}),
        ({"mask": ["properties.total"]}, {"total": "***"}),
        ({"mask": ["properties.total"], "keep": 2}, {"total": "***.5"}),
        ({"mask": ["properties.total"], "keep": 3}, {"total": "***"}),
        ({"mask": ["properties.empty"]}, {}),
        ({"hash": ["properties.total"]}, {"total": hashlib.sha256(b"12.5").hexdigest()}),
        ({"hash": ["properties.cart.id"], "key": "k"}, {"cart": {"id": KEYED, "a.b": 1}}),
        ({"hash": ["properties.total"], "algorithm": "md5", "encoding": "base64url"}, {"total": TOTAL_MD5}),
        ({"set": {"properties.currency": "EUR"}}, {"currency": "EUR"}),
        ({"set": {"properties.total.amount": 1}}, {"total": {"amount": 1}}),
        ({"set": {"properties.copy": {"@path": "$.properties.cart.id"}}}, {"copy": 7}),
        ({"set": {"properties.copy": {"@path": "$.properties.none"}}}, {}),
        ({"cast": {"properties.total": "number"}}, {"total": 12.5}),
        ({"cast": {"properties.total": "integer"}}, {"total": 12}),
        ({"cast": {"properties.cart.id": "text"}}, {"cart": {"id": "7", "a.b": 1}}),
        ({"cast": {"properties.tags": "number"}}, {}),
        ({"cast": {"properties.total": "boolean"}}, {}),
        ({"allow": ["properties.total", "properties.none"]}, {"cart": ..., "tags": ..., "empty": ...}),
        ({"drop": ["properties.total"], "if": "event = 'Other'"}, {}),
        ({"drop": ["properties.total"], "if": "all"}, {"total": ...}),
    ],
)  # fmt: skip
def test_a_step_changes_what_it_names_and_nothing_else(step: dict[str, Any], changed: dict[str, Any]) -> None:
    before = ORDER.json
    expected = {**ORDER.properties, **changed}

    made = properties(ORDER, step)

    assert made == {name: value for name, value in expected.items() if value is not ...}
    assert ORDER.json == before


def test_a_later_step_sees_what_an_earlier_one_did() -> None:
    made = properties(
        ORDER,
        {"rename": {"properties.total": "properties.revenue"}},
        {"cast": {"properties.revenue": "number"}, "if": "properties.revenue = '12.5'"},
        {"set": {"properties.twice": {"@path": "$.properties.revenue"}}},
    )

    assert (made["revenue"], made["twice"]) == (12.5, 12.5)


def test_the_name_of_an_event_can_be_set() -> None:
    made = steps({"set": {"event": "Order Paid"}}).transform(ORDER)

    assert made.event == "Order Paid"  # type: ignore[union-attr]


def test_a_name_that_is_no_text_changes_nothing() -> None:
    made = steps({"set": {"event": {"@path": "$.properties.cart"}}}).transform(ORDER)

    assert made.event == "Order"  # type: ignore[union-attr]


def test_the_type_and_the_message_id_stay_whatever_is_done() -> None:
    with pytest.raises(ValueError, match=r"messageId: it is no field that can be changed"):
        steps({"set": {"messageId": "m2"}})


def test_an_event_of_every_type_goes_through_every_step() -> None:
    tidy = steps(
        {"rename": {"traits.email": "traits.mail"}}, {"drop": ["properties.plan", "context.ip", "name"]}
    )

    made = [tidy.transform(event) for event in one_of_each()]

    assert [one.type for one in made] == [event.type for event in one_of_each()]  # type: ignore[union-attr]


def test_a_field_that_another_type_of_event_has_is_no_matter() -> None:
    event = alias(previous_id="a1")

    assert steps({"set": {"traits.x": 1}}, {"set": {"event": "A"}}).transform(event) is event


def test_traits_of_groups_are_changed_too() -> None:
    made = steps({"mask": ["traits.vat"]}).transform(group("g1", traits={"vat": "DE1"}))

    assert made.traits == {"vat": "***"}  # type: ignore[union-attr]


def test_a_dropped_event_has_its_reason() -> None:
    tidy = steps({"drop": True, "if": "event = 'Order'"})

    assert tidy.transform(ORDER) == Dropped("dropped_by_step")
    assert tidy.transform(track("Other")) != Dropped("dropped_by_step")


def test_a_sample_is_the_share_it_says_and_the_same_users_each_time() -> None:
    tidy = steps({"sample": 0.3, "by": "userId"})
    events = [track("A", user_id=f"u{number}") for number in range(2000)]

    kept = [event.user_id for event in events if tidy.transform(event) is event]
    again = [
        event.user_id
        for event in events
        if tidy.transform(event.replace(event="B")) != Dropped("sampled_out")
    ]

    assert 0.27 < len(kept) / 2000 < 0.33
    assert again == kept


@pytest.mark.parametrize(("part", "passes"), [(0, False), (1, True)])
def test_nothing_and_everything_are_shares_too(part: float, passes: bool) -> None:
    assert (steps({"sample": part}).transform(ORDER) is ORDER) is passes


def test_a_route_says_who_gets_the_event() -> None:
    event = track("A", integrations={"crm": {"list": 4}, "All": True})

    only = steps({"route": {"only": ["crm", "files"]}}).transform(event)
    never = steps({"route": {"never": ["crm"]}}).transform(event)

    assert only.integrations == {"All": False, "crm": {"list": 4}, "files": True}  # type: ignore[union-attr]
    assert never.integrations == {"All": True, "crm": False}  # type: ignore[union-attr]


def test_the_condition_of_all_steps_is_asked_once_and_first() -> None:
    tidy = steps({"set": {"event": "B"}}, {"drop": ["properties.total"]}, **{"if": "event = 'Order'"})

    made = tidy.transform(ORDER)

    assert (made.event, "total" in made.properties) == ("B", False)  # type: ignore[union-attr]
    other = page("Home")
    assert tidy.transform(other) is other


def test_hostile_names_are_names_like_any_other() -> None:
    event = decode_event(
        track("A").json.replace(b'"properties":{}', b'"properties":{"__proto__":{"x":1},"\\u0430 \\n":2}')
    )

    made = properties(event, {"rename": {"properties.__proto__": "properties.ok"}})

    assert made == {"ok": {"x": 1}, "а \n": 2}


def test_large_integers_keep_every_digit() -> None:
    event = track("A", properties={"id": 2**64 - 1, "text": "9223372036854775807"})

    made = properties(event, {"cast": {"properties.text": "integer"}})

    assert made == {"id": 2**64 - 1, "text": 9223372036854775807}


@pytest.mark.parametrize(
    ("step", "message"),
    [
        ({}, "step 1: it says nothing; write exactly one of rename, drop"),
        ({"drop": ["context.ip"], "mask": ["context.ip"]}, "step 1: it says drop and mask; write exactly one"),
        ({"drop": False}, "drop = false does nothing"),
        ({"drop": []}, "it names no field"),
        ({"drop": ["properties"]}, r"properties: name a field in it"),
        ({"drop": ["properties..a"]}, "it is no path"),
        ({"drop": ["properties.a.b.c.d.e"]}, "more than 4 levels deep"),
        ({"drop": ["userid"]}, "it is no field that can be changed"),
        ({"drop": ["context.ip"], "keep": 4}, "keep belongs to mask; remove it"),
        ({"mask": ["context.ip"], "keep": -1}, "keep = -1 is no number of characters"),
        ({"sample": 1.5}, "sample = 1.5 is no share"),
        ({"sample": 0.5, "by": "user"}, "user: it is no field"),
        ({"route": {}}, "route needs one of the two"),
        ({"allow": ["event"]}, "it is not within one of properties"),
        ({"set": {"properties.a": {"@nonsense": 1}}}, "@nonsense"),
        ({"drop": ["context.ip"], "if": "event ="}, "if: is not FQL: column"),
        ({"cast": {"properties.a": "float"}}, "Invalid enum value 'float'"),
        ({"drops": ["context.ip"]}, "unknown field `drops`"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_step_is_said(step: dict[str, Any], message: str) -> None:
    with pytest.raises((ValueError, msgspec.ValidationError), match=message):
        steps(step)


def test_a_step_leaves_the_event_that_it_is_given_alone() -> None:
    event = identify(traits={"a": {"b": {"c": 1}}})
    before = msgspec.json.encode(event.traits)

    steps({"set": {"traits.a.b.d": 2}}, {"drop": ["traits.a.b.c"]}).transform(event)

    assert msgspec.json.encode(event.traits) == before
