"""Searching the stream for the events of some ids, in every store."""

from collections.abc import Sequence

import pytest

from router.events.calls import Alias
from router.events.envelope import Envelope
from router.storage.hashing import key_hash
from router.storage.hits import Search
from router.storage.segment import encode_segment
from router.storage.store import SegmentDraft, Storage
from tests.contract.storage.samples import entry, fill, step

STORE_ID = bytes(16)
"""That of the samples' segments."""


def asked(
    *users: str, first: int = 0, after: int = 1_000, limit: int = 100, newest_first: bool = True
) -> Search:
    keys = [key_hash(STORE_ID, one) for one in users]
    return Search(keys=keys, first=first, after=after, limit=limit, newest_first=newest_first)


async def positions(store: Storage, search: Search) -> tuple[Sequence[int], int]:
    hits = await store.search(search)
    return [segment.first_position + slot for segment, slots in hits.found for slot in slots], hits.reached


async def test_the_newest_events_of_an_id_come_first(store: Storage) -> None:
    await fill(store, 10, segments=3)

    assert await positions(store, asked("u1")) == ([29, 22, 15, 8, 1], 0)


async def test_the_oldest_come_first_when_that_is_asked(store: Storage) -> None:
    await fill(store, 10, segments=3)

    assert await positions(store, asked("u1", newest_first=False)) == ([1, 8, 15, 22, 29], 1_000)


async def test_one_of_several_ids_is_enough(store: Storage) -> None:
    await fill(store, 10, segments=1)

    assert await positions(store, asked("u1", "u3", "nobody")) == ([8, 3, 1], 0)


async def test_a_search_stays_between_its_positions(store: Storage) -> None:
    await fill(store, 10, segments=3)

    assert await positions(store, asked("u1", first=8, after=22)) == ([15, 8], 8)


@pytest.mark.parametrize(
    ("newest_first", "pages"), [(True, [[29, 22], [15, 8], [1]]), (False, [[1, 8], [15, 22], [29]])]
)
async def test_a_limited_search_goes_on_from_where_it_ended(
    store: Storage, newest_first: bool, pages: list[list[int]]
) -> None:
    await fill(store, 10, segments=3)
    found = []
    first, after = 0, 30

    for _ in pages:
        page, reached = await positions(
            store, asked("u1", first=first, after=after, limit=2, newest_first=newest_first)
        )
        found.append(page)
        first, after = (first, reached) if newest_first else (reached, after)

    assert found == pages


async def test_nothing_is_found_for_an_unknown_id_or_in_an_empty_stream(store: Storage) -> None:
    assert await positions(store, asked("u1")) == ([], 0)

    await fill(store, 10)

    assert await positions(store, asked("nobody")) == ([], 0)


async def test_what_is_found_comes_with_its_segment(store: Storage) -> None:
    await fill(store, 10, segments=2)

    hits = await store.search(asked("u1", limit=1))

    [(segment, _)] = hits.found
    assert segment in await store.read_stream(10, 1)


@pytest.mark.parametrize("strangers", [0, 40])
async def test_a_previous_id_of_an_alias_is_found_among_few_keys_and_many(
    store: Storage, strangers: int
) -> None:
    event = Alias(message_id="m0", user_id="u1", previous_id="a1", received_at="r", timestamp="t")
    one = Envelope(0, "website", event, 1_000)
    data = encode_segment(0, [one], store_id=STORE_ID, count=3)
    position = await store.append([entry(3)], {})
    assert await store.commit(step(0, position + 3, SegmentDraft(0, 3, data, bytes(48), 1_000)))

    assert await positions(store, asked("a1", *(f"x{one}" for one in range(strangers)))) == ([0], 0)
