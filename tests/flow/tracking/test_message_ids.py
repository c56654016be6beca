"""The same event twice is one event (tracking-api 11)."""

import asyncio
from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import ask, basic, stored, track

SHOPS: dict[str, Any] = {
    "sources": {
        "website": {"write_key": "wk_demo"},
        "app": {"write_key": "wk_app"},
        "other": {"write_key": "wk_other", "workspace": "elsewhere"},
    }
}


async def test_tracking_22_the_same_message_id_is_delivered_once() -> None:
    async with running() as rig:
        for _ in range(2):
            events = await stored(rig, "/v1/track", track(messageId="m1"))

        assert len(events) == 1


async def test_tracking_22_a_duplicate_is_counted() -> None:
    async with running() as rig:
        for _ in range(3):
            await stored(rig, "/v1/track", track(messageId="m1"))

        assert (await rig.counters())["failed_on_ingest", "website", "duplicate"] == 2


async def test_tracking_22_the_same_message_id_is_delivered_once_also_after_a_restart() -> None:
    async with running() as rig:
        await stored(rig, "/v1/track", track(messageId="m1"))
        await rig.restart()

        assert len(await stored(rig, "/v1/track", track(messageId="m1"))) == 1


async def test_the_first_copy_wins() -> None:
    async with running() as rig:
        await stored(rig, "/v1/track", track(messageId="m1", event="First"))
        [event] = await stored(rig, "/v1/page", {"userId": "u2", "messageId": "m1"})

    assert event["event"] == "First"


async def test_tracking_23_the_same_message_id_on_two_sources_of_a_workspace_is_delivered_once() -> None:
    async with running(SHOPS) as rig:
        await stored(rig, "/v1/track", track(messageId="m1"))

        assert len(await stored(rig, "/v1/track", track(messageId="m1"), headers=basic("wk_app"))) == 1


async def test_tracking_23_the_same_message_id_in_two_workspaces_is_delivered_twice() -> None:
    async with running(SHOPS) as rig:
        await stored(rig, "/v1/track", track(messageId="m1"))

        assert len(await stored(rig, "/v1/track", track(messageId="m1"), headers=basic("wk_other"))) == 2


async def test_of_two_equal_ids_in_a_batch_the_first_wins() -> None:
    batch = [track(messageId="m1", event="First"), track(messageId="m1", event="Second")]
    async with running() as rig:
        [event] = await stored(rig, "/v1/batch", {"batch": batch})

    assert event["event"] == "First"


async def test_a_dropped_event_does_not_reserve_its_id() -> None:
    async with running() as rig:
        await stored(rig, "/v1/track", {"userId": "u1", "messageId": "m1"})

        assert len(await stored(rig, "/v1/track", track(messageId="m1"))) == 1


async def test_equal_events_without_an_id_are_all_delivered() -> None:
    async with running() as rig:
        events = await stored(rig, "/v1/batch", {"batch": [track()] * 3})

    assert len({event["messageId"] for event in events}) == 3


@pytest.mark.parametrize("name", ["messageId", "sequence"])
async def test_an_id_of_the_envelope_is_no_id_of_its_events(name: str) -> None:
    async with running() as rig:
        for _ in range(2):
            events = await stored(rig, "/v1/batch", {name: "m1", "batch": [track()]})

        assert len(events) == 2


async def test_tracking_39_a_batch_of_the_java_client_arrives_once() -> None:
    body = {
        "batch": [
            {
                "type": "track",
                "messageId": "j1",
                "userId": "u1",
                "event": "E",
                "timestamp": "2030-05-01T10:00:00.000Z",
            },
            {"type": "identify", "messageId": "j2", "anonymousId": "a1", "traits": {}, "integrations": {}},
        ],
        "sentAt": "2030-05-01T10:00:05.000Z",
        "context": {"library": {"name": "analytics-java", "version": "3.5.2"}},
        "sequence": 1,
    }
    async with running() as rig:
        await stored(rig, "/v1/import", body)
        events = await stored(rig, "/v1/import/", body)

    assert [event["messageId"] for event in events] == ["j1", "j2"]
    assert {event["context"]["library"]["name"] for event in events} == {"analytics-java"}


async def test_copies_that_come_at_once_are_delivered_once() -> None:
    async with running() as rig:
        async with asyncio.TaskGroup() as tasks:
            copies = [tasks.create_task(ask(rig, "/v1/track", track(messageId="m1"))) for _ in range(10)]
        await rig.drained()

        assert {copy.result().status for copy in copies} == {200}
        assert len(rig.delivered) == 1
