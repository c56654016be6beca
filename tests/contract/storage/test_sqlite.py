"""What only the SQLite store promises: it survives, it refuses what is not its own, it goes on after damage."""

import asyncio
import os
import sqlite3
from pathlib import Path

import aiosqlite
import pytest
from msgspec.structs import replace

from router.errors import StorageError, StoreLocked, StoreTooNew, StoreUnavailable
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.sqlite.store import SqliteStorage
from router.telemetry.happenings import SegmentSetAside
from router.telemetry.signals import Signal
from tests.contract.storage.faults import Opened, change
from tests.contract.storage.samples import delivered, entry, fill, hash_of

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
