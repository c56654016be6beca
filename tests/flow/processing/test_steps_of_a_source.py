"""The steps of a source: what becomes of an event, and what comes of it beside."""

from typing import Any

import pytest

from router.enrichment.privacy_guard import PrivacyGuard
from router.enrichment.processing import Aside, Created, Processing
from router.events.calls import AnyEvent
from router.plugins.dropped import Dropped
from router.rules.privacy.controls import Controls
from router.testing import events
from router.testing.running import Running, running


def copy_to_another_source(event: AnyEvent, aside: Aside) -> AnyEvent | Dropped:
    """Make a copy of every event, and stop the one that is called Blocked."""
    copy = events.track("Copied", user_id=event.user_id, message_id=f"copy-{event.message_id}")
    aside.created.append(Created("violations", copy, "copied"))
    aside.counts["looked_at", aside.source] += 1
    if event.message_id == "raise":
        raise ValueError("boom")
    if event.message_id == "m-blocked":
        return Dropped("unplanned", is_kept=True, detail="nobody planned it")
    return event


async def send(rig: Running, *ids: str) -> None:
    """Send events with these ids through the step above."""
    rig.router.processing = {"embedded": Processing([copy_to_another_source])}
    for message_id in ids:
        await rig.router.track("Sent", user_id="u1", message_id=message_id)
    await rig.drained()


async def test_events_that_a_step_makes_are_kept_behind_their_own_and_counted() -> None:
    async with running() as rig:
        await send(rig, "a")
        counters = await rig.router.counters()

    assert [event["messageId"] for event in rig.delivered] == ["a", "copy-a"]
    assert counters["created_at_source", "violations", "copied"] == 1
    assert counters["looked_at", "embedded"] == 1


async def test_a_kept_drop_is_a_dead_letter_with_its_reason_and_can_be_looked_at() -> None:
    async with running() as rig:
        await send(rig, "m-blocked")
        counters = await rig.router.counters()
        [letter] = await rig.router.storage.dead_letters(None, 10)

    assert (letter.reason, letter.message_id, letter.answer) == (
        "unplanned",
        "m-blocked",
        "nobody planned it",
    )
    assert counters["filtered_at_source", "embedded", "unplanned"] == 1
    assert [event["messageId"] for event in rig.delivered] == ["copy-m-blocked"]


@pytest.mark.parametrize("name", ["created_at_source", "looked_at"])
async def test_an_event_that_fails_leaves_nothing_aside(name: str) -> None:
    async with running() as rig:
        await send(rig, "raise")
        counters = await rig.router.counters()

    assert rig.delivered == []
    assert not [key for key in counters if key[0] == name]


class Broken(PrivacyGuard):
    """Raises for every call, also when its dead letter is made."""

    def call(self, call: Any, aside: Aside) -> Any:
        raise ValueError(f"no rule for {call.user_id}")

    def letter(self, call: Any) -> Any:
        raise ValueError("nor for its letter")


async def test_a_call_that_cannot_be_guarded_is_given_up_without_its_content() -> None:
    async with running() as rig:
        rig.router.processing = {"embedded": Processing([], guard=Broken(Controls([])))}
        await rig.router.track("Secret", user_id="u1", message_id="m1")
        await rig.drained()
        rig.router.processing = {}
        await rig.router.track("After", user_id="u1", message_id="m2")
        await rig.drained()
        [letter] = await rig.router.storage.dead_letters(None, 10)

    assert [event["messageId"] for event in rig.delivered] == ["m2"]
    assert (letter.message_id, letter.reason, letter.event, letter.entry) == (
        "m1",
        "processing_error",
        b"",
        b"",
    )
    assert "not kept: ValueError: nor for its letter" in letter.answer
