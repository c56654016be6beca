"""The parts of delivery, each by itself: batcher, pause, parking, ledger, concurrency, secrecy, tries."""

from collections.abc import Sequence

import pytest

from router.delivery.batcher import Batcher
from router.delivery.concurrency import ConcurrencyLimit
from router.delivery.ledger import Ledger
from router.delivery.parking import MOST_PARKED, Parking
from router.delivery.pause import Pause
from router.delivery.sending.secrecy import Secrecy
from router.delivery.suspects import Suspects
from router.delivery.tries import Record
from router.delivery.verdict import Judgement, Verdict
from router.events.envelope import Envelope, order_keys
from router.plugins.policies import Batching, Concurrency, Retry
from router.plugins.request import Answer, Request
from router.plugins.settings import Duration, Secret, Settings, Size
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.outcome import Run
from tests.flow.delivery.rig import envelope

FAILED = Verdict(Judgement.RETRY, "500")
HOUR = 3_600_000


def parking(*rows: Parked, give_up: float = 3600, now: int = 0) -> Parking:
    return Parking(rows, give_up=give_up, now=now, uniform=lambda low, high: high)


def row(position: int, *keys: str, attempts: int = 1, first: int = 0, due: int = 0) -> Parked:
    return Parked(position, attempts, first, due, "500", keys)


def batcher(max_events: int = 10, lot: Parking | None = None, **batching: object) -> Batcher:
    return Batcher(Batching(max_events, **batching), keys=order_keys, parking=lot or parking())  # type: ignore[arg-type]


def positions(envelopes: Sequence[Envelope]) -> list[int]:
    return [one.position for one in envelopes]


# --- batcher --------------------------------------------------------------------------------------------------


def test_a_batch_closes_at_its_bytes_and_a_larger_event_goes_alone() -> None:
    size = len(envelope(0).event.json)
    one = batcher(max_bytes=Size(2 * size))
    one.add([envelope(n) for n in range(5)], 0)

    assert [positions(one.take(None, 0)) for _ in range(3)] == [[0, 1], [2, 3], [4]]
    tiny = batcher(max_bytes=Size(1))
    tiny.add([envelope(0), envelope(1)], 0)
    assert positions(tiny.take(None, 0)) == [0]


def test_an_event_whose_user_is_on_its_way_is_skipped_with_those_behind_it() -> None:
    one = batcher()
    one.add([envelope(0, "a"), envelope(1, "b", anonymous_id="x"), envelope(2, "a", anonymous_id="x")], 0)
    one.add([envelope(3, "c", anonymous_id="x"), envelope(4, "d")], 0)

    assert positions(one.take({"ua"}, 0)) == [1, 4]
    assert positions(one.take(None, 0)) == [0, 2, 3]


def test_an_event_shares_a_key_with_a_skipped_one_and_waits_behind_it() -> None:
    one = batcher()
    one.add([envelope(0, "a", anonymous_id="x"), envelope(1, "b", anonymous_id="x")], 0)

    assert positions(one.take({"ua"}, 0)) == []


def test_what_is_given_back_leaves_first_and_in_order() -> None:
    one = batcher()
    one.add([envelope(5)], 0)
    one.give_back([envelope(3), envelope(1)])

    assert positions(one.take(None, 0)) == [1, 3, 5]


def test_events_behind_a_parked_one_go_behind_the_barrier() -> None:
    lot = parking(row(0, "ua"))
    one = batcher(lot=lot)
    one.add([envelope(1, "a"), envelope(2, "b")], 0)

    assert (positions(one.take(None, 0)), lot.held) == ([2], 1)


# --- parking --------------------------------------------------------------------------------------------------


def test_lifting_a_barrier_frees_the_events_behind_it_in_order() -> None:
    lot = parking(row(0, "ua"))
    for held in (envelope(3, "a"), envelope(1, "a")):
        lot.hold(held, order_keys(held.event))

    assert positions(lot.lift(0)) == [1, 3]


def test_an_event_behind_two_parked_ones_waits_for_both() -> None:
    lot = parking(row(0, "ua"), row(1, "ax"))
    held = envelope(2, "a", anonymous_id="x")
    lot.hold(held, order_keys(held.event))

    assert (positions(lot.lift(0)), positions(lot.lift(1))) == ([], [2])


