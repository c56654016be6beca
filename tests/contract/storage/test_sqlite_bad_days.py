"""A SQLite store on a failing or full disk, and at the end of its budgets."""

import asyncio
import os
from pathlib import Path

import pytest
from msgspec.structs import replace

from router.errors import StoreFull, StoreUnavailable
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.segment import decode_segment
from router.storage.store import Settlement
from router.telemetry.happenings import BudgetWarned, StoreRecovered, StoreTroubled
from router.telemetry.signals import Signal
from tests.contract.storage.faults import Fault, Opened, broken, full
from tests.contract.storage.samples import delivered, draft, entry, fill, hash_of, positions, step

# --- a failing disk ---------------------------------------------------------------------------------------


async def test_a_failing_disk_fails_the_append_and_the_next_one_succeeds(
    opened: Opened, heard: list[Signal]
) -> None:
    fault = Fault()
    async with opened(fault=fault) as store:
        await store.append([entry(2)], {})
        fault.at["end"] = broken()

        with pytest.raises(StoreUnavailable):
            await store.append([entry(2)], {})

        assert not (await store.facts()).is_writable
        assert await store.append([entry(2)], {}) == 2
        assert (await store.facts()).is_writable
    kinds = [type(one) for one in heard if isinstance(one, StoreTroubled | StoreRecovered)]
    assert kinds == [StoreTroubled, StoreRecovered]


async def test_a_commit_that_is_there_though_it_failed_is_a_conflict_afterwards(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault) as store:
        await store.append([entry(5)], {})
        fault.at["committed"] = broken()

        with pytest.raises(StoreUnavailable):
            await store.commit(step(0, 5, draft(0, 5)))

        assert not await store.commit(step(0, 5, draft(0, 5)))
        assert (await store.facts()).inbox_cursor == 5
        assert await store.seen([hash_of(3)]) == [3]
        await fill(store, 5)
        assert await store.seen([hash_of(7)]) == [7]


async def test_a_failing_commit_part_leaves_the_append_of_its_turn(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault) as store:
        await store.append([entry(5)], {})
        fault.at["commit"] = OSError(5, "no luck")
        first = store.append([entry(1)], {})  # begins a turn; the next two share the one after it
        results = await asyncio.gather(
            first, store.append([entry(1)], {}), store.commit(step(0, 5, draft(0, 5))), return_exceptions=True
        )

        assert results[:2] == [5, 6]
        assert isinstance(results[2], StoreUnavailable)
        assert (await store.facts()).inbox_cursor == 0


async def test_a_full_disk_refuses_entries_and_still_settles(
    opened: Opened, tmp_path: Path, heard: list[Signal]
) -> None:
    fault = Fault()
    async with opened(fault=fault, ballast_bytes=1 << 20) as store:
        await store.born("crm", "webhook", None)
        await fill(store, 5)
        assert (tmp_path / "router.db-ballast").stat().st_size == 1 << 20
        fault.at["append"] = full()

        with pytest.raises(StoreFull):
            await store.append([entry()], {})

        assert not (tmp_path / "router.db-ballast").exists()
        await store.settle([delivered("crm", 0, 5)])
        with pytest.raises(StoreFull):
            await store.append([entry()], {})
        store.look_again()
        assert await store.append([entry()], {}) == 5
        assert (tmp_path / "router.db-ballast").exists()
    assert StoreRecovered in [type(one) for one in heard]


async def test_a_settlement_that_met_the_full_disk_is_written_with_the_ballast(opened: Opened) -> None:
    fault = Fault()
    async with opened(fault=fault, ballast_bytes=1 << 20) as store:
        await store.born("crm", "webhook", None)
        await fill(store, 5)
        fault.at["settle"] = full()
        fault.at["end"] = full()

        await store.settle([delivered("crm", 0, 5)])

        assert (await store.destinations())[0].cursor == Cursor(5)


# --- budgets ----------------------------------------------------------------------------------------------


