"""The side log in SQLite: a row for each entry, written by small steps of the writer that share one transaction.

Entries that were never put off have the due time 0. They are looked up apart from the others, so that neither kind
has to be walked over to find the other.
"""

import sqlite3
from collections.abc import Sequence
from functools import partial
from typing import Any

import zstandard

from router.errors import StoreFull
from router.storage.letters import DeadLetter
from router.storage.segment_layout import decompressor
from router.storage.side_log import DAMAGED, DEAD, DONE, REVIVED, Lane, SideEntry, SideLog
from router.storage.sqlite import statements
from router.storage.sqlite.budgets import Budget
from router.storage.sqlite.health import Health
from router.storage.sqlite.letter_rows import add_letters
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.side_rows import insert, packed, take
from router.storage.sqlite.statements import ZSTD, State
from router.storage.sqlite.writer import Writer
from router.telemetry.side_happenings import SideEntrySetAside
from router.telemetry.signals import Signals

_COLUMNS = "id, received_at, attempts, first_tried_at, due_at, reason, codec, checksum, data"


class SqliteSideLog(SideLog):
    """The side log of one file."""

    def __init__(
        self, readers: Readers, writer: Writer, health: Health, budget: Budget, signals: Signals
    ) -> None:
        self._readers = readers
        self._writer = writer
        self._health = health
        self._budget = budget
        self._signals = signals

    @property
    def refusal(self) -> StoreFull | None:
        """Whether the budget was spent when the last turn ended."""
        return _refusal(self._budget, self._writer.state)

    async def put(self, entry: SideEntry) -> int:
        """Add an entry durably; it shares its transaction with whatever else waits."""
        row = packed(entry)
        step = partial(_put, entry, row, self._health, self._budget)
        number = await self._writer.small(step, size=len(row[0]))
        self._budget.note(self._writer.state.side_bytes)
        return number

    async def due(self, lane: str, *, now: int, horizon: int, limit: int) -> list[SideEntry]:
        """What is due; a damaged entry is set aside."""
        found, damaged = await self._readers.read(partial(_due, lane, now, horizon, limit))
        await self._set_aside(lane, damaged)
        return found

    async def read(self, lane: str, *, beyond: int, limit: int) -> list[SideEntry]:
        """Entries behind an id."""
        found, damaged = await self._readers.read(partial(_behind, lane, beyond, limit))
        await self._set_aside(lane, damaged)
        return found

    async def next_due(self, lane: str, *, now: int) -> int | None:
        """When the next entry becomes due."""
        query = "SELECT min(due_at) FROM side_log WHERE lane = ? AND due_at > ?"
        row = await self._readers.read(lambda database: database.execute(query, (lane, now)).fetchone())
        return None if row[0] is None else int(row[0])

    async def put_off(self, entry: SideEntry) -> None:
        """Write down what an attempt came to."""
        await self._writer.small(partial(_put_off, entry))

    async def finish(self, entry: SideEntry, letter: DeadLetter | None = None) -> None:
        """Take an entry out."""
        await self._writer.small(partial(_finish, entry, letter))

    async def revive(self, letter: DeadLetter, entry: SideEntry) -> bool:
        """Put a given-up entry in again."""
        return await self._writer.small(partial(_revive, letter, entry, packed(entry)))

    async def _set_aside(self, lane: str, damaged: Sequence[tuple[int, str]]) -> None:
        for number, reason in damaged:
            if await self._writer.small(partial(_set_aside, lane, number, reason)):
                self._signals.emit(SideEntrySetAside(lane, number, reason))

    async def lanes(self) -> Sequence[Lane]:
        """Every lane in which something waits."""
        return await self._readers.read(read_lanes)


def read_lanes(database: sqlite3.Connection) -> tuple[Lane, ...]:
    """Every lane in which something waits, from its index alone."""
    query = "SELECT lane, count(*), sum(due_at > 0) FROM side_log GROUP BY lane ORDER BY lane"
    return tuple(Lane(*row) for row in database.execute(query))


def _refusal(budget: Budget, state: State) -> StoreFull | None:
    if not budget.is_spent(state.side_bytes):
        return None
    return StoreFull(
        f"the side budget of {budget.limit} bytes is spent ({state.side_bytes} in use): more comes in than functions "
        "work off; raise [storage] side_budget, or see why they fail"
    )


