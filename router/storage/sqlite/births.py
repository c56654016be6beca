"""A destination's row: born once, retired when it is no longer configured."""

import sqlite3

from router.storage.cursor import Cursor
from router.storage.sqlite import reading, statements
from router.storage.sqlite.statements import State
from router.storage.store import DestinationState


def bear(
    name: str, kind: str, birth: int | None, database: sqlite3.Connection, state: State
) -> DestinationState:
    """Return a destination's state; make its row when it has none, born at `birth` or at the stream's end."""
    known = reading.read_destination(database, name)
    if known is not None:
        database.execute("UPDATE destinations SET is_retired = 0 WHERE name = ?", (name,))
        return known
    position = state.stream_next if birth is None else birth
    cursor = Cursor(position)
    database.execute(
        "INSERT INTO destinations (name, kind, birth, cursor, floor) VALUES (?,?,?,?,?)",
        (name, kind, position, statements.encode(cursor), position),
    )
    return DestinationState(name, kind, position, cursor)


def retire(name: str, database: sqlite3.Connection, state: State) -> None:
    """Let a destination's cursor pin nothing any more."""
    database.execute("UPDATE destinations SET is_retired = 1 WHERE name = ?", (name,))
