"""Replays in every store: their rows, their end, and where a moment lies in the stream."""

from msgspec.structs import replace

from router.storage.cursor import Cursor
from router.storage.replays import Place, Replay, Selection
from router.storage.store import Storage
from tests.contract.storage.faults import Opened
from tests.contract.storage.samples import delivered, fill

REPLAY = Replay(destination="crm", first=4, after=8, selection=Selection(types=("track",)), created_at=5)


async def test_a_replay_gets_a_number_and_a_row_of_its_own(store: Storage) -> None:
    await fill(store, 10)

    first, second = await store.replays.begin(REPLAY), await store.replays.begin(REPLAY)

    assert [first, second] == [replace(REPLAY, number=1), replace(REPLAY, number=2)]
    assert await store.replays.all() == [first, second]
    states = await store.destinations()
    assert [(one.name, one.kind, one.birth, one.cursor, one.until) for one in states] == [
        ("crm#1", "replay", 4, Cursor(4), 8),
        ("crm#2", "replay", 4, Cursor(4), 8),
    ]


async def test_a_destination_has_no_end(store: Storage) -> None:
    assert (await store.born("crm", "webhook", None)).until is None


async def test_a_replay_settles_as_a_destination_does(store: Storage) -> None:
    await fill(store, 10)
    name = (await store.replays.begin(REPLAY)).name

    await store.settle([delivered(name, 4, 6)])

    assert (await store.born(name, "replay", None)).cursor == Cursor(6)
    assert (await store.counters())["delivered", name] == 2


async def test_a_replay_that_is_over_says_when_and_settles_its_last(store: Storage) -> None:
    await fill(store, 10)
    replay = await store.replays.begin(REPLAY)

    await store.replays.move(replay.number, "cancelled", at=7, last=delivered(replay.name, 4, 8))

    assert await store.replays.all() == [replace(replay, state="cancelled", finished_at=7)]
    assert [one.cursor for one in await store.destinations()] == [Cursor(8)]


async def test_a_moment_lies_at_the_first_segment_that_reaches_to_it(store: Storage) -> None:
    for at in (1_000, 2_000, 2_000, 3_000):
        await fill(store, 10, at=at)

    found = [(await store.find_time(at)).kept for at in (0, 1_000, 1_001, 2_000, 2_001, 3_000, 3_001)]

    assert found == [0, 0, 10, 10, 30, 30, 40]


async def test_a_moment_of_an_empty_stream_lies_at_its_end(store: Storage) -> None:
    assert await store.find_time(1) == Place(0, 0, is_exact=True)


async def test_a_replay_keeps_its_segments_and_lets_go_of_them_when_it_is_over(opened: Opened) -> None:
    async with opened(retention=0, dedupe_window=0) as store:
        for at in (1_000, 2_000, 3_000):
            await fill(store, 10, at=at)
        replay = await store.replays.begin(replace(REPLAY, first=10, after=15))

        await store.trim()
        assert (await store.facts()).stream_first == 10
        await store.replays.move(replay.number, "done", at=7)
        await store.trim()
        assert (await store.facts()).stream_first > 10


async def test_a_replay_expires_only_as_far_as_it_goes(opened: Opened) -> None:
    async with opened(retention=0, stream_budget=1 << 20) as store:
        replay = await store.replays.begin(replace(REPLAY, first=2, after=5))
        await fill(store, 10, size=1 << 18)

        await store.trim()

        counts = await store.counters()
        assert counts["expired", replay.name, "disk_budget"] == 3
        assert [one.cursor for one in await store.destinations()] == [Cursor(5)]


async def test_a_replay_that_ends_before_a_segment_does_not_keep_it(opened: Opened) -> None:
    async with opened(retention=0, dedupe_window=0) as store:
        await fill(store, 10, at=1_000)
        await store.trim()
        await store.replays.begin(replace(REPLAY, first=2, after=5))
        await fill(store, 10, at=2_000)
        await fill(store, 10, at=3_000)

        await store.trim()

        assert (await store.facts()).stream_first == 30


async def test_what_was_trimmed_of_a_time_is_known_as_long_as_its_hashes(opened: Opened) -> None:
    async with opened(stream_budget=1, dedupe_window=60) as store:
        for at in (1_000, 2_000, 3_000, 4_000):
            await fill(store, 10, at=at)
        await store.trim()

        first = (await store.facts()).stream_first
        assert first > 20
        assert await store.find_time(1_500) == Place(first, 10, is_exact=True)
        assert await store.find_time(1) == Place(first, 0, is_exact=True)


async def test_nobody_knows_what_was_trimmed_longer_ago(opened: Opened) -> None:
    async with opened(stream_budget=1, dedupe_window=1) as store:
        for at in (1_000, 2_000, 13_000, 14_000):
            await fill(store, 10, at=at)
        await store.trim()

        found = await store.find_time(1)
        assert (found.known, found.is_exact) == (20, False)
