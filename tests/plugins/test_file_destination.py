"""The file: what is reported as delivered is on the disk, whole lines only."""

import errno
import os
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from plugins.destinations import console, file, webhook
from plugins.destinations.file import File, FileSettings
from router.errors import RetryLater
from router.plugins.settings import Size
from tests.flow.delivery.rig import envelope

EVENTS = [envelope(n).event for n in range(10)]
LINES = [event.json + b"\n" for event in EVENTS]


@asynccontextmanager
async def opened(path: Path, **settings: Any) -> AsyncIterator[File]:
    one = File(FileSettings(path=str(path), **settings), name="archive")
    await one.open()
    try:
        yield one
    finally:
        await one.close()


def rotated(path: Path) -> list[Path]:
    return sorted(one for one in path.parent.iterdir() if one != path)


async def test_each_event_is_one_line_of_its_stored_form(tmp_path: Path) -> None:
    path = tmp_path / "new" / "events.jsonl"
    async with opened(path) as one:
        await one.deliver(EVENTS[:3])

    assert path.read_bytes() == b"".join(LINES[:3])


async def test_a_batch_is_synced_before_it_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[bytes] = []
    path = tmp_path / "events.jsonl"
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda number: (real(number), synced.append(path.read_bytes())))
    async with opened(path) as one:
        await one.deliver(EVENTS[:2])

    assert synced == [b"".join(LINES[:2])]


@pytest.mark.parametrize("torn", [b'{"type":"tra', b"x" * 200_000])
async def test_a_line_that_a_crash_cut_short_is_removed(tmp_path: Path, torn: bytes) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(LINES[0] + torn)
    async with opened(path) as one:
        await one.deliver(EVENTS[1:2])

    assert path.read_bytes() == LINES[0] + LINES[1]


async def test_a_file_of_nothing_but_a_torn_line_is_emptied(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"half')
    async with opened(path):
        pass

    assert path.read_bytes() == b""


async def test_a_file_that_would_grow_too_large_is_renamed_and_begun_anew(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with opened(path, max_bytes=Size(2 * len(LINES[0]))) as one:
        for event in EVENTS[:5]:
            await one.deliver([event])

    assert [part.read_bytes() for part in rotated(path)] == [LINES[0] + LINES[1], LINES[2] + LINES[3]]
    assert path.read_bytes() == LINES[4]


async def test_only_the_newest_renamed_files_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with opened(path, max_bytes=Size(1), keep=2) as one:
        for event in EVENTS[:6]:
            await one.deliver([event])

    assert [part.read_bytes() for part in rotated(path)] == LINES[3:5]


async def test_a_file_of_yesterday_is_renamed_when_the_day_decides(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with opened(path, rotate="day") as one:
        await one.deliver(EVENTS[:1])
        os.utime(path, (1_800_000_000, 1_800_000_000))
        await one.deliver(EVENTS[1:2])

    assert [part.name for part in rotated(path)] == ["events.jsonl.2027-01-15T080000.0001"]
    assert path.read_bytes() == LINES[1]


def full_once(real: Callable[[int, bytes], int]) -> Callable[[int, bytes], int]:
    failures = [True]

    def write(descriptor: int, data: bytes) -> int:
        if failures and len(data) > 200:
            failures.clear()
            real(descriptor, data[:100])
            raise OSError(errno.ENOSPC, "disk full")
        return real(descriptor, data)

    return write


async def test_a_full_disk_means_later_and_leaves_no_half_batch(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "events.jsonl"
    async with opened(path) as one:
        await one.deliver(EVENTS[:1])
        monkeypatch.setattr(os, "write", full_once(os.write))
        with pytest.raises(RetryLater, match="ENOSPC"):
            await one.deliver(EVENTS[1:3])
        assert path.read_bytes() == LINES[0]
        await one.deliver(EVENTS[1:3])

    assert path.read_bytes() == b"".join(LINES[:3])


async def test_check_names_a_folder_that_cannot_be_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    with pytest.raises(PermissionError, match=r"settings\.path"):
        await File(FileSettings(path=str(tmp_path / "a" / "b.jsonl")), name="archive").check()


async def test_a_file_that_cannot_be_opened_says_so(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file, not a folder")

    with pytest.raises(OSError, match="taken"):
        await File(FileSettings(path=str(tmp_path / "taken" / "events.jsonl")), name="archive").open()


async def test_an_error_of_the_disk_is_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(descriptor: int, data: bytes) -> int:
        raise OSError(errno.EIO, "input/output error")

    async with opened(tmp_path / "events.jsonl") as one:
        monkeypatch.setattr(os, "write", broken)
        with pytest.raises(OSError, match="input/output"):
            await one.deliver(EVENTS[:1])


@pytest.mark.parametrize("module", [console, file, webhook])
def test_each_bundled_destination_registers_itself_and_has_a_sample(module: Any) -> None:
    (kind,) = module.register_destinations()

    assert kind.sample.startswith("settings.")
    assert kind.__module__.endswith(kind.kind)


async def test_a_file_that_was_lost_in_a_failed_rotation_is_opened_again(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    async with opened(path) as one:
        one._close()
        await one.deliver(EVENTS[:1])

    assert path.read_bytes() == LINES[0]