def _put(
    entry: SideEntry,
    row: tuple[bytes, int],
    health: Health,
    budget: Budget,
    database: sqlite3.Connection,
    state: State,
) -> int:
    if (refusal := health.room()) is not None:
        raise refusal
    if (refusal := _refusal(budget, state)) is not None:
        raise refusal
    return take(database, state, entry, row)


def _due(
    lane: str, now: int, horizon: int, limit: int, database: sqlite3.Connection
) -> tuple[list[SideEntry], list[tuple[int, str]]]:
    rows = []
    for condition, values in (
        ("due_at = 0 ORDER BY id", ()),
        ("due_at BETWEEN 1 AND ? ORDER BY due_at", (now,)),
        ("due_at > ? ORDER BY due_at", (now + horizon,)),
    ):
        query = f"SELECT {_COLUMNS} FROM side_log WHERE lane = ? AND {condition} LIMIT ?"
        rows += database.execute(query, (lane, *values, limit)).fetchall()
    return _unpacked(lane, sorted(rows)[:limit])


def _behind(
    lane: str, beyond: int, limit: int, database: sqlite3.Connection
) -> tuple[list[SideEntry], list[tuple[int, str]]]:
    query = f"SELECT {_COLUMNS} FROM side_log WHERE id > ? AND lane = ? ORDER BY id LIMIT ?"
    return _unpacked(lane, database.execute(query, (beyond, lane, limit)).fetchall())


def _unpacked(lane: str, rows: Sequence[tuple[Any, ...]]) -> tuple[list[SideEntry], list[tuple[int, str]]]:
    found, damaged = [], []
    for row in rows:
        *facts, codec, checksum, data = row
        number, received_at, attempts, first_tried_at, due_at, reason = facts
        try:
            if statements.checksum(data) != checksum:
                raise ValueError("its checksum does not match")
            plain = decompressor()(data) if codec == ZSTD else data
        except (ValueError, zstandard.ZstdError) as error:
            damaged.append((number, f"side log: {error}"))
            continue
        found.append(
            SideEntry(
                lane=lane, received_at=received_at, data=plain, attempts=attempts, first_tried_at=first_tried_at,
                due_at=due_at, reason=reason, id=number,
            )
        )  # fmt: skip
    return found, damaged


def _put_off(entry: SideEntry, database: sqlite3.Connection, state: State) -> None:
    database.execute(
        "UPDATE side_log SET attempts = ?, first_tried_at = ?, due_at = ?, reason = ? WHERE id = ?",
        (entry.attempts, entry.first_tried_at, entry.due_at, entry.reason, entry.id),
    )


def _finish(entry: SideEntry, letter: DeadLetter | None, database: sqlite3.Connection, state: State) -> None:
    if not _delete(database, state, entry.id):
        return
    if letter is None:
        statements.count(database, {(DONE, entry.lane): 1})
    else:
        add_letters(database, [letter])
        statements.count(database, {(DEAD, entry.lane, letter.reason): 1})


def _revive(
    letter: DeadLetter,
    entry: SideEntry,
    row: tuple[bytes, int],
    database: sqlite3.Connection,
    state: State,
) -> bool:
    if not database.execute("DELETE FROM dead_letters WHERE id = ?", (letter.id,)).rowcount:
        return False  # somebody else was quicker
    insert(database, state, entry, row)
    statements.count(
        database, {(DEAD, entry.lane, letter.reason): -1, (REVIVED, entry.lane, letter.reason): 1}
    )
    return True


def _delete(database: sqlite3.Connection, state: State, number: int) -> bool:
    gone = database.execute("DELETE FROM side_log WHERE id = ? RETURNING size", (number,)).fetchall()
    state.side_bytes -= sum(size for (size,) in gone)
    return bool(gone)


def _set_aside(lane: str, number: int, reason: str, database: sqlite3.Connection, state: State) -> bool:
    database.execute(
        "INSERT INTO set_aside (log, first, after, reason, data) SELECT 'side', id, id + 1, ?, data FROM side_log "
        "WHERE id = ?",
        (reason, number),
    )
    is_gone = _delete(database, state, number)
    if is_gone:
        statements.count(database, {(DAMAGED, lane): 1})
    return is_gone
