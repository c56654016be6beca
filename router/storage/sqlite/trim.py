"""What leaves the stream, by whole segments, oldest first.

A segment goes when every live destination is done with it and it is older than retention or the stream's budget is
spent. When the budget is spent and the oldest segment is needed by destinations that are behind, it expires for
them: their cursors pass it, with an outcome record and counters, reason `disk_budget`. Hashes of message ids have a
row of their own and stay for the window whatever happens to their segment. Before a segment with parked events goes,
they are copied into their rows.

A step decides and writes in one go, on at most a few segments: a plan made before it could be undone by a settlement
in between, and then an event would be both delivered and expired.
"""

import sqlite3
from collections.abc import Callable

from msgspec import Struct, field

from router.storage.cursor import Cursor
from router.storage.outcome import OutcomeRecord, Run
from router.storage.segment import Segment, SegmentDamaged, encode_segment
from router.storage.sqlite import statements
from router.storage.sqlite.statements import State

SEGMENTS = 4
BYTES = 1 << 20
PARKED = 64
HASH_ROWS = 16
OUTCOME_ROWS = 128
LETTERS = 64
CHANGES = 64
REASON = "disk_budget"


class Trimmed(Struct):
    """What a step did."""

    has_more: bool = False
    expired: list[tuple[str, int, int]] = field(default_factory=list)
    """Destination and half-open range of positions that expired."""