def test_a_barrier_does_not_hold_earlier_events() -> None:
    lot = parking(row(5, "ua"))

    assert (lot.blocks(4, ("ua",)), lot.blocks(6, ("ua",))) == (False, True)


@pytest.mark.parametrize(
    ("attempts", "seconds"), [(1, 1.5), (2, 3), (5, 24), (11, 1536), (12, 2700), (40, 2700)]
)
def test_the_delay_doubles_from_a_second_to_half_an_hour_with_jitter(attempts: int, seconds: float) -> None:
    lot = parking(give_up=1e9)
    parked = lot.first(envelope(0), ("ua",), FAILED, attempts=attempts, first_tried_at=0, now=0)

    assert parked.row.due_at == seconds * 1000


def test_an_event_is_over_when_its_next_attempt_would_start_after_the_give_up_age() -> None:
    lot = parking(give_up=3600)

    assert not lot.again(row(0, "ua"), FAILED, started_at=0, now=HOUR - 4000).is_over
    assert lot.again(row(0, "ua", due=HOUR), FAILED, started_at=HOUR, now=HOUR).is_over


def test_time_in_which_a_parked_event_was_overdue_does_not_age_it() -> None:
    lot = parking(give_up=3600)

    assert not lot.again(row(0, "ua", due=1000), FAILED, started_at=10 * HOUR, now=10 * HOUR).is_over


def test_time_in_which_the_router_did_not_run_does_not_age_a_parked_event() -> None:
    lot = parking(row(0, "ua", first=0, due=1000), now=10 * HOUR)
    taken = lot.take(10 * HOUR)

    assert taken is not None
    assert taken.first_tried_at == 10 * HOUR - 1000


def test_a_due_time_from_the_future_is_clamped_to_the_longest_back_off() -> None:
    assert parking(row(0, "ua", due=100 * HOUR)).next_due() == 2700 * 1000


def test_a_clock_set_back_between_two_starts_does_not_make_a_parked_event_younger() -> None:
    lot = parking(row(0, "ua", first=100 * HOUR, due=100 * HOUR + 1000), now=0)
    taken = lot.take(HOUR)

    assert taken is not None
    assert taken.due_at - taken.first_tried_at == 1000


def test_a_row_that_is_put_off_is_not_taken_at_its_old_time() -> None:
    lot = parking(row(0, "ua"))
    lot.park(row(0, "ua", due=5000))

    assert (lot.take(1000), lot.next_due()) == (None, 5000)


def test_ten_thousand_parked_events_are_too_many() -> None:
    lot = parking(*[row(n, f"u{n}") for n in range(MOST_PARKED)])

    assert lot.is_full


# --- pause ----------------------------------------------------------------------------------------------------


