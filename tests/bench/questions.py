"""What operators ask of a big store: `router where` and `router dead`, in milliseconds.

    python -m tests.bench.questions [events, in millions] [dead letters, in thousands]

The store is made in bulk: segments of 10,000 events that differ in their ids only, an outcome record for every 100
events of each of three destinations, letters with an event, a request and an answer of ordinary size.
"""

import asyncio
import os
import sqlite3
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from router.admin.dead import LIST, ListLetters, answer_dead
from router.admin.verbs import Desk
from router.admin.where import WHERE, AskWhere, answer_where
from router.events.calls import Track
from router.events.envelope import Envelope
from router.storage.cursor import Cursor
from router.storage.dead_letters import SLICE, LetterQuery
from router.storage.entry import Door, Entry
from router.storage.hashing import message_hash
from router.storage.letters import DeadLetter
from router.storage.outcome import OutcomeRecord, Run
from router.storage.segment import encode_segment
from router.storage.segment_layout import FACTS, HEAD, MAGIC, PLAIN_VERSION, ZSTD
from router.storage.sqlite import statements
from router.storage.sqlite.letter_rows import add_letters
from router.storage.sqlite.statements import State
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Commit, SegmentDraft

SEGMENT = 10_000
RECORD = 100
DESTINATIONS = ("crm", "mail", "files")
TURNS = 30


def event(number: int) -> Track:
    """An event of ordinary size."""
    return Track(
        event=f"Event {number % 50}",
        message_id=f"message-{number}",
        user_id=f"user-{number % 1000}",
        received_at="2030-03-17T17:46:40.000Z",
        timestamp="2030-03-17T17:46:40.000Z",
        properties_json=msgspec.Raw(b'{"text":"' + b"x" * 300 + b'"}'),
    )


def moved(segment: bytes, first: int) -> bytes:
    """The same segment at another place."""
    facts = FACTS.unpack_from(segment, HEAD.size)
    body = FACTS.pack(first, *facts[1:]) + segment[HEAD.size + FACTS.size :]
    return HEAD.pack(MAGIC, PLAIN_VERSION, ZSTD, 0, 0, xxh3_64_intdigest(body)) + body


def open_store(path: Path) -> SqliteStorage:
    """The store of this measurement."""
    return SqliteStorage(path=path, free_floor=0, ballast_bytes=0, stream_budget=1 << 40)


async def build(path: Path, events: int, letters: int) -> None:
    """Fill a store; event 7 of each segment has an id that is known."""
    store = open_store(path)
    await store.open()
    for name in DESTINATIONS:
        await store.born(name, "webhook", 0)
    plain = [Envelope(one, "website", event(one), 1_900_000_000_000) for one in range(SEGMENT)]
    segment = encode_segment(0, plain, store_id=store.store_id)
    for first in range(0, events, SEGMENT):
        hashes = bytearray(os.urandom(16 * SEGMENT))
        hashes[16 * 7 : 16 * 8] = message_hash(store.store_id, "default", f"known-{first}")
        await store.append([Entry("website", Door.BATCH, 1_900_000_000_000, SEGMENT, b"{}")], {})
        draft = SegmentDraft(first, SEGMENT, moved(segment, first), bytes(hashes), 1_900_000_000_000)
        assert await store.commit(Commit(first, first + SEGMENT, draft, {}))
        await store._writer.step(lambda database, _, first=first: add_records(database, first))
    for first in range(0, letters, 1000):
        await store._writer.step(lambda database, _, first=first: add_letters(database, dead(first)))
    await store.wait_for_index()
    await store.close()


def add_records(database: sqlite3.Connection, first: int) -> None:
    """The outcome records of one segment, and the cursors behind it."""
    for number in range(1, len(DESTINATIONS) + 1):
        for start in range(first, first + SEGMENT, RECORD):
            record = OutcomeRecord(1_900_000_000_000, (Run(start, RECORD, "delivered"),))
            statements.add_record(database, number, record)
        statements.save_cursor(database, number, Cursor(first + SEGMENT))


