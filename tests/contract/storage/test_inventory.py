"""The inventory in every store."""

from router.storage.inventory import SeenEvent, SeenProperty, SeenViolation
from router.storage.store import Storage


def bought(count: int = 1) -> SeenEvent:
    return SeenEvent(
        "website", "track", "Bought", count, 5, 9,
        properties={"total": SeenProperty(2, 1, 5, 9)},
        violations=[SeenViolation("Required", "properties.sku", 9, "m1", {7: 3})],
        blocked={"unplanned": 1},
    )  # fmt: skip


async def test_an_empty_store_has_seen_nothing(store: Storage) -> None:
    assert await store.inventory.read() == []


async def test_rows_come_back_as_they_were_given(store: Storage) -> None:
    await store.inventory.keep([bought()])

    assert await store.inventory.read() == [bought()]


async def test_a_row_takes_the_place_of_the_one_before(store: Storage) -> None:
    await store.inventory.keep([bought(1)])
    await store.inventory.keep([bought(2)])
    await store.inventory.keep([bought(2)])

    assert await store.inventory.read() == [bought(2)]


async def test_a_row_that_changes_later_is_kept_as_it_was(store: Storage) -> None:
    row = bought()
    await store.inventory.keep([row])
    row.count = 99

    assert (await store.inventory.read())[0].count == 1


async def test_rows_are_told_apart_by_source_type_and_name(store: Storage) -> None:
    rows = [
        SeenEvent(*key)
        for key in (("a", "page", "x"), ("a", "track", "x"), ("a", "track", "y"), ("b", "page", "x"))
    ]
    await store.inventory.keep(rows[::-1])

    assert await store.inventory.read() == rows


async def test_more_rows_than_one_step_takes_are_all_kept(store: Storage) -> None:
    await store.inventory.keep([SeenEvent("a", "track", f"{number:04}") for number in range(450)])

    assert len(await store.inventory.read()) == 450
