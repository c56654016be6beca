"""Reading reserved traits and properties, however they were spelt."""

from typing import Any

import pytest
from msgspec import Raw

from router import amount, currency, trait
from router.testing.events import alias, group, identify, track


def test_events_08_a_name_is_made_of_first_and_last_name_and_the_event_is_unchanged() -> None:
    event = identify(traits={"firstName": "Ada", "last_name": "Lovelace"})
    before = event.json

    assert trait(event, "name") == "Ada Lovelace"
    assert event.json == before
    assert event.traits == {"firstName": "Ada", "last_name": "Lovelace"}


@pytest.mark.parametrize(("sent", "asked"), [("first_name", "firstName"), ("firstName", "first_name")])
def test_events_09_either_spelling_is_found_by_the_other(sent: str, asked: str) -> None:
    assert trait(identify(traits={sent: "Ada"}), asked) == "Ada"


def test_events_10_the_currency_of_a_revenue_without_one_is_the_us_dollar() -> None:
    event = track("Order Completed", properties={"revenue": 5})

    assert (amount(event), currency(event)) == (5.0, "USD")


def test_the_spelling_that_was_asked_for_comes_before_the_other() -> None:
    event = identify(traits={"first_name": "Grace", "firstName": "Ada"})

    assert (trait(event, "firstName"), trait(event, "first_name")) == ("Ada", "Grace")


def test_a_name_that_was_sent_is_taken_as_it_is_and_half_a_name_is_a_name() -> None:
    assert trait(identify(traits={"name": "A. L.", "firstName": "Ada"}), "name") == "A. L."
    assert trait(identify(traits={"lastName": "Lovelace"}), "name") == "Lovelace"
    assert trait(identify(traits={"firstName": 7}), "name") is None


def test_traits_of_other_calls_are_those_of_the_user_in_the_context() -> None:
    assert trait(track("A", context={"traits": {"email": "a@b.co"}}), "email") == "a@b.co"
    assert trait(alias("p1", context={"traits": []}), "email") is None


def test_traits_of_groups_are_found_in_any_case() -> None:
    assert trait(group("g1", traits={"createdat": "2030"}), "created_at") == "2030"
    assert trait(identify(traits={"createdat": "2030"}), "created_at") is None
    assert trait(group("g1", traits={"firstName": "Ada"}), "name") is None


@pytest.mark.parametrize(
    ("sent", "found"),
    [
        (19.99, 19.99), ("19.99", 19.99), ("$19.99", 19.99), ("1,234.50 EUR", 1234.5), ("-3", -3.0), (0, 0.0),
        ("", None), ("free", None), (None, None), (True, None), ([5], None), ("1.2.3", None),
        ("$" * 9 + "5", None), ("5" * 5000, None), (1e308, None),
    ],
)  # fmt: skip
def test_amounts(sent: Any, found: float | None) -> None:
    assert amount(track("A", properties={"revenue": sent})) == found


def test_an_amount_beyond_all_numbers_is_none() -> None:
    event = track("A").replace(properties_json=Raw(b'{"revenue":1' + b"0" * 400 + b"}"))

    assert amount(event) is None


def test_a_currency_is_written_in_capitals() -> None:
    assert currency(track("A", properties={"currency": "eur"})) == "EUR"
    assert currency(track("A", properties={"currency": 5})) == "USD"
    assert currency(identify()) == "USD"
