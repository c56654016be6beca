"""A graph of millions of profiles: what it weighs, and how long a batch takes that nothing in memory helps.

The profiles are packed and hashed by the store's own code and written in the order in which they lie on disk; by and
by, as events bring them, that many would take hours of writing.

"Nothing cached" means that the system has forgotten the whole file before each batch, and the resolver knows nobody.
What stays is what the two readers of a router that runs keep of the upper pages; the first batch has those to read as
well, and is the slowest. What the disk gives at that time is said beside it.
"""

import asyncio
import gc
import os
import random
import sqlite3
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import numpy

from router.events.calls import Identify
from router.events.step import Prepared
from router.events.wire import ABSENT
from router.identity.resolver import Resolver
from router.rules.identity.space_rules import SpaceRules
from router.storage.profile import Identifier, Key, Profile
from router.storage.profile_ids import numbered, profile_id
from router.storage.sqlite.graph.rows import identifier_hash, pack_profile
from router.storage.sqlite.schema import PAGE_SIZE
from router.storage.sqlite.statements import State
from router.storage.sqlite.store import SqliteStorage
from router.telemetry.signals import Signals
from tests.bench.load import percentile

AT = 1_900_000_000_000
STAMP = "2030-03-17T17:46:40.000Z"
CHUNK = 20_000
BATCH = 100
BATCHES = 300
Row = tuple[str, float, float, str, str, str]


def storage(folder: Path) -> SqliteStorage:
    """The store that the figures are taken from."""
    return SqliteStorage(
        path=folder / "router.db", free_floor=0, ballast_bytes=0, signals=Signals(), clock=time.time
    )


def identifiers(number: int) -> list[tuple[str, str]]:
    """The three identifiers of a profile."""
    return [
        ("user_id", f"user-{number:09}"),
        ("anonymous_id", f"{number * 2654435761 % (1 << 64):016x}-8d5f-4b7a-9c1e-2f6d"),
        ("email", f"somebody.{number:09}@example.com"),
    ]


