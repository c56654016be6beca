"""The side log in every store."""

import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.errors import StoreFull, StoreUnavailable
from router.storage.letters import DeadLetter
from router.storage.memory.store import MemoryStorage
from router.storage.side_log import Lane, SideEntry
from router.storage.store import Commit, Storage
from router.telemetry.side_happenings import SideEntrySetAside
from router.telemetry.signals import Signal
from tests.contract.storage.faults import Fault, Opened, broken, change, full
from tests.contract.storage.samples import entry as sample

LANE = "source stripe"
HOUR = 3_600_000


def entry(data: bytes = b"{}", *, lane: str = LANE, at: int = 1_000) -> SideEntry:
    return SideEntry(lane=lane, received_at=at, data=data)


def letter(lane: str = LANE) -> DeadLetter:
    return DeadLetter(lane, -1, "", "BAD_REQUEST", 6, 10, 20, b"{}", entry=b"kept")


async def due(store: Storage, *, now: int = 5_000, limit: int = 10) -> list[SideEntry]:
    return await store.side_log.due(LANE, now=now, horizon=HOUR, limit=limit)


async def counts(store: Storage) -> dict[tuple[str, ...], int]:
    return {name: amount for name, amount in (await store.counters()).items() if amount}


async def test_entries_come_back_in_their_order_as_they_were_put(store: Storage) -> None:
    long = b"x" * 5_000
    ids = [await store.side_log.put(entry(data)) for data in (b"a", long, b"c")]

    found = await due(store)

    assert [(one.id, one.data) for one in found] == list(zip(ids, (b"a", long, b"c"), strict=True))
    assert found[0] == replace(entry(b"a"), id=ids[0])


async def test_a_lane_holds_its_own_entries(store: Storage) -> None:
    await store.side_log.put(entry(b"a"))
    await store.side_log.put(entry(b"b", lane="source other"))

    assert [one.data for one in await due(store)] == [b"a"]
    assert list(await store.side_log.lanes()) == [Lane("source other", 1), Lane(LANE, 1)]


async def test_no_more_than_asked_for_comes_the_oldest_first(store: Storage) -> None:
    for number in range(5):
        await store.side_log.put(entry(b"%d" % number))

    assert [one.data for one in await due(store, limit=2)] == [b"0", b"1"]


async def test_an_entry_that_is_put_off_comes_when_it_is_due_and_holds_back_no_other(store: Storage) -> None:
    await store.side_log.put(entry(b"a"))
    await store.side_log.put(entry(b"b"))
    [first, _] = await due(store)
    tried = replace(first, attempts=1, first_tried_at=5_000, due_at=9_000, reason="RETRY")
    await store.side_log.put_off(tried)

    assert [one.data for one in await due(store)] == [b"b"]
    assert await store.side_log.next_due(LANE, now=5_000) == 9_000
    assert (await due(store, now=9_000))[0] == tried
    assert await store.side_log.next_due(LANE, now=9_000) is None
    assert list(await store.side_log.lanes()) == [Lane(LANE, 2, 1)]


async def test_an_entry_that_is_put_off_beyond_the_horizon_is_due_for_the_clock_was_set_back(
    store: Storage,
) -> None:
    await store.side_log.put(entry())
    [one] = await due(store)
    await store.side_log.put_off(replace(one, due_at=10 * HOUR))

    assert await due(store, now=9 * HOUR) == []
    assert len(await due(store, now=1_000)) == 1


async def test_a_finished_entry_is_gone_and_counted_once(store: Storage) -> None:
    await store.side_log.put(entry())
    [one] = await due(store)
    await store.side_log.finish(one)
    await store.side_log.finish(one)

    assert await due(store) == []
    assert await counts(store) == {("side_put", LANE): 1, ("side_done", LANE): 1}


async def test_an_id_is_never_used_twice(store: Storage) -> None:
    first = await store.side_log.put(entry())
    await store.side_log.finish((await due(store))[0])

    assert await store.side_log.put(entry()) > first


async def test_an_entry_that_is_given_up_leaves_a_letter(store: Storage) -> None:
    await store.side_log.put(entry())
    await store.side_log.finish((await due(store))[0], letter())

    [kept] = await store.dead_letters(LANE, 5)
    assert (kept.reason, kept.entry) == ("BAD_REQUEST", b"kept")
    assert await counts(store) == {("side_put", LANE): 1, ("side_dead", LANE, "BAD_REQUEST"): 1}


async def test_a_letter_is_revived_once(store: Storage) -> None:
    await store.side_log.put(entry())
    await store.side_log.finish((await due(store))[0], letter())
    [kept] = await store.dead_letters(LANE, 5)

    assert await store.side_log.revive(kept, entry(b"again"))
    assert not await store.side_log.revive(kept, entry(b"again"))

    assert [one.data for one in await due(store)] == [b"again"]
    assert await store.dead_letters(LANE, 5) == []
    assert await counts(store) == {("side_put", LANE): 1, ("side_revived", LANE, "BAD_REQUEST"): 1}


