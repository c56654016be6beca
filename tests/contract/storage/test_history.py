"""The history of the counters in every store."""

import pytest

from router.storage.history import DAY, HOUR, MINUTE, Range
from router.storage.store import Storage

NOON = 20_000 * DAY + 12 * HOUR
SENT = ("delivered", "crm")


async def read(
    store: Storage, granularity: str, first: int = NOON - DAY, after: int = NOON + DAY
) -> dict[int, int]:
    """What is kept of one counter."""
    return (await store.history.read(Range(granularity, first, after))).get(SENT, {})  # type: ignore[arg-type]


async def grow(store: Storage, amount: int, at: int) -> None:
    """Count, and record that."""
    await store.append([], {SENT: amount})
    await store.history.record(at)


async def test_growth_is_added_to_the_minute_hour_and_day(store: Storage) -> None:
    await grow(store, 3, NOON + 1)
    await grow(store, 4, NOON + MINUTE - 1)
    await grow(store, 5, NOON + HOUR)

    assert await read(store, "minute") == {NOON: 7, NOON + HOUR: 5}
    assert await read(store, "hour") == {NOON: 7, NOON + HOUR: 5}
    assert await read(store, "day") == {NOON - 12 * HOUR: 12}


async def test_what_was_recorded_is_not_recorded_again(store: Storage) -> None:
    await grow(store, 3, NOON)
    await store.history.record(NOON + MINUTE)

    assert await read(store, "minute") == {NOON: 3}


async def test_a_range_ends_before_the_bucket_that_begins_there(store: Storage) -> None:
    await grow(store, 3, NOON)
    await grow(store, 4, NOON + MINUTE)

    assert await read(store, "minute", NOON, NOON + MINUTE) == {NOON: 3}
    assert await read(store, "minute", NOON + 1, NOON + 2) == {NOON: 3}
    assert await read(store, "minute", NOON + MINUTE, NOON + 2 * MINUTE) == {NOON + MINUTE: 4}


@pytest.mark.parametrize(
    ("granularity", "kept"), [("minute", 48 * HOUR), ("hour", 30 * DAY), ("day", 400 * DAY)]
)
async def test_buckets_go_when_they_are_old(store: Storage, granularity: str, kept: int) -> None:
    await grow(store, 3, NOON)
    await grow(store, 4, NOON + kept + DAY)

    assert list((await read(store, granularity, 0, NOON + kept + 2 * DAY)).values()) == [4]


async def test_a_counter_that_shrinks_is_recorded_too(store: Storage) -> None:
    """A dead letter that is sent again is counted back."""
    await grow(store, 3, NOON)
    await grow(store, -1, NOON + MINUTE)

    assert await read(store, "minute") == {NOON: 3, NOON + MINUTE: -1}
