"""Followers read the same stream at their own pace, from memory or from the store."""

import asyncio
from collections.abc import Sequence

import pytest

from router.events.calls import Track
from router.events.envelope import Envelope
from router.storage.follower import AHEAD_BYTES, Follower, Stream
from router.storage.store import StoredSegment


def envelope(position: int) -> Envelope:
    return Envelope(
        position, "website", Track(event="E", message_id=f"m{position}", received_at="r", timestamp="t"), 0
    )


class FakeStore:
    """Segments by their first position; `data` is the positions it holds, as text."""

    def __init__(self) -> None:
        self.segments: list[StoredSegment] = []
        self.reads = 0

    def add(self, first: int, positions: Sequence[int], count: int | None = None) -> None:
        data = ",".join(str(one) for one in positions).encode()
        self.segments.append(StoredSegment(first, count or len(positions), data))

    async def read(self, position: int, max_bytes: int) -> list[StoredSegment]:
        self.reads += 1
        return [one for one in self.segments if one.first_position + one.count > position][:2]


def decode(data: bytes) -> list[Envelope]:
    return [envelope(int(one)) for one in data.split(b",")]


@pytest.fixture
def store() -> FakeStore:
    return FakeStore()


def stream(store: FakeStore, head: int = 0, tail_bytes: int = 1 << 20) -> Stream:
    return Stream(store.read, decode, head=head, tail_bytes=tail_bytes, cache_bytes=1 << 20)


def positions(envelopes: Sequence[Envelope]) -> list[int]:
    return [one.position for one in envelopes]


async def test_a_follower_at_the_head_waits_for_the_next_batch(store: FakeStore) -> None:
    log = stream(store)
    reading = asyncio.ensure_future(Follower(log, 0).read())
    await asyncio.sleep(0)
    assert not reading.done()

    log.publish([envelope(0), envelope(1)], 2)

    assert positions((await reading).envelopes) == [0, 1]


async def test_what_is_in_memory_is_not_read_from_the_store(store: FakeStore) -> None:
    log = stream(store)
    log.publish([envelope(0)], 1)

    await Follower(log, 0).read()

    assert store.reads == 0


async def test_a_follower_behind_the_tail_reads_the_store(store: FakeStore) -> None:
    store.add(0, [0, 1])
    log = stream(store, head=2)

    reading = await Follower(log, 1).read()

    assert (reading.first, reading.after, positions(reading.envelopes)) == (1, 2, [1])


async def test_a_follower_goes_from_the_store_to_the_tail_without_a_gap(store: FakeStore) -> None:
    store.add(0, [0, 1])
    log = stream(store, head=2)
    log.publish([envelope(2), envelope(3)], 4)
    follower = Follower(log, 0)

    seen = positions((await follower.read()).envelopes) + positions((await follower.read()).envelopes)

    assert seen == [0, 1, 2, 3]
    assert follower.is_caught_up


async def test_slots_without_an_event_are_told_as_gaps(store: FakeStore) -> None:
    store.add(0, [0, 3], count=5)
    log = stream(store, head=5)

    reading = await Follower(log, 0).read()

    assert reading.gaps == ((1, 3), (4, 5))


async def test_a_segment_that_was_set_aside_is_one_gap(store: FakeStore) -> None:
    store.segments.append(StoredSegment(0, 10, b""))
    log = stream(store, head=10)

    reading = await Follower(log, 4).read()

    assert (reading.envelopes, reading.gaps) == ([], ((4, 10),))


async def test_positions_that_were_trimmed_are_one_gap(store: FakeStore) -> None:
    store.add(20, [20, 21])
    log = stream(store, head=22)

    reading = await Follower(log, 5).read()

    assert (reading.after, reading.gaps) == (20, ((5, 20),))


async def test_two_followers_share_one_decoded_segment(store: FakeStore) -> None:
    store.add(0, [0, 1])
    log = stream(store, head=2)

    first = await Follower(log, 0).read()
    second = await Follower(log, 0).read()

    assert first.envelopes[0] is second.envelopes[0]
    assert store.reads == 1


async def test_the_tail_stays_within_its_budget(store: FakeStore) -> None:
    log = stream(store, tail_bytes=200)
    for position in range(20):
        store.add(position, [position])
        log.publish([envelope(position)], position + 1)

    reading = await Follower(log, 0).read()

    assert positions(reading.envelopes) == [0]
    assert store.reads == 1


async def test_a_commit_that_was_never_published_is_read_from_the_store(store: FakeStore) -> None:
    log = stream(store)
    log.publish([envelope(0)], 1)
    store.add(0, [0])
    store.add(1, [1])

    log.resume(2)

    assert positions((await Follower(log, 1).read()).envelopes) == [1]


async def test_a_read_that_brings_more_than_the_cache_holds_is_decoded_once(store: FakeStore) -> None:
    decoded: list[bytes] = []

    def count(data: bytes) -> list[Envelope]:
        decoded.append(data)
        return decode(data)

    for first in range(0, 10, 2):
        store.add(first, [first, first + 1])
    log = Stream(store.read, count, head=10, tail_bytes=0, cache_bytes=1)
    follower = Follower(log, 0)

    found = [one for _ in range(5) for one in positions((await follower.read()).envelopes)]

    assert found == list(range(10))
    assert len(decoded) == 5
    assert store.reads == 3  # two segments a read


async def test_followers_that_are_far_apart_do_not_grow_what_waits_undecoded(store: FakeStore) -> None:
    for first in range(0, 40, 2):
        store.segments.append(
            StoredSegment(first, 2, b"%d,%d" % (first, first + 1) + b"," + b"0" * AHEAD_BYTES)
        )
    log = Stream(
        store.read, lambda data: decode(data.rpartition(b",")[0]), head=40, tail_bytes=0, cache_bytes=1
    )

    for position in (0, 20, 8, 30):
        await log.read(position)

    assert len(log._ahead) == 1
