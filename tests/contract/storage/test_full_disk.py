"""A disk that is really full: a small tmpfs, filled by somebody else."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from router.errors import StoreFull
from router.storage.sqlite.store import SqliteStorage
from tests.contract.storage.samples import delivered, draft, entry, fill, step
from tests.small_disk import small_disk, stuff

SIZE = 24 << 20
BALLAST = 4 << 20


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", SIZE) as place:
        yield place


async def flood(store: SqliteStorage) -> None:
    """Append until it is refused."""
    while True:
        await store.append([entry(body=os.urandom(100_000))], {})


def made(disk: Path) -> SqliteStorage:
    return SqliteStorage(path=disk / "router.db", free_floor=0, ballast_bytes=BALLAST)


async def test_a_full_disk_refuses_entries_settles_and_recovers_by_itself(disk: Path) -> None:
    store = made(disk)
    await store.open()
    try:
        await store.born("crm", "webhook", None)
        await fill(store, 100, segments=2)
        await store.append([entry(100)], {})
        theirs = stuff(disk)

        with pytest.raises(StoreFull, match="full"):
            await flood(store)
        facts = await store.facts()
        assert not facts.is_writable
        assert "full" in facts.trouble
        await store.settle([delivered("crm", 0, 200)])
        assert await store.commit(step(200, 300, draft(200, 100)))

        theirs.unlink()
        store.look_again()
        assert await store.append([entry()], {}) == facts.inbox_next
        assert (await store.facts()).is_writable
    finally:
        await store.close()


async def test_a_store_opens_on_a_full_disk_delivers_and_takes_entries_when_there_is_room(disk: Path) -> None:
    store = made(disk)
    await store.open()
    await store.born("crm", "webhook", None)
    await fill(store, 100, segments=2)
    await store.close()
    theirs = stuff(disk)

    store = made(disk)
    await store.open()
    try:
        with pytest.raises(StoreFull):
            await store.append([entry()], {})
        assert len(await store.read_stream(0, 1 << 20)) == 2
        await store.settle([delivered("crm", 0, 200)])
        await store.trim()

        theirs.unlink()
        store.look_again()
        assert await store.append([entry()], {}) == 200
    finally:
        await store.close()


async def test_a_store_without_room_for_its_reserve_refuses_entries_and_says_what_is_needed(
    disk: Path,
) -> None:
    store = SqliteStorage(path=disk / "router.db", free_floor=0, ballast_bytes=64 << 20)
    await store.open()
    try:
        with pytest.raises(StoreFull, match="ballast"):
            await store.append([entry()], {})
    finally:
        await store.close()
