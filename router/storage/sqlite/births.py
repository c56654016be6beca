"""A destination's row: born once, renamed with everything it counted, and retired when it is no longer configured."""

import sqlite3

from router.errors import StorageError
from router.storage.cursor import Cursor
from router.storage.retirement import DESTINATION_COUNTERS, last_settlement
from router.storage.sqlite import reading, statements
from router.storage.sqlite.statements import State
from router.storage.store import DestinationState


def bear(
    name: str,
    kind: str,
    birth: int | None,
    renamed_from: str | None,
    database: sqlite3.Connection,
    state: State,
) -> DestinationState:
    """Return a destination's state; make its row when it has none, born at `birth` or at the stream's end."""
    known = reading.read_destination(database, name)
    if known is None and renamed_from is not None:
        _rename(database, renamed_from, name)
        known = reading.read_destination(database, name)
    place = state.stream_next if birth is None else birth
    if known is None:
        database.execute(
            "INSERT INTO destinations (name, kind, birth, cursor, floor) VALUES (?,?,?,?,?)",
            (name, kind, place, statements.encode(Cursor(place)), place),
        )
    elif known.is_retired:
        _bear_anew(database, name, kind, place)
    elif known.kind != kind:
        check_idle(known, kind)
        _bear_anew(database, name, kind, known.cursor.floor)
    else:
        database.execute("UPDATE destinations SET until = NULL WHERE name = ?", (name,))
    return _read(database, name)


def conclude(name: str, database: sqlite3.Connection, state: State) -> DestinationState:
    """Fix where the stream ends for a destination."""
    database.execute(
        "UPDATE destinations SET until = coalesce(until, ?) WHERE name = ?", (state.stream_next, name)
    )
    return _read(database, name)


def retire(name: str, at: int, database: sqlite3.Connection, state: State) -> int:
    """Let what waits for a destination expire, and its cursor pin nothing any more."""
    known = reading.read_destination(database, name)
    if known is None or known.is_retired:
        return 0
    end = state.stream_next if known.until is None else known.until
    settlement = last_settlement(known, end, at=at)
    statements.settle(database, [settlement], {})
    database.execute("UPDATE destinations SET is_retired = 1, until = ? WHERE name = ?", (end, name))
    return sum(run.count for run in settlement.record.runs) if settlement.record else 0


def check_idle(known: DestinationState, kind: str) -> None:
    """Raise StorageError where another kind would inherit events that the old one had begun with."""
    if known.parked or known.cursor.ranges:
        raise StorageError(
            f"destination {known.name!r} cannot change from {known.kind!r} to {kind!r}: events wait for it"
        )


def _bear_anew(database: sqlite3.Connection, name: str, kind: str, place: int) -> None:
    database.execute(
        "UPDATE destinations SET kind = ?, birth = ?, cursor = ?, floor = ?, is_retired = 0, until = NULL "
        "WHERE name = ?",
        (kind, place, statements.encode(Cursor(place)), place, name),
    )


def _rename(database: sqlite3.Connection, old: str, new: str) -> None:
    """Give a row, its counters and its dead letters another name."""
    if not database.execute("UPDATE destinations SET name = ? WHERE name = ?", (new, old)).rowcount:
        return
    database.execute(
        "UPDATE dead_letters SET destination = ? WHERE id IN "
        "(SELECT id FROM dead_letters INDEXED BY dead_letters_lines WHERE destination = ?)",
        (new, old),
    )
    moved = {
        name: amount
        for name, amount in reading.read_counters(database).items()
        if name[0] in DESTINATION_COUNTERS and name[1:2] == (old,)
    }
    statements.count(database, {(name[0], new, *name[2:]): amount for name, amount in moved.items()})
    database.executemany(
        "DELETE FROM counters WHERE name = ?", [(statements.encode(name),) for name in moved]
    )


def _read(database: sqlite3.Connection, name: str) -> DestinationState:
    found = reading.read_destination(database, name)
    if found is None:
        raise StorageError(f"destination {name!r} is not known to the store; call born first")
    return found
