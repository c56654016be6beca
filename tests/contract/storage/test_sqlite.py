"""What only the SQLite store promises: it survives, it refuses what is not its own, it goes on after damage."""

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
import pytest
from msgspec.structs import replace

from router.errors import StorageError, StoreFull, StoreLocked, StoreTooNew, StoreUnavailable
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.segment import decode_segment
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Settlement
from router.telemetry.happenings import BudgetWarned, SegmentSetAside, StoreRecovered, StoreTroubled
from router.telemetry.signals import Signal, Signals
from tests.contract.storage.samples import delivered, draft, entry, fill, hash_of, positions, step

Opened = Callable[..., Any]


@pytest.fixture
def heard() -> list[Signal]:
    return []


@pytest.fixture
def opened(tmp_path: Path, heard: list[Signal]) -> Opened:
    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[SqliteStorage]:
        signals = Signals()
        signals.observe(heard.append)
        plain = {"path": tmp_path / "router.db", "free_floor": 0, "ballast_bytes": 0, "seal_ids": 64}
        store = SqliteStorage(**{**plain, "signals": signals, **options})
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return opened


def change(path: Path, statement: str, *values: Any) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement, values)
    database.close()


class Fault:
    """Fails a turn at a point, as often as told."""

    def __init__(self) -> None:
        self.at: dict[str, sqlite3.Error | OSError] = {}
        self.points: list[str] = []

    def __call__(self, point: str) -> None:
        self.points.append(point)
        if point in self.at:
            raise self.at.pop(point)


def full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def broken() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error


# --- it survives ------------------------------------------------------------------------------------------


async def test_everything_is_there_after_a_reopen(opened: Opened) -> None:
    async with opened() as store:
        await store.born("crm", "webhook", None)
        await fill(store, 50, segments=5)
        await store.append([entry(3)], {("a",): 1})
        await store.settle([replace(delivered("crm", 0, 20), park=[Parked(4, 1, 1, 2, "timeout", ())])])
        before, store_id = await store.facts(), store.store_id

    async with opened() as store:
        after = await store.facts()
        assert replace(after, wal_bytes=0, free_bytes=0) == replace(before, wal_bytes=0, free_bytes=0)
        assert store.store_id == store_id
        assert await store.seen([hash_of(one) for one in range(251)]) == [*range(250), None]
        state = await store.born("crm", "webhook", None)
        assert state.cursor == Cursor(20)
        assert [one.position for one in state.parked] == [4]
        assert [one.position for one in await store.read_inbox(0, 1 << 20)] == [250]