async def test_the_inbox_budget_refuses_entries_until_they_are_processed(
    opened: Opened, heard: list[Signal]
) -> None:
    async with opened(inbox_budget=100_000) as store:
        await asyncio.gather(
            *(store.append([entry(body=os.urandom(20_000))], {}) for _ in range(10)), return_exceptions=True
        )

        with pytest.raises(StoreFull, match="inbox budget"):
            await store.append([entry()], {})

        facts = await store.facts()
        assert await store.commit(step(0, facts.inbox_next, None))
        assert await store.append([entry()], {}) == facts.inbox_next
    warned = [one for one in heard if isinstance(one, BudgetWarned)]
    assert warned[-1].budget == "inbox"
    assert warned[-1].share >= 0.8


async def test_below_the_floor_of_free_space_entries_are_refused(opened: Opened) -> None:
    async with opened(free_floor=1 << 60) as store:
        with pytest.raises(StoreFull, match="free"):
            await store.append([entry()], {})


async def test_segments_that_everybody_has_go_after_retention(opened: Opened) -> None:
    async with opened(retention=10) as store:
        await store.born("crm", "webhook", None)
        await fill(store, 10, at=1_000)
        await fill(store, 10, at=5_000)
        await fill(store, 10, at=12_000)
        await store.settle([delivered("crm", 0, 30)])

        await store.trim()

        assert (await store.facts()).stream_first == 10


async def test_a_segment_that_a_destination_still_needs_stays(opened: Opened) -> None:
    async with opened(retention=10) as store:
        await store.born("crm", "webhook", None)
        await fill(store, 10, at=1_000)
        await fill(store, 10, at=100_000)

        await store.trim()
        assert (await store.facts()).stream_first == 0
        await store.retire("crm")
        await store.trim()
        assert (await store.facts()).stream_first == 10


async def test_a_spent_stream_budget_expires_the_oldest_for_those_behind(opened: Opened) -> None:
    async with opened(stream_budget=1_000_000, clock=lambda: 50.0) as store:
        await store.born("slow", "webhook", None)
        await store.born("fast", "webhook", None)
        for first in range(0, 600, 100):
            await fill(store, 100, size=5_000)
            await store.settle([delivered("fast", first, first + 100)])
            if not first:
                await store.settle([replace(delivered("slow", 3, 5), cursor=Cursor(0, ((3, 5),)))])

        await store.trim()

        facts = await store.facts()
        counts = await store.counters()
        gone = facts.stream_first
        assert gone > 0
        assert facts.stream_bytes < 1_000_000
        assert counts["expired", "slow", "disk_budget"] == gone - 2
        assert counts["accepted", "slow"] == gone
        assert ("expired", "fast", "disk_budget") not in counts
        state = (await store.destinations())[0]
        assert state.cursor.floor == gone
        runs = [run for record in await store.outcomes("slow", gone - 1, gone) for run in record.runs]
        assert {(run.outcome, run.reason) for run in runs} == {("expired", "disk_budget")}


async def test_what_expired_is_not_delivered_as_well(opened: Opened) -> None:
    async with opened(stream_budget=50_000) as store:
        await store.born("slow", "webhook", None)
        await fill(store, 10, size=20_000)
        await store.trim()
        await fill(store, 10)

        await store.settle([delivered("slow", 5, 15)])

        counts = await store.counters()
        assert counts["accepted", "slow"] == 15
        assert counts["expired", "slow", "disk_budget"] == 10
        assert counts["delivered", "slow"] == 5


async def test_a_parked_event_is_kept_when_its_segment_goes(opened: Opened) -> None:
    async with opened(retention=10) as store:
        await store.born("crm", "webhook", None)
        await fill(store, 10, at=1_000)
        await fill(store, 10, at=100_000)
        row = Parked(4, 1, 1, 2, "timeout", ("uu4",))
        await store.settle([replace(delivered("crm", 0, 20), park=[row])])

        await store.trim()

        [kept] = await store.parked("crm")
        assert (await store.facts()).stream_first == 10
        assert positions(decode_segment(kept.kept)) == [4]
        await store.settle([Settlement("crm", Cursor(20), None, {}, park=[replace(row, attempts=2)])])
        assert (await store.parked("crm"))[0] == replace(row, attempts=2, kept=kept.kept)


async def test_trimming_happens_beside_the_commits(opened: Opened) -> None:
    async with opened(retention=1) as store:
        for one in range(80):
            await fill(store, 2, at=1_000 + 1_000 * one)

        assert (await store.facts()).stream_first > 0
