"""What the store expired meanwhile is taken out of a settlement, exactly."""

from msgspec.structs import replace

from router.storage.cursor import Cursor
from router.storage.letters import DeadLetter, Parked
from router.storage.outcome import OutcomeRecord, Run
from router.storage.sqlite.expired import without_expired
from router.storage.store import Settlement

GONE = [(10, 20), (30, 40)]


def settlement(*runs: Run, counts: dict[tuple[str, ...], int], park: tuple[Parked, ...] = ()) -> Settlement:
    return Settlement("crm", Cursor(5), OutcomeRecord(1, runs), counts, park=park)


def parked(position: int) -> Parked:
    return Parked(position, 1, 1, 1, "timeout", ())


def test_runs_and_counts_lose_what_expired_between_them() -> None:
    given = settlement(
        Run(5, 30, "delivered"),
        Run(35, 10, "filtered", "consent"),
        counts={("accepted", "crm"): 40, ("delivered", "crm"): 30, ("filtered", "crm", "consent"): 10},
    )

    left = without_expired(given, GONE)

    assert left.record is not None
    assert [(run.first, run.count) for run in left.record.runs] == [(5, 5), (20, 10), (40, 5)]
    assert left.counts == {
        ("accepted", "crm"): 20,
        ("delivered", "crm"): 15,
        ("filtered", "crm", "consent"): 5,
    }
    assert left.cursor == Cursor(5, ((10, 20), (30, 40)))


def test_an_event_that_expired_is_not_parked() -> None:
    given = settlement(counts={("accepted", "crm"): 2}, park=(parked(12), parked(22)))

    left = without_expired(given, GONE)

    assert [one.position for one in left.park] == [22]
    assert left.counts == {("accepted", "crm"): 1}


def test_the_end_of_an_event_whose_parking_was_dropped_changes_nothing() -> None:
    given = replace(
        settlement(
            Run(12, 1, "dead", "refused"), counts={("dead", "crm", "refused"): 1, ("accepted", "crm"): 3}
        ),
        unpark=[12],
        dead_letters=[DeadLetter("crm", 12, "m", "refused", 1, 1, 1, b"{}")],
    )

    left = without_expired(given, GONE)

    assert left.counts == {("accepted", "crm"): 3}
    assert left.dead_letters == []
    assert left.record == OutcomeRecord(1, ())


def test_a_settlement_without_a_record_keeps_its_counts() -> None:
    given = Settlement("crm", Cursor(5), None, {("accepted", "crm"): 4})

    assert without_expired(given, GONE).counts == {("accepted", "crm"): 4}
