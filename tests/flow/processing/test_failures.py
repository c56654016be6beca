"""An event that processing itself cannot take is given up alone, with its call and the reason."""

from typing import Any

import msgspec
import pytest

from router.enrichment.stored_form import RequestForm
from router.telemetry.happenings import EventsGivenUp
from router.testing.running import Running, running


@pytest.fixture
def poisoned(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the stored form of events named "Poison" fail."""
    plain = RequestForm.event

    def event(self: RequestForm, call: Any, message_id: str) -> Any:
        if getattr(call, "event", "") == "Poison":
            raise ValueError("boom")
        return plain(self, call, message_id)

    monkeypatch.setattr(RequestForm, "event", event)


async def track_three(rig: Running) -> None:
    for name in ("Before", "Poison", "After"):
        await rig.router.track(name, user_id="u1", message_id=name, properties={"n": 1})
    await rig.drained()


@pytest.mark.usefixtures("poisoned")
async def test_the_events_around_it_are_delivered() -> None:
    async with running() as rig:
        await track_three(rig)

    assert [event["event"] for event in rig.delivered] == ["Before", "After"]


@pytest.mark.usefixtures("poisoned")
async def test_its_dead_letter_holds_the_call_as_it_was_sent_and_the_error() -> None:
    async with running() as rig:
        await track_three(rig)
        [letter] = await rig.router.storage.dead_letters(None, 10)

    assert (letter.reason, letter.message_id, letter.attempts) == ("processing_error", "Poison", 1)
    assert letter.answer == "ValueError: boom"
    assert msgspec.json.decode(letter.event) == {
        "type": "track",
        "event": "Poison",
        "userId": "u1",
        "messageId": "Poison",
        "properties": {"n": 1},
    }


@pytest.mark.usefixtures("poisoned")
async def test_it_is_counted_as_failed_and_not_as_received() -> None:
    async with running() as rig:
        await track_three(rig)
        counters = await rig.counters()

    assert counters["successfully_received", "embedded"] == 2
    assert counters["failed_on_ingest", "embedded", "processing_error"] == 1


@pytest.mark.usefixtures("poisoned")
async def test_it_is_told() -> None:
    seen: list[EventsGivenUp] = []
    async with running() as rig:
        rig.signals.observe(lambda signal: seen.append(signal) if isinstance(signal, EventsGivenUp) else None)
        await track_three(rig)

    assert [(one.count, one.error) for one in seen] == [(1, "ValueError: boom")]
