"""Births, renames and retirements: the same in every store."""

import pytest
from msgspec.structs import replace

from router.errors import StorageError
from router.storage.cursor import Cursor
from router.storage.store import Storage
from router.telemetry.conservation import conservation
from tests.contract.storage.samples import delivered, fill, letter, parked


async def missing(store: Storage) -> list[int]:
    return [one.missing for one in conservation(await store.books())]


async def test_a_renamed_destination_keeps_everything(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.settle([replace(delivered("crm", 0, 5), park=[parked(2)], dead_letters=[letter(0)])])

    state = await store.born("sales", "webhook", None, renamed_from="crm")

    assert (state.cursor, len(state.parked), state.birth) == (Cursor(5), 1, 0)
    assert [one.name for one in await store.destinations()] == ["sales"]
    assert (await store.counters())["delivered", "sales"] == 5
    assert ("delivered", "crm") not in await store.counters()
    assert [one.destination for one in await store.dead_letters("sales", 10)] == ["sales"]
    assert len(await store.outcomes("sales", 0, 10)) == 1


async def test_a_rename_happens_once(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await store.born("sales", "webhook", None, renamed_from="crm")
    await store.born("crm", "webhook", None)

    await store.born("sales", "webhook", None, renamed_from="crm")

    assert sorted(one.name for one in await store.destinations()) == ["crm", "sales"]


async def test_a_rename_of_nobody_is_a_birth(store: Storage) -> None:
    await fill(store, 10)

    assert (await store.born("sales", "webhook", None, renamed_from="crm")).birth == 10


async def test_an_end_is_fixed_once(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.conclude("crm")
    await fill(store, 10)

    assert (await store.conclude("crm")).until == 10
    assert await missing(store) == [0]


async def test_an_end_of_nobody_is_refused(store: Storage) -> None:
    with pytest.raises(StorageError, match="crm"):
        await store.conclude("crm")


async def test_a_birth_calls_an_end_off(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.conclude("crm")

    state = await store.born("crm", "webhook", None)

    assert (state.until, state.cursor) == (None, Cursor(0))


async def test_retiring_expires_what_waits_and_every_sum_holds(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    counts = {("accepted", "crm"): 6, ("delivered", "crm"): 5}
    begun = replace(delivered("crm", 0, 5), cursor=Cursor(5, ((7, 8),)), counts=counts, park=[parked(7)])
    await store.settle([begun])

    assert await store.retire("crm") == 5

    [state] = await store.destinations()
    assert (state.is_retired, state.until, state.cursor, list(state.parked)) == (True, 10, Cursor(10), [])
    assert (await store.counters())["expired", "crm", "retired"] == 5
    assert await missing(store) == [0]


async def test_retiring_again_or_nobody_expires_nothing(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.retire("crm")
    await fill(store, 10)

    assert await store.retire("crm") == 0
    assert await store.retire("nobody") == 0
    assert await missing(store) == [0]


async def test_one_that_was_retired_is_born_anew(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.retire("crm")
    await fill(store, 10)

    state = await store.born("crm", "file", None)

    assert (state.kind, state.birth, state.cursor, state.is_retired) == ("file", 20, Cursor(20), False)
    assert await missing(store) == [0]


async def test_another_kind_begins_where_the_old_one_stands(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.settle([delivered("crm", 0, 10)])
    await fill(store, 5)

    state = await store.born("crm", "file", None)

    assert (state.kind, state.birth, state.cursor) == ("file", 10, Cursor(10))


async def test_another_kind_does_not_take_over_what_was_begun(store: Storage) -> None:
    await store.born("crm", "webhook", None)
    await fill(store, 10)
    await store.settle([replace(delivered("crm", 0, 10), park=[parked(3)])])

    with pytest.raises(StorageError, match="events wait"):
        await store.born("crm", "file", None)
