"""Ways to hurt a SQLite store on purpose."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

Opened = Callable[..., Any]
"""The fixture that opens a store in a temporary folder, with options."""


def change(path: Path, statement: str, *values: Any) -> None:
    with sqlite3.connect(path) as database:
        database.execute(statement, values)
    database.close()


class Fault:
    """Fails a turn at a point, as often as told."""

    def __init__(self) -> None:
        self.at: dict[str, sqlite3.Error | OSError] = {}
        self.points: list[str] = []

    def __call__(self, point: str) -> None:
        self.points.append(point)
        if point in self.at:
            raise self.at.pop(point)


def full() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("database or disk is full")
    error.sqlite_errorcode = sqlite3.SQLITE_FULL
    return error


def broken() -> sqlite3.OperationalError:
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorcode = sqlite3.SQLITE_IOERR
    return error
