"""Turns are shared by weight between the lanes that have something."""

from collections import Counter
from collections.abc import Iterable

import pytest

from router.delivery.dispatch import Dispatch
from router.delivery.gate import Gate
from router.delivery.sending.rate import RateLimit
from router.delivery.state import Flight, Kind, State
from router.delivery.turns import Turns
from router.plugins.policies import Concurrency, Policies
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.testing.clock import ManualClock
from tests.flow.delivery.rig import envelope

WEIGHTS = {"live": 8, "retry": 3, "replay": 1}


def run(turns: Turns[str], count: int, busy: Iterable[str]) -> list[str]:
    """The lanes that get the next turns, while these have something."""
    taken = []
    for _ in range(count):
        lane = next(lane for lane in turns.order() if lane in busy)
        turns.took(lane)
        taken.append(lane)
    return taken


def test_live_retry_and_replay_share_as_8_to_3_to_1() -> None:
    taken = run(Turns(WEIGHTS), 1200, WEIGHTS)

    assert Counter(taken) == {"live": 800, "retry": 300, "replay": 100}


def test_turns_are_spread_and_not_taken_in_a_row() -> None:
    taken = run(Turns(WEIGHTS), 12, WEIGHTS)

    assert "retry" in taken[:4]
    assert Counter(taken) == {"live": 8, "retry": 3, "replay": 1}


@pytest.mark.parametrize("alone", WEIGHTS)
def test_a_lane_that_is_alone_gets_every_turn(alone: str) -> None:
    assert run(Turns(WEIGHTS), 5, [alone]) == [alone] * 5


def test_a_lane_that_was_idle_does_not_make_up_for_it() -> None:
    turns = Turns(WEIGHTS)
    run(turns, 1000, ["live"])

    assert Counter(run(turns, 110, ["live", "retry"])) == {"live": 80, "retry": 30}


def test_a_lane_that_was_alone_is_not_held_against_it() -> None:
    turns = Turns(WEIGHTS)
    run(turns, 1000, ["replay"])

    assert "replay" in run(turns, 10, ["live", "replay"])


def test_the_first_named_goes_first() -> None:
    assert next(iter(Turns(WEIGHTS).order())) == "live"


def test_batches_of_the_stream_leave_before_retries_and_leave_them_their_share() -> None:
    """The priority of operations 9, at the place where it is used."""
    clock = ManualClock()
    rows = [Parked(n, 1, 0, 0, "500", (f"k{n}",)) for n in range(100)]
    state = State(
        "crm",
        cursor=Cursor(),
        parked=rows,
        policies=Policies(concurrency=Concurrency(initial=110, max=110)),
        clock=clock,
        uniform=lambda low, high: high,
    )
    state.batcher.add([envelope(n, f"u{n}") for n in range(100, 200)], 0)
    left: list[Kind] = []

    def start(flight: Flight) -> None:
        """Let it leave and land at once."""
        left.append(flight.kind)
        if len(left) == 110:
            state.flights = {flight} | {Flight(Kind.LIVE, [], 0.0) for _ in range(110)}
        if flight.row is not None:
            state.parking.lift(flight.row.position)

    clock.advance(60)
    dispatch = Dispatch(state, rate=RateLimit(None, clock), side=Gate(200).live, clock=clock, start=start)
    dispatch.launch()

    assert left[0] is Kind.LIVE
    assert Counter(left) == {Kind.LIVE: 80, Kind.RETRY: 30}
