"""A cursor knows what is finished, whatever the order in which it was finished."""

import itertools

from hypothesis import given
from hypothesis import strategies as st

from router.storage.cursor import Cursor

RANGES = st.lists(
    st.tuples(st.integers(0, 60), st.integers(1, 12)).map(lambda one: (one[0], one[0] + one[1])), max_size=12
)


@given(floor=st.integers(0, 20), rounds=st.lists(RANGES, max_size=4))
def test_a_cursor_has_finished_exactly_what_was_completed(
    floor: int, rounds: list[list[tuple[int, int]]]
) -> None:
    cursor = Cursor(floor)
    finished = set(range(floor))

    for ranges in rounds:
        cursor = cursor.complete(ranges)
        for first, after in ranges:
            finished.update(range(first, after))

    assert {one for one in range(100) if cursor.is_complete(one)} == finished
    assert cursor.floor + cursor.completed_above_floor() == len(finished)


@given(RANGES)
def test_ranges_are_sorted_apart_from_each_other_and_above_the_floor(ranges: list[tuple[int, int]]) -> None:
    cursor = Cursor(3).complete(ranges)

    edges = [cursor.floor, *(edge for one in cursor.ranges for edge in one)]
    assert all(left < right for left, right in itertools.pairwise(edges))
