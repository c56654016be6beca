"""The four times of an event (tracking-api 10)."""

from typing import Any

import pytest

from router.events.times import format_instant, parse_instant
from router.testing.running import running
from tests.flow.tracking.client import stored, track

T = "2030-05-01T10:00:00.000Z"
LATER = "2030-05-01T10:00:05.000Z"


def shifted(text: str, milliseconds: int) -> str:
    instant = parse_instant(text)
    assert instant is not None
    return format_instant(instant + milliseconds)


async def test_tracking_25_the_clock_of_the_client_is_corrected() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(timestamp=T, sentAt=LATER))

    assert event["originalTimestamp"] == T
    assert event["timestamp"] == shifted(event["receivedAt"], -5_000)
    assert event["sentAt"] == LATER


async def test_tracking_25_the_time_of_sending_may_stand_in_the_envelope() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/batch", {"sentAt": LATER, "batch": [track(timestamp=T)]})

    assert event["timestamp"] == shifted(event["receivedAt"], -5_000)


async def test_the_events_own_time_of_sending_wins_over_that_of_the_batch() -> None:
    body = {"sentAt": "2031-01-01T00:00:00Z", "batch": [track(timestamp=T, sentAt=LATER)]}
    async with running() as rig:
        [event] = await stored(rig, "/v1/batch", body)

    assert event["timestamp"] == shifted(event["receivedAt"], -5_000)


async def test_tracking_26_without_time_of_sending_the_clients_time_is_kept() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(timestamp=T))

    assert (event["timestamp"], event["originalTimestamp"]) == (T, T)
    assert "sentAt" not in event


async def test_tracking_27_without_any_time_it_is_when_the_event_came() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track())

    assert event["timestamp"] == event["originalTimestamp"] == event["receivedAt"]


async def test_tracking_27_the_time_of_sending_alone_changes_nothing() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(sentAt=LATER))

    assert event["timestamp"] == event["receivedAt"]
    assert event["sentAt"] == LATER


async def test_all_events_of_a_request_came_at_the_same_time() -> None:
    async with running() as rig:
        events = await stored(rig, "/v1/batch", {"batch": [track()] * 50})

    assert len({event["receivedAt"] for event in events}) == 1


async def test_a_time_of_sending_before_the_event_moves_it_into_the_future() -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(timestamp=LATER, sentAt=T))

    assert event["timestamp"] == shifted(event["receivedAt"], 5_000)


@pytest.mark.parametrize(
    "old", ["1970-01-01T00:00:00.000Z", "1900-01-01T00:00:00.000Z", "2500-01-01T00:00:00.000Z"]
)
async def test_an_old_time_survives_a_historical_import(old: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/import", {"batch": [track(timestamp=old)]})

    assert event["timestamp"] == old


@pytest.mark.parametrize("sent", ["rubbish", "", "2030-13-01", "null"])
async def test_a_time_of_sending_that_is_none_is_left_out(sent: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(timestamp=T, sentAt=sent))

    assert event["timestamp"] == T
    assert "sentAt" not in event


@pytest.mark.parametrize("claimed", ["yesterday", "", "2030-02-30T00:00:00Z", "x" * 10_000, 1e300, -1e300])
async def test_a_time_that_is_none_is_kept_in_the_metadata_only(claimed: Any) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(timestamp=claimed))

    assert event["timestamp"] == event["originalTimestamp"] == event["receivedAt"]


SAME = [
    "2030-05-01T10:00:00+00:00",
    "2030-05-01T12:00:00.000+02:00",
    "2030-05-01T05:30:00-04:30",
    "2030-05-01T10:00:00",
    "2030-05-01 10:00:00Z",
    "2030-05-01T10:00:00.000999999Z",
    "2030-05-01T10:00Z",
    " 2030-05-01T10:00:00Z ",
    "2030-05-01T10:00:00z",
    1_903_860_000_000,
    1_903_860_000,
    1_903_860_000.0004,
]


@pytest.mark.parametrize("claimed", SAME)
async def test_a_time_is_understood_in_every_usual_form(claimed: Any) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(timestamp=claimed))

    assert event["timestamp"] == T


@pytest.mark.parametrize(
    ("claimed", "text"), [("2030-05-01", "2030-05-01T00:00:00.000Z"), (0, "1970-01-01T00:00:00.000Z")]
)
async def test_a_bare_date_is_its_midnight(claimed: Any, text: str) -> None:
    async with running() as rig:
        [event] = await stored(rig, "/v1/track", track(timestamp=claimed))

    assert event["timestamp"] == text
