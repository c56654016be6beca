"""A source's integration filter: events that it does not send to some destinations (protocols 3)."""

from typing import Any

import pytest

from router.rules.addressee import Addressee
from router.rules.schema_filter import IntegrationFilter, SchemaFilter, switched_off
from tests.unit.rules.routing import addressee, envelope, event

CLICKED = IntegrationFilter(event="Clicked", destinations=("Mixpanel",))
PAGES = IntegrationFilter(type="page", destinations=("crm",))


def passes(
    sent: Any, *filters: IntegrationFilter, to: Addressee | None = None, source: str = "website"
) -> bool:
    to = to or addressee("Mixpanel", id="crm")
    return SchemaFilter(to, switched_off({"website": filters}, to)).allows(envelope(sent, source=source))


def test_an_event_that_is_switched_off_does_not_pass() -> None:
    assert not passes(event(event="Clicked"), CLICKED)


@pytest.mark.parametrize(
    ("sent", "source"),
    [
        (event(event="clicked"), "website"),
        (event(event="Clicked"), "app"),
        (event("page", name="Clicked"), "website"),
    ],
)
def test_other_events_pass(sent: Any, source: str) -> None:
    assert passes(sent, CLICKED, source=source)


@pytest.mark.parametrize("value", [True, {}, {"x": 1}])
def test_events_16_what_the_event_says_itself_wins(value: Any) -> None:
    assert passes(event(event="Clicked", integrations={"Mixpanel": value}), CLICKED)


def test_protocols_11_options_count_as_an_explicit_yes() -> None:
    assert passes(event(event="Clicked", integrations={"All": False, "Mixpanel": {}}), CLICKED)


def test_all_true_is_no_explicit_yes() -> None:
    assert not passes(event(event="Clicked", integrations={"All": True}), CLICKED)


def test_a_filter_without_a_name_is_for_every_call_of_the_type() -> None:
    assert not passes(event("page", name="Pricing"), PAGES)
    assert not passes(event("page"), PAGES)
    assert passes(event(), PAGES)


@pytest.mark.parametrize("category", ["raw", "warehouse"])
def test_storage_is_not_concerned(category: Any) -> None:
    assert passes(event(event="Clicked"), CLICKED, to=addressee("Mixpanel", category=category))