def test_the_wait_before_a_probe_doubles_to_its_cap() -> None:
    pause = Pause(Retry(), uniform=lambda low, high: high)

    assert [pause.begin("503", 0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_the_wait_before_a_probe_has_full_jitter() -> None:
    asked: list[tuple[float, float]] = []
    pause = Pause(Retry(), uniform=lambda low, high: asked.append((low, high)) or 0.25)

    assert (pause.begin("503", 0), asked) == (0.25, [(0.0, 0.5)])


def test_retry_after_is_capped_by_the_give_up_age() -> None:
    pause = Pause(Retry(give_up=Duration(100)), uniform=lambda low, high: high)

    assert pause.begin("503", 0, after=1e9) == 100


def test_a_pause_that_ended_begins_small_again() -> None:
    pause = Pause(Retry(), uniform=lambda low, high: high)
    pause.begin("503", 0)
    pause.begin("503", 0)
    pause.end()

    assert pause.begin("503", 0) == 0.5


# --- suspects -------------------------------------------------------------------------------------------------


def test_a_suspected_batch_is_tried_in_halves_from_the_left() -> None:
    suspects = Suspects(order_keys)
    suspects.add([envelope(n) for n in range(5)])
    assert positions(suspects.next()) == [0, 1]

    suspects.failed({0, 1})
    assert positions(suspects.next()) == [0]
    suspects.clear({0, 1})
    assert positions(suspects.next()) == [2, 3, 4]


def test_only_the_first_suspect_of_each_user_may_probe() -> None:
    suspects = Suspects(order_keys)
    suspects.add([envelope(0, "a"), envelope(1, "a"), envelope(2, "b")])

    assert positions(suspects.probes()) == [0, 2]


def test_evidence_against_an_event_is_used_once() -> None:
    record = Record(3600)
    for position in (0, 1):
        record.failed([envelope(position)], FAILED, monotonic=0, now=0)
    record.successes += 1
    for position in (0, 1):
        record.failed([envelope(position)], FAILED, monotonic=0, now=0)

    assert record.is_the_events_fault(0, failures=2)
    record.conclude()
    assert not record.is_the_events_fault(1, failures=2)


# --- ledger ---------------------------------------------------------------------------------------------------


def test_outcomes_are_recorded_run_length() -> None:
    ledger = Ledger("crm", Cursor())
    ledger.delivered([envelope(4), envelope(5)], {})
    ledger.delivered([envelope(n) for n in range(4)], {2: 3})
    settlement = ledger.take(7)

    assert settlement.record is not None
    assert settlement.record.runs == (
        Run(0, 2, "delivered"),
        Run(2, 1, "delivered", "", 3),
        Run(3, 3, "delivered"),
    )
    assert settlement.cursor == Cursor(6)


def test_a_parked_event_is_passed_and_counted_once() -> None:
    ledger = Ledger("crm", Cursor())
    ledger.park(row(0, "ua"))
    first = ledger.take(0)
    ledger.delivered([envelope(0)], {0: 2})
    ledger.unpark(0)
    second = ledger.take(0)

    assert (first.counts, first.cursor, first.unpark) == ({("accepted", "crm"): 1}, Cursor(1), ())
    assert (second.counts, second.unpark) == ({("delivered", "crm"): 1}, (0,))


# --- concurrency ----------------------------------------------------------------------------------------------


def test_concurrency_grows_by_one_a_round_up_to_its_maximum() -> None:
    limit = ConcurrencyLimit(Concurrency(max=3))
    found = []
    for _ in range(12):
        limit.succeeded(0.01, limit.limit, now=0)
        found.append(limit.limit)

    assert (found[0], found[-1]) == (2, 3)


def test_concurrency_that_is_not_used_does_not_grow() -> None:
    limit = ConcurrencyLimit(Concurrency(initial=2, max=8))
    for _ in range(20):
        limit.succeeded(0.01, 1, now=0)

    assert limit.limit == 2


def test_a_failure_halves_concurrency() -> None:
    limit = ConcurrencyLimit(Concurrency(initial=8, max=8))
    limit.failed(started_at=0, now=1)

    assert limit.limit == 4


def test_failures_of_batches_that_left_together_halve_concurrency_once() -> None:
    limit = ConcurrencyLimit(Concurrency(initial=8, max=8))
    for second in range(1, 9):
        limit.failed(started_at=0.5, now=second)
    assert limit.limit == 4

    limit.failed(started_at=9, now=10)
    assert limit.limit == 2


def test_answers_much_slower_than_usual_shrink_concurrency() -> None:
    limit = ConcurrencyLimit(Concurrency(initial=8, max=8))
    for _ in range(50):
        limit.succeeded(0.01, 8, now=0)
    limit.succeeded(2.0, 8, now=5)

    assert limit.limit == 7


# --- secrecy --------------------------------------------------------------------------------------------------


class Keys(Settings, frozen=True):
    """Secrets in several places."""

    token: Secret
    spare: tuple[Secret, ...] = ()
    more: dict[str, Secret] = {}  # noqa: RUF012


def test_secrets_are_hidden_in_every_form_in_which_they_are_sent() -> None:
    secrecy = Secrecy(
        Keys(token=Secret('to"ken/1'), spare=(Secret("spare-key"),), more={"x": Secret("other-secret")})
    )
    request = Request.post(
        "https://example.com/?key=to%22ken%2F1",
        json={"api_key": 'to"ken/1'},
        headers={"X-Key": "other-secret", "X-Spare": "spare-key"},
    )

    text = secrecy.request(request)
    assert not [
        form for form in ('to"ken', 'to\\"ken', "to%22ken", "other-secret", "spare-key") if form in text
    ]


def test_headers_that_are_always_secret_are_hidden() -> None:
    text = Secrecy(Keys(token=Secret("longer"))).request(
        Request.get("https://e.com", headers={"Authorization": "Basic eA"})
    )

    assert "Basic" not in text


def test_texts_for_operators_are_cut_to_4_kib() -> None:
    assert len(Secrecy(Keys(token=Secret("longer"))).answer(Answer(500, {}, b"x" * 100_000))) == 4096