class Trim:
    """Makes steps for the writer."""

    def __init__(
        self,
        *,
        retention: float,
        letters: float,
        window: float,
        budget: int,
        store_id: bytes,
        now: Callable[[], float],
        wal_bytes: Callable[[], int],
    ) -> None:
        self._retention = int(retention * 1000)
        self._letters = int(letters * 1000)
        self._window = int(window * 1000)
        self._budget = budget
        self._store_id = store_id
        self._now = now
        self._wal_bytes = wal_bytes

    def step(self, database: sqlite3.Connection, state: State) -> Trimmed:
        """Let go of what may go, a few segments at most."""
        done = Trimmed()
        self._forget_hashes(database, state, done)
        self._forget_outcomes(database, state, done)
        self._forget_letters(database, state, done)
        self._forget_changes(database, state, done)
        self._forget_keys(database)
        rows = database.execute(
            "SELECT first, first + count, received_at, size FROM stream ORDER BY first LIMIT ?",
            (SEGMENTS + 1,),
        ).fetchall()
        cursors = [
            (number, name, statements.decode_cursor(cursor), until)
            for number, name, cursor, until in database.execute(
                "SELECT id, name, cursor, until FROM destinations WHERE NOT is_retired"
            )
        ]
        size = 0
        for first, after, received_at, weight in rows[:SEGMENTS]:
            is_over = state.stream_bytes + self._wal_bytes() >= self._budget
            if not is_over and received_at > state.latest - self._retention:
                return done
            behind = [one for one in cursors if one[2].missing(first, _needed(after, one[3]))]
            if behind and not is_over:
                return done
            if self._keep_parked(database, first, after):
                done.has_more = True
                return done
            for number, name, cursor, until in behind:
                self._expire(database, (number, name), cursor, first, _needed(after, until), done)
            cursors = [
                (number, name, cursor.complete([(first, _needed(after, until))]), until)
                for number, name, cursor, until in cursors
            ]
            database.execute("DELETE FROM stream WHERE first = ?", (first,))
            state.stream_bytes -= weight
            size += weight
            if size > BYTES:
                break
        done.has_more = done.has_more or len(rows) > SEGMENTS or size > BYTES
        return done

    def _forget_hashes(self, database: sqlite3.Connection, state: State, done: Trimmed) -> None:
        oldest = state.latest_committed - self._window
        rows = database.execute(
            "SELECT first, received_at FROM message_hashes ORDER BY first LIMIT ?", (HASH_ROWS,)
        ).fetchall()
        gone = [first for first, received_at in rows if received_at < oldest]
        if gone:
            database.execute("DELETE FROM message_hashes WHERE first <= ?", (gone[-1],))
        done.has_more = len(gone) == HASH_ROWS

    def _forget_outcomes(self, database: sqlite3.Connection, state: State, done: Trimmed) -> None:
        """Records go with their segments, but not before retention: what expired must be seen by somebody."""
        gone = database.execute(
            "DELETE FROM outcomes WHERE id IN (SELECT id FROM outcomes ORDER BY id LIMIT ?) AND at < ? "
            "AND after <= (SELECT coalesce(min(first), ?) FROM stream)",
            (OUTCOME_ROWS, state.latest - self._retention, state.stream_next),
        ).rowcount
        done.has_more = done.has_more or gone == OUTCOME_ROWS

    def _forget_letters(self, database: sqlite3.Connection, state: State, done: Trimmed) -> None:
        """Dead letters go when they are old; their events stay counted as dead."""
        gone = database.execute(
            "DELETE FROM dead_letters WHERE id IN (SELECT id FROM dead_letters ORDER BY id LIMIT ?) AND died_at < ?",
            (LETTERS, state.latest - self._letters),
        ).rowcount
        done.has_more = done.has_more or gone == LETTERS

    def _forget_changes(self, database: sqlite3.Connection, state: State, done: Trimmed) -> None:
        """What followers of the identity graph were told goes with the events of that time."""
        gone = database.execute(
            "DELETE FROM profile_changes WHERE first IN (SELECT first FROM profile_changes ORDER BY first LIMIT ?) "
            "AND received_at < ?",
            (CHANGES, state.latest - self._retention),
        ).rowcount
        done.has_more = done.has_more or gone == CHANGES

    def _forget_keys(self, database: sqlite3.Connection) -> None:
        """A directory goes with the last of its segments; a few at a time, as more segments than those never go."""
        database.execute(
            "DELETE FROM stream_keys WHERE first IN (SELECT first FROM stream_keys ORDER BY first LIMIT ?) "
            "AND after <= (SELECT min(first) FROM stream)",
            (SEGMENTS,),
        )

    def _keep_parked(self, database: sqlite3.Connection, first: int, after: int) -> bool:
        """Copy parked events into their rows; whether some are left for the next step."""
        rows = database.execute(
            "SELECT destination, position FROM parked WHERE position >= ? AND position < ? AND kept = x'' LIMIT ?",
            (first, after, PARKED + 1),
        ).fetchall()
        if not rows:
            return False
        data = database.execute("SELECT data FROM stream WHERE first = ?", (first,)).fetchone()[0]
        try:
            segment = Segment.parse(data)
            found = segment.envelopes({position - first for _, position in rows[:PARKED]})
        except SegmentDamaged:  # nothing can be kept of it; who reads the row learns that the event is gone
            return False
        for envelope in found:
            kept = encode_segment(envelope.position, [envelope], store_id=self._store_id)
            database.execute("UPDATE parked SET kept = ? WHERE position = ?", (kept, envelope.position))
        return len(rows) > PARKED and bool(found)

    def _expire(
        self,
        database: sqlite3.Connection,
        destination: tuple[int, str],
        cursor: Cursor,
        first: int,
        after: int,
        done: Trimmed,
    ) -> None:
        number, name = destination
        missing = cursor.missing(first, after)
        count = sum(end - start for start, end in missing)
        runs = tuple(Run(start, end - start, "expired", REASON, 0) for start, end in missing)
        statements.save_cursor(database, number, cursor.complete([(first, after)]))
        statements.add_record(database, number, OutcomeRecord(int(self._now() * 1000), runs))
        statements.count(database, {("accepted", name): count, ("expired", name, REASON): count})
        done.expired += [(name, start, end) for start, end in missing]


def _needed(after: int, until: int | None) -> int:
    """How far a reader needs the segment that ends before `after`: a replay, or a drain, stops at its end."""
    return after if until is None else min(after, until)
