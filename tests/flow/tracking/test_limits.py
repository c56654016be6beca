"""How much a request, a batch and an event may weigh (tracking-api 6.1, 7)."""

import gzip
import tracemalloc
from typing import Any

import pytest
from isal import isal_zlib

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, encoded, failed, stored, track

EVENT = 32_768
BATCH = 516_096


def weighing(size: int, **fields: Any) -> bytes:
    """A track call of exactly so many bytes."""
    empty = len(encoded(track(**fields, properties={"a": ""})))
    return encoded(track(**fields, properties={"a": "x" * (size - empty)}))


def batch_weighing(size: int, events: int) -> bytes:
    """A batch request of exactly so many bytes, in events of about equal size."""
    each = (size - len(b'{"batch":[]}') - (events - 1)) // events
    members = [weighing(each) for _ in range(events - 1)]
    used = len(b'{"batch":[]}') + sum(map(len, members)) + (events - 1)
    return b'{"batch":[' + b",".join([*members, weighing(size - used)]) + b"]}"


async def test_tracking_8_a_call_of_33_kb_is_refused() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", weighing(33 << 10))

    assert (reply.status, reply.code) == (400, "payload_too_large")
    assert "Exceed payload limit" in reply.json["message"]


@pytest.mark.parametrize(("size", "status"), [(EVENT, 200), (EVENT + 1, 400)])
async def test_a_call_exactly_at_the_limit_is_accepted(size: int, status: int) -> None:
    async with running() as rig:
        assert (await ask(rig, "/v1/track", weighing(size))).status == status


async def test_a_call_is_weighed_as_compact_utf_8() -> None:
    body = b"{ " + b" " * 20_000 + weighing(EVENT)[1:].replace(b"xxxx", b"\\u0078xxx")
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", body)) == 1


async def test_a_body_far_over_the_limit_of_a_call_is_refused_unread() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", weighing(5 * EVENT))

    assert (reply.status, reply.code) == (400, "payload_too_large")


async def test_tracking_9_a_batch_of_600_kb_is_refused_and_nothing_is_stored() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/batch", batch_weighing(600 << 10, 600))
        await rig.drained()

        assert (reply.status, reply.code, rig.delivered) == (400, "payload_too_large", [])


async def test_tracking_9_the_limit_holds_for_the_inflated_body() -> None:
    headers = {**DEMO, "Content-Encoding": "gzip"}
    async with running() as rig:
        reply = await ask(rig, "/v1/batch", gzip.compress(batch_weighing(600 << 10, 600)), headers=headers)
        await rig.drained()

        assert (reply.status, reply.code, rig.delivered) == (400, "payload_too_large", [])


async def test_tracking_10_a_batch_of_499_kb_is_stored_whole() -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/batch", batch_weighing(499 << 10, 499))) == 499


@pytest.mark.parametrize(("size", "status"), [(BATCH, 200), (BATCH + 1, 400)])
async def test_a_batch_exactly_at_the_limit_is_accepted(size: int, status: int) -> None:
    async with running() as rig:
        assert (await ask(rig, "/v1/batch", batch_weighing(size, 100))).status == status


async def test_tracking_11_of_2501_events_the_first_2500_are_stored() -> None:
    batch = [track(properties={"n": number}) for number in range(2501)]
    async with running() as rig:
        events = await stored(rig, "/v1/batch", {"batch": batch})

        assert [event["properties"]["n"] for event in events] == list(range(2500))
        assert (await failed(rig))["batch_event_limit"] == 1


async def test_2500_events_are_stored_whole() -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/batch", {"batch": [track()] * 2500})) == 2500


async def test_a_batch_with_one_oversized_event_is_refused_but_the_others_are_stored() -> None:
    body = b'{"batch":[' + b",".join([weighing(200), weighing(EVENT + 1), weighing(300)]) + b"]}"
    async with running() as rig:
        reply = await ask(rig, "/v1/batch", body)
        await rig.drained()

        assert (reply.status, reply.code, len(rig.delivered)) == (400, "payload_too_large", 2)
        assert "Exceed payload limit" in reply.json["message"]


async def test_an_oversized_event_is_counted() -> None:
    async with running() as rig:
        await ask(rig, "/v1/batch", b'{"batch":[' + weighing(EVENT + 1) + b"]}")

        assert (await failed(rig))["payload_too_large"] == 1


@pytest.mark.parametrize(("size", "status"), [(EVENT, 200), (EVENT + 1, 400)])
async def test_an_event_of_a_batch_exactly_at_the_limit_is_accepted(size: int, status: int) -> None:
    async with running() as rig:
        assert (await ask(rig, "/v1/batch", b'{"batch":[' + weighing(size) + b"]}")).status == status


async def test_the_limits_can_be_raised() -> None:
    config = {"server": {"event_limit": "2 MiB", "batch_limit": "4 MiB"}}
    async with running(config) as rig:
        assert len(await stored(rig, "/v1/batch", b'{"batch":[' + weighing(1 << 20) + b"]}")) == 1
        assert len(await stored(rig, "/v1/track", weighing(1 << 20))) == 2


async def test_tracking_35_of_10050_properties_the_first_10000_are_stored() -> None:
    config = {"server": {"event_limit": "1 MiB", "batch_limit": "1 MiB"}}
    properties = {f"p{number}": number for number in range(10_050)}
    async with running(config) as rig:
        [event] = await stored(rig, "/v1/track", track(properties=properties))

    assert event["properties"] == {f"p{number}": number for number in range(10_000)}


async def test_tracking_35_the_limit_holds_for_properties_of_short_names_and_for_traits() -> None:
    names = [chr(0x100 + number) for number in range(10_050)]
    config = {"server": {"event_limit": "1 MiB", "batch_limit": "1 MiB"}}
    async with running(config) as rig:
        [event] = await stored(rig, "/v1/identify", {"userId": "u1", "traits": dict.fromkeys(names, 1)})

    assert list(event["traits"]) == names[:10_000]


@pytest.mark.parametrize(("length", "count"), [(100, 1), (101, 0)])
async def test_tracking_24_a_message_id_may_have_100_characters(length: int, count: int) -> None:
    async with running() as rig:
        assert len(await stored(rig, "/v1/track", track(messageId="é" * length))) == count


async def test_tracking_24_a_longer_message_id_is_counted() -> None:
    async with running() as rig:
        await ask(rig, "/v1/track", track(messageId="m" * 101))

        assert await failed(rig) == {"message_id_too_long": 1}


async def test_a_gzip_bomb_costs_no_more_than_the_limit_allows() -> None:
    zeros = bytes(1 << 20)
    packer = isal_zlib.compressobj(wbits=31)
    bomb = b"".join(packer.compress(zeros) for _ in range(400)) + packer.flush()
    headers = {**DEMO, "Content-Encoding": "gzip"}
    async with running() as rig:
        tracemalloc.start()
        try:
            reply = await ask(rig, "/v1/batch", bomb, headers=headers)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    assert (reply.status, reply.code) == (400, "payload_too_large")
    assert peak < 20 << 20
