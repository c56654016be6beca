"""How a dead letter lies in its table: the letter itself, and beside it the line that a list shows of it."""

import sqlite3
from collections.abc import Sequence

import msgspec
from msgspec.structs import astuple, replace

from router.storage.dead_letters import line_of
from router.storage.letters import DeadLetter

LINE = "id, died_at, destination, reason, attempts, event, user, message_id, position"
"""The columns of a line; the index `dead_letters_lines` holds all of them."""
_COLUMNS = LINE.split(", ")
_decode = msgspec.msgpack.Decoder(DeadLetter).decode


def add_letters(database: sqlite3.Connection, letters: Sequence[DeadLetter]) -> None:
    """Write letters; each gets an id."""
    if letters:
        marks = ",".join("?" * len(_COLUMNS))
        database.executemany(
            f"INSERT INTO dead_letters ({LINE}, row) VALUES ({marks},?)",
            [(None, *astuple(line_of(one))[1:], msgspec.msgpack.encode(one)) for one in letters],
        )


def fill_lines(database: sqlite3.Connection) -> None:
    """Give the letters of an older file their lines."""
    columns = ", ".join(f"{name} = ?" for name in _COLUMNS[1:])
    for number, destination, row in database.execute(
        "SELECT id, destination, row FROM dead_letters"
    ).fetchall():
        values = astuple(line_of(replace(_decode(row), destination=destination)))[1:]
        database.execute(f"UPDATE dead_letters SET {columns} WHERE id = ?", (*values, number))
