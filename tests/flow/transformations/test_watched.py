"""A transformation or an enrichment that holds the loop is interrupted; it costs its event, or its addition, only."""

from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
from msgspec import Raw

from router.actors.guard import ForeignCodeBlocked, Guard
from router.actors.watchdog import Watchdog
from router.enrichment.answers import FAILED, Answers
from router.events.calls import Track
from router.plugins.chain import Chain
from router.plugins.enricher import Enricher
from router.plugins.settings import Settings
from router.plugins.transformation import Transformation
from router.testing.events import track


class NoSettings(Settings, frozen=True):
    """Nothing to set."""


class Spinning(Transformation[NoSettings, Track]):
    """Does not come to an end with one event."""

    kind = "spinning"

    def transform(self, event: Track) -> Track:
        while event.event == "bad":
            pass
        return event


class Bounded(Spinning):
    """Says of itself that it ends."""

    is_bounded = True


class SpinningEnricher(Enricher[NoSettings]):
    """Does not come to an end with one address."""

    kind = "spinning"
    reads = ("ip",)
    adds = ("location",)

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        while given["ip"] == "bad":
            pass
        return {"location": {"country": "PT"}}


@pytest.fixture
async def guard() -> AsyncIterator[Guard]:
    """What a watchdog interrupts after a fifth of a second."""
    guard = Guard()
    watchdog = Watchdog(lambda seconds, where: None, guard=guard, interrupt_after=0.2)
    watchdog.start()
    yield guard
    watchdog.stop()


async def test_a_transformation_that_holds_the_loop_costs_its_event_only(guard: Guard) -> None:
    chain = Chain([Spinning(NoSettings(), name="spin")], guard=guard)

    before, blocked, after = chain.apply_all([track("A"), track("bad"), track("B")])

    assert (before, after) == (track("A"), track("B"))
    assert isinstance(blocked, ForeignCodeBlocked)
    assert "in transform" in str(blocked)


async def test_an_enrichment_that_holds_the_loop_costs_its_addition_only(guard: Guard) -> None:
    told: list[tuple[str, str]] = []
    answers = Answers(SpinningEnricher(NoSettings()), guard=guard, failed=lambda *fault: told.append(fault))

    assert answers.find({"ip": Raw(b'"bad"')}) == FAILED
    assert answers.find({"ip": Raw(b'"1.2.3.4"')}).members
    assert [kind for kind, _ in told] == ["spinning"]


def test_what_is_bounded_is_called_as_it_is() -> None:
    one = Bounded(NoSettings(), name="spin")

    assert Chain([one], guard=Guard())._steps[0][0] == one.transform
