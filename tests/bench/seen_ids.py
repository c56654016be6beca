"""What "seen before?" costs with twenty million ids in the window, and what it weighs in memory."""

import asyncio
import os
import sys
import time
from pathlib import Path

import msgspec
import numpy

from router.storage.entry import Door, Entry
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Commit, SegmentDraft
from router.telemetry.signals import Signals

SEGMENT_IDS = 50_000
BATCH = 100
PROBES = 1000
Row = tuple[str, float, float, str, str, str]


def storage(folder: Path) -> SqliteStorage:
    """The store that the figures are taken from."""
    return SqliteStorage(
        path=folder / "router.db", free_floor=0, ballast_bytes=0, signals=Signals(), clock=time.time
    )


async def fill(folder: Path, ids: int, *, seed: int = 1) -> None:
    """Commit `ids` random message ids, spread over the last twelve hours of log time."""
    store = storage(folder)
    await store.open()
    try:
        generator = numpy.random.default_rng(seed)
        now = int(time.time() * 1000) - 12 * 3600_000
        step = 12 * 3600_000 * SEGMENT_IDS // max(ids, SEGMENT_IDS)
        position = 0
        while position < ids:
            now += step
            entry = Entry("bench", Door.BATCH, now, SEGMENT_IDS, b'{"batch":[]}')
            await store.append([entry], {})
            draft = SegmentDraft(position, SEGMENT_IDS, b"", generator.bytes(16 * SEGMENT_IDS), now)
            if not await store.commit(Commit(position, position + SEGMENT_IDS, draft, {})):
                raise RuntimeError("the store refused a commit of the bench")
            position += SEGMENT_IDS
        await store.wait_for_index()  # at the pace of real traffic it would be done with each piece long ago
    finally:
        await store.close()


async def fill_elsewhere(folder: Path, ids: int) -> None:
    """`fill` in a process of its own, so that what filling leaves in memory does not count."""
    await _elsewhere("fill", folder, ids)


async def seen_figures(folder: Path, ids: int) -> list[Row]:
    """The figures of `measure`, each step in a process of its own, so that no other row weighs in."""
    await fill_elsewhere(folder, ids)
    rows: list[Row] = msgspec.json.decode(await _elsewhere("measure", folder, ids), type=list[Row])
    return rows


async def _elsewhere(step: str, folder: Path, ids: int) -> bytes:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "tests.bench.seen_ids",
        step,
        str(folder),
        str(ids),
        stdout=asyncio.subprocess.PIPE,
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError(f"the step {step!r} of the bench failed")
    return output


async def measure(folder: Path, ids: int) -> list[Row]:
    """CPU per event of a batch of fresh ids, memory per id, and that nothing is called seen that was not."""
    empty = folder / "empty"
    empty.mkdir()
    nothing = storage(empty)
    await nothing.open()
    await nothing.wait_for_index()
    before = _resident()  # what an open store weighs without any id
    await nothing.close()
    store = storage(folder)
    await store.open()
    try:
        generator = numpy.random.default_rng(2)
        await store.wait_for_index()
        weight = (_resident() - before) / ids
        batches = [[generator.bytes(16) for _ in range(BATCH)] for _ in range(PROBES)]
        started = time.process_time()
        false_hits = 0
        for batch in batches:
            false_hits += sum(answer is not None for answer in await store.seen(batch))
        cost = (time.process_time() - started) / (PROBES * BATCH) * 1e6
        known = numpy.random.default_rng(1).bytes(16 * SEGMENT_IDS)
        hits = await store.seen([known[16 * n : 16 * n + 16] for n in range(BATCH)])
        if hits != list(range(BATCH)):
            raise RuntimeError("an id that is in the window was not found at its position")
    finally:
        await store.close()
    detail = f"{ids:,} ids, {false_hits} false hits in {PROBES * BATCH:,} probes"
    return [
        ("deduplication, CPU per event in batches of 100", cost, 1.5, "µs", "≤", detail),
        ("deduplication, resident memory per id", weight, 4.0, "bytes", "≤", detail),
        ("events called seen that were not", float(false_hits), 0.0, "events", "≤", detail),
    ]


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


async def main(step: str, folder: str, ids: str) -> None:
    """Run one step; `measure` prints its rows as JSON."""
    if step == "fill":
        await fill(Path(folder), int(ids))
    else:
        print(msgspec.json.encode(await measure(Path(folder), int(ids))).decode())


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