def dead(first: int) -> list[DeadLetter]:
    """A thousand letters."""
    at = 1_900_000_000_000
    return [
        DeadLetter(
            DESTINATIONS[one % 3],
            one,
            f"message-{one}",
            ("400", "404", "422")[one % 7 % 3],
            3,
            at,
            at + one,
            event(one).json,
            "POST /hook\n\n" + "x" * 600,
            "400\n\n" + "x" * 200,
            0,
            "website",
        )
        for one in range(first, first + 1000)
    ]


async def measure(name: str, ask: Callable[[int], Awaitable[Any]]) -> None:
    """Print how long the first question took, and the slowest and the median of the others."""
    took = []
    for turn in range(TURNS):
        begin = time.perf_counter()
        await ask(turn)
        took.append(1000 * (time.perf_counter() - begin))
    rest = sorted(took[1:])
    print(
        f"{name:<34} first {took[0]:7.1f} ms   median {rest[len(rest) // 2]:6.1f}   slowest {rest[-1]:6.1f}"
    )


async def ask_all(path: Path, events: int, letters: int) -> None:
    """Ask everything."""
    store = open_store(path)
    begin = time.perf_counter()
    await store.open()
    await store.find_message(bytes(16))
    print(f"{'opening, with the index of ids':<34} {1000 * (time.perf_counter() - begin):7.1f} ms")
    desk = Desk()
    answer_where(desk, store)
    answer_dead(desk, store, now=lambda: 1, destinations=lambda: {})
    segments = events // SEGMENT

    def where(turn: int) -> Awaitable[Any]:
        first = SEGMENT * (turn * (segments - 1) // (TURNS - 1))
        return desk.ask(WHERE, AskWhere(f"known-{first}", ("default", "other")))

    found = await where(TURNS - 1)
    assert [one.destinations[0].state for one in found.found] == ["delivered"]
    await measure("where, from the first to the last", where)
    await measure(
        "where, an id that nobody sent", lambda turn: desk.ask(WHERE, AskWhere(f"no-{turn}", ("default",)))
    )
    for name, query in (
        ("dead list", LetterQuery()),
        ("dead list --destination", LetterQuery(destination="crm")),
        ("dead list --user", LetterQuery(user="user-77")),
        ("dead list --user, who has none", LetterQuery(user="nobody")),
    ):
        await measure(name, lambda _, query=query: desk.ask(LIST, ListLetters(query)))
    await measure_revive(store, letters)
    await store.close()


async def measure_revive(store: SqliteStorage, letters: int) -> None:
    """How long the writer is held by one slice."""
    held: list[float] = []
    plain = store._writer.step

    def timed(step: Callable[[sqlite3.Connection, State], Any], then: Any = None) -> Any:
        def run(database: sqlite3.Connection, state: State) -> Any:
            begin = time.perf_counter()
            try:
                return step(database, state)
            finally:
                held.append(1000 * (time.perf_counter() - begin))

        return plain(run, then)

    store._writer.step = timed  # type: ignore[method-assign]
    begin = time.perf_counter()
    for turn in range(TURNS):
        first = turn * SLICE
        await store.letters.revive([letters - first - one for one in range(SLICE)], now=1)
    seconds = time.perf_counter() - begin
    held.sort()
    print(f"revive {SLICE}: the writer is held for {held[len(held) // 2]:.1f} ms, at most {held[-1]:.1f}; "
          f"{TURNS * SLICE / seconds:.0f} letters a second")  # fmt: skip


def main() -> None:
    """Build, ask, print."""
    events = int(float(sys.argv[1] if len(sys.argv) > 1 else 1) * 1_000_000)
    letters = int(sys.argv[2] if len(sys.argv) > 2 else 100) * 1000
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "router.db"
        begin = time.perf_counter()
        asyncio.run(build(path, events, letters))
        size = path.stat().st_size / (1 << 20)
        print(f"{events} events and {letters} letters: {size:.0f} MiB in {time.perf_counter() - begin:.0f} s")
        asyncio.run(ask_all(path, events, letters))


if __name__ == "__main__":
    main()
