"""A window slides in pieces; an event counts for its length, and for one piece more at most."""

import pytest

from router.rules.identity.computed.trait import ComputedTrait
from router.rules.identity.computed.windows import PIECES, is_past, leaves_at, let_leave, next_at, piece_of
from router.storage.computed_state import ComputedState
from tests.unit.identity.worlds import START, track

HOUR = 3_600_000
DAY = 24 * HOUR


@pytest.mark.parametrize("window", [60_000, HOUR, DAY, 30 * DAY, 3660 * DAY])
@pytest.mark.parametrize("at", [START, START + 1, 0, -1])
def test_an_event_never_leaves_too_early_and_at_most_one_piece_too_late(window: int, at: int) -> None:
    leaves = leaves_at(piece_of(at, window), window)

    assert at + window < leaves <= at + window + max(1000, window // PIECES)


def test_without_a_window_nothing_leaves() -> None:
    state = ComputedState("r", "count", 0, {0: 5})

    assert not let_leave(state, START * 2)
    assert next_at(state) == 0
    assert not is_past(0, 0, START)


def test_pieces_leave_one_after_the_other() -> None:
    state = ComputedState(
        "r", "count", HOUR, {piece_of(START, HOUR): 2, piece_of(START + HOUR // 2, HOUR): 3}
    )
    due = next_at(state)

    assert not let_leave(state, due - 1)
    assert let_leave(state, due)
    assert list(state.cells.values()) == [3]
    assert next_at(state) > due


def test_values_that_leave_give_their_room_back() -> None:
    rule = ComputedTrait("names", "unique", event="Met", property="name", window=HOUR)
    state = rule.begin()
    for number in range(3):
        event = track(properties={"name": f"n{number}"})
        assert rule.take(state, event, (START + number * HOUR // 4, 0, "m"), START + HOUR) == ""
    assert (state.entries, state.size) == (3, 12)

    let_leave(state, next_at(state))

    assert (state.entries, state.size) == (2, 8)


def test_however_many_events_come_the_pieces_are_few() -> None:
    rule = ComputedTrait("met", "count", event="Met", window=30 * DAY)
    state = rule.begin()
    for at in range(START, START + 300 * DAY, DAY // 4):
        let_leave(state, at)
        rule.take(state, track(), (at, at, "m"), at)

    assert len(state.cells) <= PIECES + 2
    assert rule.result(state) == b"%d" % sum(state.cells.values())
    assert 120 <= sum(state.cells.values()) <= 123


def test_an_event_that_is_older_than_the_window_does_not_count() -> None:
    rule = ComputedTrait("met", "count", event="Met", window=HOUR)
    state = rule.begin()

    assert rule.take(state, track(), (START - 2 * HOUR, START, "m"), START) == "past"
    assert state.cells == {}


def test_an_event_of_the_future_counts_as_one_of_now() -> None:
    rule = ComputedTrait("met", "count", event="Met", window=HOUR)
    state = rule.begin()

    rule.take(state, track(), (START + 1000 * DAY, START, "m"), START)

    assert next_at(state) <= START + HOUR + HOUR // PIECES