async def test_ids_are_seen_though_pieces_are_missing(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        await fill(store, 50, segments=20)
        await store.seen([hash_of(1)])
    change(tmp_path / "router.db", "DELETE FROM seen_pieces")

    async with opened() as store:
        assert await store.seen([hash_of(one) for one in range(1000)]) == list(range(1000))


async def test_a_damaged_piece_is_built_again(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        await fill(store, 50, segments=20)
    change(tmp_path / "router.db", "UPDATE seen_chunks SET checksum = checksum + 1")

    async with opened() as store:
        assert await store.seen([hash_of(one) for one in range(1000)]) == list(range(1000))
        assert await store.seen([hash_of(5000)]) == [None]


async def test_a_damaged_filter_is_built_again(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        await fill(store, 50, segments=20)
    change(tmp_path / "router.db", "UPDATE seen_filters SET data = zeroblob(length(data))")

    async with opened() as store:
        assert await store.seen([hash_of(one) for one in range(1000)]) == list(range(1000))


async def test_many_tails_become_few_pieces(opened: Opened) -> None:
    async with opened(dedupe_window=60) as store:
        for at in range(1_000, 31_000, 500):
            await fill(store, 64, at=at)
        await store.wait_for_index()

        assert len(store._seen.pieces) <= 8
        assert sum(piece.count for piece in store._seen.pieces) + len(store._seen.tail.ids) == 60 * 64
        assert await store.seen([hash_of(one) for one in range(0, 3900, 13)]) == [
            one if one < 3840 else None for one in range(0, 3900, 13)
        ]


async def test_pieces_behind_the_window_are_dropped(opened: Opened) -> None:
    async with opened(dedupe_window=60) as store:
        for at in range(1_000, 200_000, 5_000):
            await fill(store, 64, at=at)
        await store.wait_for_index()

        assert store._seen.pieces[0].newest >= 195_000 - 60_000
        assert len(store._seen.pieces) <= 8


async def test_a_chunk_that_is_damaged_while_running_is_built_again(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        await fill(store, 64, segments=4)
        await store.wait_for_index()
        await store._writer.step(
            lambda database, state: database.execute("UPDATE seen_chunks SET checksum = 0").rowcount
        )

        assert await store.seen([hash_of(one) for one in range(260)]) == [*range(256), None, None, None, None]


async def test_a_chunk_that_went_missing_while_running_is_built_again(opened: Opened) -> None:
    async with opened() as store:
        await fill(store, 64, segments=4)
        await store.wait_for_index()
        await store._writer.step(lambda database, state: database.execute("DELETE FROM seen_chunks").rowcount)

        assert await store.seen([hash_of(7)]) == [7]


async def test_reads_wait_while_the_wal_is_big_and_go_on_after_a_checkpoint(opened: Opened) -> None:
    async with opened() as store:
        await fill(store, 5)
        store._writer.wal_bytes = 65 << 20

        assert len(await store.read_stream(0, 1)) == 1
        assert (await store.facts()).wal_bytes == 0


async def test_a_read_whose_reader_went_away_gives_its_connection_back(opened: Opened) -> None:
    async with opened() as store:
        await fill(store, 5)
        for _ in range(5):
            reading = asyncio.ensure_future(store.read_stream(0, 1))
            await asyncio.sleep(0)
            reading.cancel()
            with pytest.raises(asyncio.CancelledError):
                await reading

        assert len(await store.read_stream(0, 1)) == 1


async def test_an_append_whose_client_went_away_is_written_all_the_same(opened: Opened) -> None:
    async with opened() as store:
        appending = asyncio.ensure_future(store.append([entry(2)], {}))
        await asyncio.sleep(0)
        appending.cancel()

        assert await store.append([entry(1)], {}) == 2


async def test_ids_older_than_the_window_are_forgotten(opened: Opened) -> None:
    async with opened(dedupe_window=60, retention=1e9) as store:
        await fill(store, 100, segments=2, at=1_000)
        await fill(store, 100, segments=2, at=200_000)
        await fill(store, 100, at=400_000)
        await store.trim()

    async with opened(dedupe_window=60, retention=1e9) as store:
        assert await store.seen([hash_of(5), hash_of(405)]) == [None, 405]


async def test_ids_stay_for_the_window_though_their_segment_is_gone(opened: Opened) -> None:
    async with opened(dedupe_window=600, retention=1) as store:
        await fill(store, 100, at=1_000)
        await fill(store, 100, at=100_000)
        await store.trim()

        assert (await store.facts()).stream_first == 100
        assert await store.seen([hash_of(5)]) == [5]


# --- it refuses what is not its own -----------------------------------------------------------------------


async def test_a_second_router_in_this_process_is_refused(opened: Opened, tmp_path: Path) -> None:
    async with opened():
        second = SqliteStorage(path=tmp_path / "router.db")

        with pytest.raises(StoreLocked, match=f"router.db is in use by process {os.getpid()}"):
            await second.open()


async def test_a_closed_store_can_be_opened_by_another(opened: Opened) -> None:
    async with opened() as store:
        await store.close()

        async with opened() as other:
            assert (await other.facts()).inbox_next == 0


async def test_a_store_of_a_newer_version_is_refused(opened: Opened, tmp_path: Path) -> None:
    async with opened():
        pass
    change(tmp_path / "router.db", "PRAGMA user_version = 999")

    with pytest.raises(StoreTooNew, match="newer version"):
        async with opened():
            pass


async def test_a_file_that_is_no_store_is_refused(opened: Opened, tmp_path: Path) -> None:
    (tmp_path / "router.db").write_bytes(b"something else" * 1000)

    with pytest.raises(StorageError, match="not a store"):
        async with opened():
            pass


async def test_a_database_of_another_program_is_refused(opened: Opened, tmp_path: Path) -> None:
    change(tmp_path / "router.db", "CREATE TABLE theirs (a)")

    with pytest.raises(StorageError, match="another program"):
        async with opened():
            pass


async def test_a_closed_store_answers_with_an_error(opened: Opened) -> None:
    async with opened() as store:
        pass

    with pytest.raises(StoreUnavailable, match="not open"):
        await store.append([entry()], {})
    with pytest.raises(StoreUnavailable, match="not open"):
        await store.facts()


async def test_a_new_file_has_the_settings_that_cannot_be_changed_later(
    opened: Opened, tmp_path: Path
) -> None:
    async with opened():
        pass

    with sqlite3.connect(tmp_path / "router.db") as database:
        values = [
            database.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_size", "auto_vacuum", "journal_mode")
        ]
    database.close()
    assert values == [16_384, 2, "wal"]


async def test_aiosqlite_still_has_what_the_connection_uses() -> None:
    database = await aiosqlite.connect(":memory:")
    try:
        assert callable(database._connector)
        assert isinstance(database._conn, sqlite3.Connection)
        assert database._connection is database._conn
        assert hasattr(database._tx, "put_nowait")
    finally:
        await database.close()


# --- it goes on after damage ------------------------------------------------------------------------------


async def test_a_damaged_segment_is_set_aside_with_its_positions(
    opened: Opened, tmp_path: Path, heard: list[Signal]
) -> None:
    async with opened() as store:
        await fill(store, 10, segments=3)
    change(tmp_path / "router.db", "UPDATE stream SET data = CAST(data || x'00' AS BLOB) WHERE first = 10")

    async with opened() as store:
        segments = await store.read_stream(0, 1 << 20)
        assert [(one.first_position, one.count, bool(one.data)) for one in segments] == [
            (0, 10, True), (10, 10, False), (20, 10, True),
        ]  # fmt: skip
        assert (await store.facts()).set_aside == ((10, 20),)
        assert await store.read_stream(10, 1 << 20) == segments[1:]
    [signal] = [one for one in heard if isinstance(one, SegmentSetAside)]
    assert (signal.first, signal.after) == (10, 20)
    assert "checksum" in signal.reason


async def test_a_damaged_row_of_the_inbox_does_not_stop_the_rest(
    opened: Opened, tmp_path: Path, heard: list[Signal]
) -> None:
    async with opened() as store:
        for _ in range(3):
            await store.append([entry(2)], {})
    change(tmp_path / "router.db", "UPDATE inbox SET data = x'00' WHERE first = 2")

    async with opened() as store:
        assert [one.position for one in await store.read_inbox(0, 1 << 20)] == [0, 4]
        assert [one.position for one in await store.read_inbox(2, 1 << 20)] == [4]
    assert [(one.first, one.after) for one in heard if isinstance(one, SegmentSetAside)] == [(2, 4)]


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
