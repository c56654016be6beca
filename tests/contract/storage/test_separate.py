"""A store whose stream is apart from its cursors: what may go wrong between the two."""

import pytest

from router.errors import StoreUnavailable
from router.storage.memory.separate import SeparateStorage
from tests.contract.storage.samples import draft, entry, fill, step


async def test_a_commit_whose_answer_was_lost_shows_in_the_cursor() -> None:
    store = SeparateStorage()
    await store.append([entry(5)], {})
    store.lose_answer = True

    with pytest.raises(StoreUnavailable):
        await store.commit(step(0, 5, draft(0, 5)))

    assert (await store.facts()).inbox_cursor == 5
    assert not await store.commit(step(0, 5, draft(0, 5)))
    assert len(await store.read_stream(0, 1 << 20)) == 1


async def test_a_segment_that_was_not_published_is_published_before_the_next_read() -> None:
    store = SeparateStorage()
    store.fail_publishing = True

    await fill(store, 5)
    await fill(store, 5)

    assert [one.first_position for one in await store.read_stream(0, 1 << 20)] == [0, 5]