async def fill(folder: Path, count: int) -> None:
    """Write `count` profiles with three identifiers each, of two events."""
    store = storage(folder)
    await store.open()
    try:
        hashes = numpy.empty(3 * count, numpy.int64)
        for first in range(0, count, CHUNK):
            numbers = range(first, min(first + CHUNK, count))
            rows = list(_rows(store.store_id, numbers, hashes))

            def write(database: sqlite3.Connection, state: State, rows: object = rows) -> None:
                database.executemany("INSERT INTO profiles VALUES (?,NULL,?)", rows)  # type: ignore[arg-type]

            await store._writer.step(write)
        order = numpy.argsort(hashes)
        for first in range(0, len(order), 3 * CHUNK):
            part = order[first : first + 3 * CHUNK]
            pairs = list(zip(hashes[part].tolist(), (2 * (part // 3)).tolist(), strict=True))

            def index(database: sqlite3.Connection, state: State, pairs: object = pairs) -> None:
                database.executemany("INSERT INTO profile_identifiers VALUES (?,?)", pairs)  # type: ignore[arg-type]

            await store._writer.step(index)
    finally:
        await store.close()


def _rows(store_id: bytes, numbers: range, hashes: numpy.ndarray) -> Iterator[tuple[int, bytes]]:  # type: ignore[type-arg]
    for number in numbers:
        named = identifiers(number)
        place = numbered(number, "users")
        messages = [f"ajs-next-{AT + number}-{number:032x}", f"ajs-next-{AT + number + 9}-{number:032x}"]
        profile = Profile(
            id=profile_id(store_id, place),
            space="default",
            collection="users",
            created_at=AT + number,
            updated_at=AT + number + 9,
            first_message_id=messages[0],
            first_source="website",
            last_message_id=messages[1],
            last_source="website",
            identifiers=tuple(
                Identifier(*one, AT + number, "website", messages[index > 1])
                for index, one in enumerate(named)
            ),
        )
        for index, one in enumerate(named):
            hashes[3 * number + index] = identifier_hash(store_id, Key("default", "users", *one))
        yield place, pack_profile(profile, store_id)


async def measure(folder: Path, count: int) -> list[Row]:
    """Batches of a hundred identify calls; one of ten is of somebody new."""
    path = folder / "router.db"
    size = path.stat().st_size
    _forget(path)
    store = storage(folder)
    await store.open()
    try:
        spaces = {"website": ("default", SpaceRules())}
        before = _resident()
        generator = random.Random(7)

        async def batch(number: int) -> float:
            resolver = Resolver(store.profiles, store.store_id, lambda: spaces, memory_bytes=lambda: 1 << 25)
            events = [_event(generator.randrange(count * 10 // 9), number, one) for one in range(BATCH)]
            begin = time.perf_counter()
            done = await resolver.resolve(events, 1_000_000_000)
            took = time.perf_counter() - begin
            assert done.envelopes[0].profile_id is not None
            return took

        gc.collect()
        gc.freeze()  # as a router does that has started
        cold = []
        for number in range(BATCHES):
            _forget(path)
            cold.append(await batch(number))
        begin = time.process_time()
        warm = [await batch(number) for number in range(BATCHES)]
        cost = (time.process_time() - begin) / (BATCHES * BATCH) * 1e6
        resident = _resident() - before
        disk = _disk(path, generator)
    finally:
        await store.close()
    detail = f"{count:,} profiles, {3 * count:,} identifiers"
    return [
        ("file size per profile with three identifiers", size / count, 600, "bytes", "≤", detail),
        (
            "resolving 100 events, nothing cached, p99",
            percentile(cold, 0.99) * 1000,
            20,
            "ms",
            "≤",
            f"{_spread(cold)}; of the disk {disk}; {detail}",
        ),
        (
            "… the file in the system's cache, p99",
            percentile(warm, 0.99) * 1000,
            20,
            "ms",
            "≤",
            _spread(warm),
        ),
        ("… CPU per event, making the events included", cost, 100, "µs", "≤", detail),
        (
            "memory for it",
            resident / (1 << 20),
            64,
            "MB",
            "≤",
            f"{(before + resident) / (1 << 20):.0f} MB with all of the process",
        ),
    ]


def _spread(took: list[float]) -> str:
    return f"p50 {percentile(took, 0.5) * 1000:.1f} ms, most {max(took) * 1000:.1f} ms"


def _disk(path: Path, generator: random.Random) -> str:
    """What the disk takes for a random page, and for a hundred that are asked for together."""
    handle = os.open(path, os.O_RDONLY)
    pages = os.fstat(handle).st_size // PAGE_SIZE

    def some(count: int) -> float:
        places = [generator.randrange(pages) * PAGE_SIZE for _ in range(count)]
        begin = time.perf_counter()
        for place in places:
            os.posix_fadvise(handle, place, PAGE_SIZE, os.POSIX_FADV_WILLNEED)
        for place in places:
            os.pread(handle, PAGE_SIZE, place)
        return (time.perf_counter() - begin) * 1000

    try:
        found = []
        for count, times in ((1, 1000), (100, 100)):
            took = []
            for number in range(times):
                if number % 20 == 0:
                    _forget(path)
                took.append(some(count))
            found.append(f"{percentile(took, 0.5):.2f} ms (p99 {percentile(took, 0.99):.2f})")
    finally:
        os.close(handle)
    return f"one page takes {found[0]}, a hundred at once {found[1]}"


def _event(person: int, batch: int, number: int) -> Prepared:
    user, anonymous, email = (value for _, value in identifiers(person))
    event = Identify(
        message_id=f"message-{batch}-{number}",
        user_id=user,
        anonymous_id=anonymous,
        traits_json=msgspec.Raw(msgspec.json.encode({"email": email})),
        received_at=STAMP,
        timestamp=STAMP,
    )
    event.json  # noqa: B018 - enrichment encodes it
    return Prepared("website", event, ABSENT, AT, bytes(16))


def _forget(path: Path) -> None:
    """Have the system forget what it cached of the file."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
        os.posix_fadvise(handle, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(handle)


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def profile_figures(folder: Path, count: int) -> list[Row]:
    """The figures, each step in a process of its own."""
    await _elsewhere("fill", folder, count)
    rows: list[Row] = msgspec.json.decode(await _elsewhere("measure", folder, count), type=list[Row])
    return rows


async def _elsewhere(step: str, folder: Path, count: int) -> bytes:
    command = (sys.executable, "-m", "tests.bench.profiles", step, str(folder), str(count))
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE)
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the step {step!r} of the bench failed")
    return output


async def main(step: str, folder: str, count: str) -> None:
    """Run one step; `measure` prints its rows as JSON."""
    if step == "fill":
        await fill(Path(folder), int(count))
    else:
        print(msgspec.json.encode(await measure(Path(folder), int(count))).decode())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