async def test_the_books_tell_what_waits(store: Storage) -> None:
    await store.side_log.put(entry())

    assert (await store.books()).lanes == (Lane(LANE, 1),)


async def test_a_spent_budget_refuses_entries_in_memory() -> None:
    store = MemoryStorage(side_budget=1)
    await store.side_log.put(entry())

    with pytest.raises(StoreFull):
        await store.side_log.put(entry())


# --- on disk --------------------------------------------------------------------------------------------


async def test_a_spent_budget_refuses_entries_and_finishing_makes_room(opened: Opened) -> None:
    async with opened(side_budget=1_000) as store:
        await store.side_log.put(entry(os.urandom(2_000)))
        with pytest.raises(StoreFull, match="side_budget"):
            await store.side_log.put(entry())
        assert (await store.facts()).is_writable
        for one in await due(store, limit=100):
            await store.side_log.finish(one)

        await store.side_log.put(entry())
        assert (await store.facts()).side_bytes < 1_000


async def test_what_was_put_survives(opened: Opened) -> None:
    async with opened() as store:
        await store.side_log.put(entry(b"a" * 2_000))
    async with opened() as store:
        assert [one.data for one in await due(store)] == [b"a" * 2_000]
        assert (await store.facts()).side_bytes > 0


async def test_a_put_whose_commit_fails_is_told_so_and_leaves_nothing(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault) as store:
        fault.at["end"] = broken()
        with pytest.raises(StoreUnavailable):
            await store.side_log.put(entry())

        await store.side_log.put(entry(b"b"))
        assert [one.data for one in await due(store)] == [b"b"]
        assert await counts(store) == {("side_put", LANE): 1}


async def test_a_full_disk_refuses_entries_but_lets_others_be_finished(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault, ballast_bytes=1 << 20) as store:
        await store.side_log.put(entry())
        fault.at["begin"] = full()
        with pytest.raises(StoreFull):
            await store.side_log.put(entry())

        await store.side_log.finish((await due(store))[0])
        assert await due(store) == []


async def test_a_damaged_entry_is_set_aside_counted_and_told(opened: Opened, heard: list[Signal]) -> None:
    async with opened() as store:
        await store.side_log.put(entry(b"a"))
        await store.side_log.put(entry(b"b"))
        path = Path((await store.facts()).path)
    change(path, "UPDATE side_log SET data = x'00' WHERE id = 1")

    async with opened() as store:
        assert [one.data for one in await due(store)] == [b"b"]
        assert await counts(store) == {("side_put", LANE): 2, ("side_damaged", LANE): 1}
        assert [one.data for one in await due(store)] == [b"b"]
    [told] = [one for one in heard if isinstance(one, SideEntrySetAside)]
    assert (told.lane, told.entry) == (LANE, 1)
    assert "checksum" in told.reason


# --- with a step of processing --------------------------------------------------------------------------


async def test_an_event_that_leaves_processing_is_written_with_the_cursor_that_passes_it(
    store: Storage,
) -> None:
    await store.append([sample()], {})
    leaves = Commit(0, 1, None, {("diverted", "website"): 1}, diverted=[entry(b"event")])

    assert await store.commit(leaves)
    assert not await store.commit(leaves)

    assert [one.data for one in await store.side_log.read(LANE, beyond=0, limit=5)] == [b"event"]
    assert (await store.facts()).inbox_cursor == 1
    assert await counts(store) == {("diverted", "website"): 1, ("side_put", LANE): 1}


async def test_entries_are_read_on_behind_an_id_due_or_not(store: Storage) -> None:
    ids = [await store.side_log.put(entry(b"%d" % number)) for number in range(4)]
    [first, *_] = await due(store)
    await store.side_log.put_off(replace(first, due_at=9_000))

    found = await store.side_log.read(LANE, beyond=0, limit=2)
    assert [one.id for one in found] == ids[:2]
    assert found[0].due_at == 9_000
    assert [one.id for one in await store.side_log.read(LANE, beyond=ids[1], limit=9)] == ids[2:]


async def test_an_event_that_leaves_is_written_whatever_the_budget(opened: Opened) -> None:
    async with opened(side_budget=1) as store:
        await store.append([sample()], {})
        assert store.side_log.refusal is None
        await store.side_log.put(entry())
        assert "side_budget" in str(store.side_log.refusal)
        assert await store.commit(Commit(0, 1, None, {}, diverted=[entry(b"event" * 500)]))

        assert len(await due(store)) == 2


async def test_a_commit_that_fails_leaves_neither(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault) as store:
        await store.append([sample()], {})
        fault.at["end"] = broken()
        with pytest.raises(StoreUnavailable):
            await store.commit(Commit(0, 1, None, {}, diverted=[entry()]))

        assert await due(store) == []
        assert (await store.facts()).inbox_cursor == 0
