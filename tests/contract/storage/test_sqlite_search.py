"""Searching a file for the events of some ids, with directories and without."""

from pathlib import Path

import pytest

from router.storage.sqlite.keys.directory import SEGMENTS
from router.storage.sqlite.keys.searching import MOST_DIRECTORIES, MOST_SEGMENTS
from router.storage.sqlite.store import SqliteStorage
from tests.contract.storage.faults import Opened, change
from tests.contract.storage.samples import fill
from tests.contract.storage.test_search import asked, positions

COUNT = 5
MANY = 3 * SEGMENTS + 7
EVENTS = MANY * COUNT
OF_U3 = [one for one in range(EVENTS) if one % 7 == 3]


async def directories(store: SqliteStorage) -> int:
    await store.wait_for_index()
    (count,) = await store._readers.read(
        lambda database: database.execute("SELECT count(*) FROM stream_keys").fetchone()
    )
    return int(count)


async def paged(store: SqliteStorage, limit: int, *, newest_first: bool) -> list[int]:
    """All positions of `u3`, some at a time."""
    found: list[int] = []
    first, after = 0, EVENTS
    while first < after:
        page, reached = await positions(
            store, asked("u3", first=first, after=after, limit=limit, newest_first=newest_first)
        )
        found += page
        first, after = (first, reached) if newest_first else (reached, after)
    return found


@pytest.mark.parametrize("newest_first", [True, False])
@pytest.mark.parametrize("limit", [1, 4, 1000])
async def test_directories_change_nothing_of_what_is_found(
    opened: Opened, newest_first: bool, limit: int
) -> None:
    async with opened() as store:
        await fill(store, COUNT, segments=MANY)
        assert await directories(store) == 3

        found = await paged(store, limit, newest_first=newest_first)

        assert found == (OF_U3[::-1] if newest_first else OF_U3)


@pytest.mark.parametrize(("first", "after"), [(1, 3), (158, 162), (159, 481), (320, 321), (479, 514)])
async def test_a_search_ends_within_a_directory_or_a_segment(opened: Opened, first: int, after: int) -> None:
    async with opened() as store:
        await fill(store, COUNT, segments=MANY)
        assert await directories(store) == 3

        found, reached = await positions(store, asked("u3", first=first, after=after, newest_first=False))

        assert (found, reached) == ([one for one in OF_U3 if first <= one < after], after)


async def test_a_store_without_directories_gets_them(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        await fill(store, COUNT, segments=MANY)
        await store.wait_for_index()
    change(tmp_path / "router.db", "DELETE FROM stream_keys")

    async with opened() as store:
        found = await paged(store, 1000, newest_first=True)

        assert found == OF_U3[::-1]
        assert await directories(store) == 3


async def test_one_look_is_bounded_without_directories(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        await fill(store, 1, segments=300)
        await store.wait_for_index()
        await store._keepers.stop()
        change(tmp_path / "router.db", "DELETE FROM stream_keys")

        newest = await positions(store, asked("nobody", after=300))
        oldest = await positions(store, asked("nobody", after=300, newest_first=False))

        assert (newest, oldest) == (([], 300 - MOST_SEGMENTS), ([], MOST_SEGMENTS))


async def test_one_look_asks_so_many_directories(opened: Opened) -> None:
    async with opened() as store:
        await fill(store, 1, segments=(MOST_DIRECTORIES + 1) * SEGMENTS)
        assert await directories(store) == MOST_DIRECTORIES + 1

        newest = await positions(store, asked("nobody", after=10_000))
        oldest = await positions(store, asked("nobody", newest_first=False, after=10_000))

        assert (newest, oldest) == (([], SEGMENTS), ([], MOST_DIRECTORIES * SEGMENTS))


async def test_one_look_looks_into_so_many_segments(opened: Opened) -> None:
    async with opened() as store:
        await fill(store, 7, segments=300)
        await store.wait_for_index()

        found, reached = await positions(store, asked("u3", after=2100, limit=1000))

        assert found == list(range(2096, 2100 - 7 * MOST_SEGMENTS, -7))
        assert reached == 2100 - 7 * MOST_SEGMENTS


async def test_a_segment_that_was_set_aside_hides_no_other(opened: Opened, tmp_path: Path) -> None:
    async with opened() as store:
        await fill(store, COUNT, segments=10)
    change(tmp_path / "router.db", "UPDATE stream SET data = x'00', size = 1 WHERE first = 10")
    change(tmp_path / "router.db", "UPDATE stream SET data = x'', size = 0 WHERE first = 15")

    async with opened() as store:
        await fill(store, COUNT, segments=MANY - 10)
        assert await directories(store) == 3

        found = await paged(store, 1000, newest_first=False)

        assert found == [one for one in OF_U3 if not 10 <= one < 20]


async def test_directories_go_with_their_segments(opened: Opened) -> None:
    async with opened(retention=10) as store:
        await fill(store, COUNT, segments=2 * SEGMENTS, at=1_000)
        await fill(store, COUNT, segments=SEGMENTS, at=30_000)
        assert await directories(store) == 3

        await store.trim()
        await store.trim()  # the segments, then what told of them

        assert await directories(store) == 1
        assert await paged(store, 1000, newest_first=True) == [
            one for one in range(3 * SEGMENTS * COUNT - 1, 2 * SEGMENTS * COUNT - 1, -1) if one % 7 == 3
        ]
