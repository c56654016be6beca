"""A kill while a source plugin reads: nothing is lost, nothing is blocked, and each row is in the stream once."""

import asyncio
from pathlib import Path

import msgspec
import pytest

from router.storage.segment import decode_segment
from router.storage.sqlite.store import SqliteStorage
from tests.crash.process import RouterProcess
from tests.crash.sink import Sink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

KILLS = ("EntriesAccepted:1", "EntriesAccepted:5", "BatchCommitted:3", "SourceStarted", "", "")
"""Signals at which it is killed: when rows are durable and their cursor is not, and so on; or at any moment."""
ROWS = 20
LIFE = 30
"""So often rows are appended before a kill at any moment."""


class Rows:
    """A file that grows."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.count = 0

    def append(self) -> None:
        numbers = range(self.count, self.count + ROWS)
        rows = [{"type": "track", "userId": f"u{n % 7}", "event": str(n)} for n in numbers]
        with self.file.open("ab") as opened:
            opened.write(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
        self.count += ROWS


async def in_stream(store: Path) -> list[int]:
    """The numbers of all events in the stream, in its order."""
    storage = SqliteStorage(path=store)
    await storage.open()
    try:
        found: list[int] = []
        position = 0
        while segments := await storage.read_stream(position, 1 << 20):
            for segment in segments:
                found += [int(one.event.event) for one in decode_segment(segment.data)]  # type: ignore[union-attr]
            position = segments[-1].first_position + segments[-1].count
    finally:
        await storage.close()
    return found


async def test_kills_at_any_moment_lose_and_repeat_no_row_of_a_file(tmp_path: Path, sink: Sink) -> None:
    rows = Rows(tmp_path / "rows.jsonl")
    router = RouterProcess(tmp_path, sink.url)
    section = f'\n[sources.rows]\nkind = "file_lines"\nsettings.path = "{rows.file}"\ninterval = "10ms"\n'
    router.config.write_text(router.config.read_text() + section)
    for moment in KILLS:
        rows.append()
        await router.start(KILL_AT=moment)
        lives = 0
        while router.is_alive and (moment or lives < LIFE):
            rows.append()
            await asyncio.sleep(0.01)
            lives += 1
        await router.kill()

    await router.start()
    async with asyncio.timeout(60):
        while len(sink.arrivals) < rows.count:
            await sink.more()
    assert await router.terminate() == 0
    router.close()

    assert await in_stream(tmp_path / "router.db") == list(range(rows.count))
