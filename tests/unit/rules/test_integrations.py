"""The integrations object: who gets an event by what it says itself (events 5)."""

from typing import Any

import pytest

from router.rules.addressee import title
from router.rules.integrations import Integrations, UnknownIntegrations, allows, only, options
from tests.unit.rules.routing import addressee, event

MIXPANEL, OTHER = addressee("Mixpanel"), addressee("Braze")
WAREHOUSE = addressee("Postgres", id="w1", category="warehouse")
RAW = addressee("S3", category="raw")


@pytest.mark.parametrize(
    ("integrations", "mixpanel", "another", "warehouse"),
    [
        ({}, True, True, True),
        ({"All": True}, True, True, True),
        ({"All": False}, False, False, True),
        ({"All": False, "Mixpanel": True}, True, False, True),
        ({"Mixpanel": False}, False, True, True),
        ({"mixpanel": False}, True, True, True),
        ({"All": False, "Mixpanel": {"x": 1}}, True, False, True),
        ({"Mixpanel": True}, True, True, True),
    ],
)
def test_events_5_2_each_row_of_the_table(
    integrations: dict[str, Any], mixpanel: bool, another: bool, warehouse: bool
) -> None:
    answers = [allows(integrations, one) for one in (MIXPANEL, OTHER, WAREHOUSE)]

    assert answers == [mixpanel, another, warehouse]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, True),
        (False, False),
        (0, False),
        ("false", False),
        (1, True),
        ("no", True),
        ([], True),
        ("", True),
    ],
)
def test_a_value_of_another_kind_means_yes_unless_it_is_a_spelled_no(value: Any, expected: bool) -> None:
    assert allows({"Mixpanel": value}, MIXPANEL) is expected


def test_null_leaves_it_to_all() -> None:
    assert not allows({"Mixpanel": None, "All": False}, MIXPANEL)


def test_events_11_all_false_loads_warehouses_and_raw_storage_and_nobody_else() -> None:
    answers = [allows({"All": False}, one) for one in (WAREHOUSE, RAW, MIXPANEL)]

    assert answers == [True, True, False]


@pytest.mark.parametrize(
    ("integrations", "loads", "sends"),
    [
        ({"Warehouses": {"all": False}}, False, True),
        ({"All": False, "Warehouses": {"all": True}}, True, False),
        ({"Warehouses": {"warehouseIds": ["w1"]}}, True, True),
        ({"Warehouses": {"warehouseIds": ["w2"]}}, False, True),
        ({"Warehouses": {"all": False, "warehouseIds": ["w1"]}}, True, True),
        ({"Warehouses": {"warehouseIds": []}}, False, True),
        ({"Warehouses": {"warehouseIds": "w1"}}, True, True),
        ({"Warehouses": {}}, True, True),
        ({"Warehouses": None}, True, True),
        ({"Warehouses": False}, False, True),
        ({"Postgres": False}, True, True),
    ],
)
def test_events_11_warehouses_have_a_switch_of_their_own(
    integrations: dict[str, Any], loads: bool, sends: bool
) -> None:
    assert (allows(integrations, WAREHOUSE), allows(integrations, MIXPANEL)) == (loads, sends)


def test_events_14_a_destination_that_is_off_by_default_gets_what_names_it() -> None:
    off = addressee("Salesforce", is_enabled=False)

    answers = [allows(one, off) for one in ({}, {"Salesforce": True}, {"All": True}, {"Braze": True})]

    assert answers == [False, True, True, False]


def test_a_destination_may_have_further_names() -> None:
    webhook = addressee("Webhook", names=("Webhook", "Webhooks"))

    assert not allows({"Webhooks": False}, webhook)
    assert allows({"Webhook": True, "Webhooks": False}, webhook)


def test_events_12_options_are_the_object_under_the_name() -> None:
    sent = event(integrations={"All": False, "Webhook": {"k": 1}, "Braze": True})

    assert options(sent, ("Webhook",)) == {"k": 1}
    assert options(sent, ("Braze",)) == options(event(), ("Webhook",)) == {}


def test_decisions_are_the_same_when_they_are_remembered() -> None:
    rule = Integrations(MIXPANEL)
    blocked, sent = event(integrations={"Mixpanel": False}), event(integrations={"All": True})

    assert [rule.allow(one) for one in (blocked, sent, event()) * 2] == [False, True, True] * 2


def test_an_object_that_is_none_says_nothing() -> None:
    assert Integrations(MIXPANEL).allow(event(integrations=["Mixpanel"]))


@pytest.mark.parametrize(
    ("integrations", "is_unknown"),
    [
        ({}, False),
        ({"All": False, "Segment.io": True, "Warehouses": {"all": True}, "Mixpanel": True}, False),
        ({"mixpanel": True}, True),
        ({"Mixpanel": True, "Nobody": False}, True),
    ],
)
def test_events_13_a_name_that_nobody_has_is_found(integrations: dict[str, Any], is_unknown: bool) -> None:
    unknown = UnknownIntegrations(frozenset({"Mixpanel", "Braze"}))

    assert unknown.are_in(event(integrations=integrations)) is is_unknown


def test_an_object_for_one_destination_only_lets_nobody_else_have_the_event() -> None:
    for one in (MIXPANEL, WAREHOUSE, addressee("Salesforce", is_enabled=False)):
        assert allows(only(one), one)
        assert not allows(only(one), OTHER)


@pytest.mark.parametrize(
    ("kind", "name"), [("webhook", "Webhook"), ("customer_io", "Customer Io"), ("s3-raw", "S3 Raw")]
)
def test_a_kind_without_a_display_name_gets_capitals(kind: str, name: str) -> None:
    assert title(kind) == name
