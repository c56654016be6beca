"""The fields that probably hold personal data, in every store."""

from router.events.found_field import FoundField
from router.storage.store import Commit, Storage


def found(path: str = "traits.email", events: int = 1) -> FoundField:
    return FoundField(path, "yellow", "email", "name", "aaa@aaa.aa", 5, 9, events, {"website", "app"})


async def test_an_empty_store_has_found_nothing(store: Storage) -> None:
    assert await store.inventory.findings.read() == []


async def test_rows_come_back_by_path_and_as_they_were_given(store: Storage) -> None:
    rows = [found(f"traits.email{number:04}") for number in range(1200)]

    await store.inventory.findings.keep(rows[::-1])

    assert await store.inventory.findings.read() == rows


async def test_a_row_takes_the_place_of_the_one_before(store: Storage) -> None:
    await store.inventory.findings.keep([found(events=1)])
    await store.inventory.findings.keep([found(events=2)])

    assert await store.inventory.findings.read() == [found(events=2)]


async def test_rows_that_are_gone_are_removed_and_others_stay(store: Storage) -> None:
    rows = [found(f"a{number:04}") for number in range(1200)]
    await store.inventory.findings.keep(rows)

    await store.inventory.findings.keep([found("b")], [one.path for one in rows[1:]] + ["never there"])

    assert await store.inventory.findings.read() == [rows[0], found("b")]


async def test_a_change_of_a_row_that_was_given_changes_nothing_in_the_store(store: Storage) -> None:
    row = found()
    await store.inventory.findings.keep([row])

    row.add(found())

    assert (await store.inventory.findings.read())[0].events == 1


async def test_a_commit_writes_what_its_step_found(store: Storage) -> None:
    assert await store.commit(Commit(0, 0, None, {}, findings=[found()]))

    assert await store.inventory.findings.read() == [found()]


async def test_a_commit_that_continues_nothing_finds_nothing(store: Storage) -> None:
    assert not await store.commit(Commit(7, 8, None, {}, findings=[found()]))

    assert await store.inventory.findings.read() == []
