"""Enriching adds what is absent in one splice, asks as little as it can, and survives whatever an enricher does."""

from collections.abc import Mapping
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from router.enrichment.answers import LARGEST, Answers
from router.enrichment.enriching import Enriching
from router.enrichment.processing import Aside
from router.events.calls import AnyEvent
from router.plugins.enricher import Enricher
from router.plugins.settings import Settings
from router.testing import one_of_each, track


class NoSettings(Settings, frozen=True):
    """None."""


class Place(Enricher[NoSettings]):
    """Adds a place, and notes what it was asked."""

    kind = "place"
    reads = ("ip",)
    adds = ("location",)

    def __init__(self, answer: Any = None) -> None:
        super().__init__(NoSettings())
        self.answer = {"location": {"country": "DE"}} if answer is None else answer
        self.asked: list[Any] = []

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        self.asked.append(given)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer  # type: ignore[no-any-return]


class Rival(Place):
    """Adds another place."""

    kind = "rival"
    adds = ("location", "extra")


def step(*enrichers: Enricher[Any], told: list[tuple[str, str]] | None = None) -> Enriching:
    """A step of these."""
    told = [] if told is None else told
    return Enriching([Answers(one, failed=lambda *fault: told.append(fault)) for one in enrichers])


def aside() -> Aside:
    """What comes of an event beside."""
    return Aside("website", 0)


def apply(enriching: Enriching, context: Any) -> Any:
    """The context of an event that went through, decoded."""
    return enriching(track("A", context=context), aside()).context


def test_an_absent_member_is_added_in_front_and_the_other_bytes_stay() -> None:
    event = track("A").replace(context_json=Raw(b'{ "ip": "1.1.1.1", "big": 1e400, "n": 1.50 }'))

    made = step(Place())(event, aside())

    assert bytes(made.context_json) == (
        b'{"location":{"country":"DE"},"ip": "1.1.1.1", "big": 1e400, "n": 1.50 }'
    )


@pytest.mark.parametrize("event", one_of_each(context={"ip": "1.1.1.1"}), ids=lambda event: event.type)
def test_nothing_but_the_context_changes(event: AnyEvent) -> None:
    made = step(Place())(event, aside())

    assert {**made.fields, "context": 0} == {**event.fields, "context": 0}


@pytest.mark.parametrize("sent", [{"country": "FR"}, {}, None, "", 0, False])
def test_a_member_that_is_there_stays_whatever_it_is(sent: Any) -> None:
    event = track("A", context={"ip": "1.1.1.1", "location": sent})

    assert step(Place())(event, aside()) is event


def test_an_enricher_is_not_asked_where_everything_is_there() -> None:
    place = Place()

    apply(step(place), {"ip": "1.1.1.1", "location": 1})

    assert place.asked == []


@pytest.mark.parametrize("context", [{}, {"locale": "en"}])
def test_an_enricher_is_not_asked_where_there_is_nothing_to_go_by(context: Any) -> None:
    place = Place()
    event = track("A", context=context)

    assert step(place)(event, aside()) is event
    assert place.asked == []


def test_no_addition_leaves_the_very_same_event() -> None:
    event = track("A", context={"ip": "1.1.1.1"})

    assert step(Place({}))(event, aside()) is event


@pytest.mark.parametrize("text", [b"null", b"[]", b'"text"', b"7", b""])
def test_a_context_that_is_no_object_is_left_alone(text: bytes) -> None:
    event = track("A").replace(context_json=Raw(text))

    assert step(Place())(event, aside()) is event


def test_a_key_that_is_written_with_escapes_is_there() -> None:
    event = track("A").replace(context_json=Raw(b'{"ip":"1.1.1.1","\\u006cocation":1}'))

    assert step(Place())(event, aside()) is event


def test_the_first_of_two_that_add_the_same_wins_and_the_rest_of_the_second_stays() -> None:
    rival = Rival({"location": "theirs", "extra": 1})

    made = apply(step(Place({"location": "ours"}), rival), {"ip": "1.1.1.1"})

    assert made == {"location": "ours", "extra": 1, "ip": "1.1.1.1"}


def test_an_enricher_is_asked_once_for_each_value() -> None:
    place = Place()
    enriching = step(place)

    for path in ("/a", "/b", "/a"):
        for ip in ("1.1.1.1", "2.2.2.2"):
            apply(enriching, {"ip": ip, "page": {"path": path}})

    assert place.asked == [{"ip": "1.1.1.1"}, {"ip": "2.2.2.2"}]


def test_what_is_large_is_not_remembered_and_enriched_all_the_same() -> None:
    place = Place()
    enriching = step(place)
    huge = {"ip": "x" * (LARGEST + 1)}

    assert apply(enriching, huge) == apply(enriching, huge) == {"location": {"country": "DE"}, **huge}
    assert len(place.asked) == 2


@pytest.mark.parametrize(
    "answer", [ValueError("ada@example.com"), [], "text", {"ip": "6.6.6.6"}, {7: 1}, {"location": {1j}}]
)
def test_an_enricher_that_fails_costs_its_own_addition_and_is_counted(answer: Any) -> None:
    event, beside = track("A", context={"ip": "1.1.1.1"}), aside()
    enriching = step(Rival(answer), Place())

    made = [enriching(event, beside) for _ in range(3)]

    assert [one.context for one in made] == [{"ip": "1.1.1.1", "location": {"country": "DE"}}] * 3
    assert beside.counts == {("enrichment_failed", "website", "rival"): 3}


def test_a_failure_is_told_once_with_its_line_and_no_word_of_a_customer() -> None:
    told: list[tuple[str, str]] = []
    enriching = step(Place(ValueError("ada@example.com")), told=told)

    for ip in ("1.1.1.1", "2.2.2.2"):
        apply(enriching, {"ip": ip})

    [(kind, error)] = told
    assert kind == "place"
    assert error.startswith(f"ValueError at {__file__}:")


def test_many_members_are_no_matter() -> None:
    context = {**{f"m{number}": number for number in range(5000)}, "ip": "1.1.1.1"}

    assert apply(step(Place()), context) == {"location": {"country": "DE"}, **context}


def test_what_is_given_is_decoded() -> None:
    place = Place()

    step(place)(track("A").replace(context_json=Raw(b'{"ip":{"a":[1,null]}}')), aside())

    assert place.asked == [{"ip": {"a": [1, None]}}]
    assert msgspec.json.encode(place.asked)
