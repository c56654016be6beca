"""One turn of the writer: one transaction, one function on the connection's thread, nothing awaited inside.

In this order: all waiting inbox appends; then, each in a savepoint of its own, at most one processing commit, the
waiting settlements, some small steps, one bounded step of upkeep. When the append part fails, everything fails. When
a later part fails, its savepoint rolls back and the rest still commits.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import astuple

from router.errors import StorageError
from router.storage.entry import Entry
from router.storage.side_log import SideEntry
from router.storage.sqlite import statements
from router.storage.sqlite.expired import Ranges
from router.storage.sqlite.graph import tables
from router.storage.sqlite.graph.tables import Packed as Graph
from router.storage.sqlite.schema import PAGE_SIZE
from router.storage.sqlite.side_rows import Packed, packed, take
from router.storage.sqlite.statements import State
from router.storage.store import Commit, Settlement

T = TypeVar("T")
Step = Callable[[sqlite3.Connection, State], Any]
"""A bounded piece of upkeep: it may change rows and the state."""


class Work(Struct):
    """What one turn commits."""

    entries: Sequence[Entry]
    counts: Counter[tuple[str, ...]]
    commit: Commit | None
    settlements: Sequence[Settlement]
    step: Step | None
    small: Sequence[Step] = ()
    """Steps of a few rows each; every one has a savepoint of its own."""
    small_size: int = 0
    """What they write, in bytes."""


class Failed(Struct, frozen=True):
    """A part that was rolled back."""

    error: Exception


class Done(Struct):
    """What became of a turn's parts."""

    state: State
    first: int
    refusal: StorageError | None = None
    """Why the entries were not taken; the other parts are committed all the same."""
    is_committed: bool | Failed = False
    settled: Failed | None = None
    step: Any = None
    small: Sequence[Any] = ()
    """What each small step came to."""
    written: int = 0
    """About how many bytes went into the WAL."""


class Desk(Struct):
    """What turns need beside their work."""

    admit: Callable[[State], StorageError | None]
    """Says why entries cannot be taken now, or None."""
    expired: Mapping[str, Ranges]
    fault: Callable[[str], None]
    """Called at the named points of a turn, so that tests can make the disk fail there."""


def run_turn(database: sqlite3.Connection, work: Work, desk: Desk) -> Done:
    """Commit `work`; raises what made the whole transaction fail, and then nothing of it is written."""
    rows = statements.pack_entries(work.entries)
    changes = work.commit.profiles if work.commit is not None else None
    graph = tables.pack(changes) if changes is not None else None
    diverted = [(one, packed(one)) for one in work.commit.diverted] if work.commit is not None else []
    desk.fault("begin")
    database.execute("BEGIN IMMEDIATE")
    try:
        state = statements.read_state(database)
        refusal = desk.admit(state) if rows else None
        done = Done(state, state.inbox_next, refusal)
        if refusal is None:
            desk.fault("append")
            statements.append(database, state, rows)
            if work.entries:
                state.latest = max(state.latest, work.entries[-1].received_at)
            statements.count(database, work.counts)
        if work.commit is not None:
            desk_commit = work.commit
            done.is_committed = _part(
                database,
                state,
                "commit",
                desk,
                lambda: _commit(database, state, desk_commit, graph, diverted),
            )
        if work.settlements:
            done.settled = _part(
                database, state, "settle", desk,
                lambda: statements.settle(database, work.settlements, desk.expired),
            )  # fmt: skip
        done.small = [
            _part(database, state, "small", desk, partial(one, database, state)) for one in work.small
        ]
        if work.step is not None:
            step = work.step
            done.step = _part(database, state, "step", desk, lambda: step(database, state))
        statements.write_state(database, state)
        desk.fault("end")
        database.execute("COMMIT")
        desk.fault("committed")
    finally:
        if database.in_transaction:
            database.execute("ROLLBACK")
    done.written = _written(work, [row.size for row in rows]) + (graph.size + 2 * PAGE_SIZE if graph else 0)
    return done


def _commit(
    database: sqlite3.Connection,
    state: State,
    commit: Commit,
    graph: Graph | None,
    diverted: Sequence[tuple[SideEntry, Packed]],
) -> bool:
    if not statements.commit(database, state, commit, graph):
        return False
    for entry, row in diverted:
        take(database, state, entry, row)
    return True


def _part(
    database: sqlite3.Connection, state: State, name: str, desk: Desk, write: Callable[[], T]
) -> T | Failed:
    before = astuple(state)
    database.execute("SAVEPOINT part")
    try:
        desk.fault(name)
        value = write()
    except (sqlite3.Error, StorageError, OSError) as error:
        if not database.in_transaction:  # SQLite rolled everything back itself: a full or failing disk
            raise
        database.execute("ROLLBACK TO part")
        database.execute("RELEASE part")
        for field, old in zip(state.__struct_fields__, before, strict=True):
            setattr(state, field, old)
        return Failed(error)
    database.execute("RELEASE part")
    return value


def _written(work: Work, sizes: Sequence[int]) -> int:
    size = sum(sizes) + 4 * PAGE_SIZE
    if work.commit is not None:
        segment = work.commit.segment
        size += 6 * PAGE_SIZE
        if segment is not None:
            size += statements.weight(len(segment.data)) * 2 + len(segment.message_hashes)
        size += sum([len(one.data) for one in work.commit.diverted])
    if work.settlements:
        size += (3 + len(work.settlements)) * PAGE_SIZE
    if work.step is not None:
        size += 32 * PAGE_SIZE
    return size + len(work.small) * 3 * PAGE_SIZE + work.small_size
