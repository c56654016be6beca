"""The file is read line by line as it grows, and whatever happens to it, each line comes once."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from plugins.sources.file_lines import READ_BYTES, FileLines, FileLinesSettings


def line(number: int, **fields: Any) -> bytes:
    return msgspec.json.encode({"type": "track", "userId": "u1", "event": str(number), **fields}) + b"\n"


class Reader:
    """Reads a file with one instance after the other, and keeps what each hands over as the engine would."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.cursor: Any = None
        self.calls: list[Any] = []
        self.plugin: FileLines | None = None

    async def open(self) -> FileLines:
        self.plugin = FileLines(FileLinesSettings(path=str(self.file)), name="orders")
        self.plugin.cursor = self.cursor
        await self.plugin.open()
        return self.plugin

    async def look(self, times: int = 1) -> list[Any]:
        """Have it look again; return what is new: the names of calls, or what was handed over as it is."""
        before = len(self.calls)
        plugin = self.plugin or await self.open()
        for _ in range(times):
            await plugin.run(self.accept)
        return [_name(call) for call in self.calls[before:]]

    async def restart(self) -> None:
        if self.plugin is not None:
            await self.plugin.close()
        self.plugin = None

    async def accept(self, calls: Any, *, cursor: Any = None) -> None:
        self.calls += calls
        self.cursor = msgspec.json.decode(msgspec.json.encode(cursor))

    @property
    def ids(self) -> list[Any]:
        return [str(call["messageId"]) for call in self.calls]


def _name(call: Any) -> Any:
    return call if isinstance(call, bytes) else msgspec.json.decode(call["event"])


@pytest.fixture
def reader(tmp_path: Path) -> Reader:
    return Reader(tmp_path / "orders.jsonl")


def append(file: Path, *lines: bytes) -> None:
    with file.open("ab") as opened:
        opened.write(b"".join(lines))


async def test_lines_are_read_from_the_beginning_and_as_they_come(reader: Reader) -> None:
    append(reader.file, line(1), line(2))
    assert await reader.look() == ["1", "2"]

    append(reader.file, line(3))
    assert await reader.look() == ["3"]
    assert await reader.look() == []


async def test_a_restart_goes_on_where_the_cursor_is(reader: Reader) -> None:
    append(reader.file, line(1))
    await reader.look()
    await reader.restart()
    append(reader.file, line(2))

    assert await reader.look() == ["2"]


async def test_a_line_that_is_read_again_has_the_same_id_and_no_other_has_it(reader: Reader) -> None:
    append(reader.file, line(1), line(1), line(2))
    await reader.look()
    await reader.restart()
    reader.cursor = None
    await reader.look()

    assert reader.ids[:3] == reader.ids[3:]
    assert len(set(reader.ids)) == 3


@pytest.mark.parametrize(("given", "is_kept"), [("m1", True), (None, False)])
async def test_an_id_of_its_own_is_kept(given: str | None, is_kept: bool, reader: Reader) -> None:
    append(reader.file, line(1, messageId=given))
    await reader.look()

    assert (bytes(reader.calls[0]["messageId"]) == b'"m1"' if is_kept else len(reader.ids[0]) == 32) is True


async def test_the_last_line_waits_until_it_is_complete(reader: Reader) -> None:
    whole = line(1)
    append(reader.file, whole[:10])
    assert await reader.look() == []

    append(reader.file, whole[10:], line(2)[:-1])
    assert await reader.look() == ["1"]


@pytest.mark.parametrize("content", [b"", b"\n\n  \n", b"\xef\xbb\xbf\n"])
async def test_a_file_without_calls_brings_none(content: bytes, reader: Reader) -> None:
    append(reader.file, content)

    assert await reader.look() == []


async def test_lines_of_windows_are_read(reader: Reader) -> None:
    append(reader.file, b"\xef\xbb\xbf" + line(1)[:-1] + b"\r\n", line(2)[:-1] + b"\r\n")

    assert await reader.look() == ["1", "2"]


@pytest.mark.parametrize("bad", [b"{half", b"\x00\xff\xfe\x01", b"[1]", b'"text"', b"{" * 5000])
async def test_a_line_that_is_no_call_is_handed_over_as_it_is_among_its_neighbours(
    bad: bytes, reader: Reader
) -> None:
    append(reader.file, line(1), bad + b"\n", line(2))

    assert await reader.look() == ["1", bad, "2"]


async def test_a_huge_line_is_handed_over_by_its_beginning_and_the_next_one_is_read(reader: Reader) -> None:
    append(reader.file, b"x" * (3 * READ_BYTES + 5) + b"\n", line(2))

    seen = await reader.look()

    assert [len(seen[0]), seen[1]] == [READ_BYTES, "2"]


async def test_a_huge_line_that_is_not_complete_waits_and_is_not_searched_again(reader: Reader) -> None:
    append(reader.file, b"x" * (2 * READ_BYTES))
    assert await reader.look() == []
    assert reader.plugin is not None
    assert reader.plugin._searched == 2 * READ_BYTES

    append(reader.file, b"x" * READ_BYTES + b"\n", line(2))
    assert [len(one) for one in await reader.look()] == [READ_BYTES, 1]


async def test_more_than_one_read_takes_is_read_in_one_look(reader: Reader) -> None:
    append(reader.file, *[line(n, properties={"text": "x" * 1000}) for n in range(3_000)])

    assert await reader.look() == [str(n) for n in range(3_000)]


# --- other files in its place -----------------------------------------------------------------------------


async def test_a_file_that_was_renamed_is_read_to_its_end_and_then_the_new_one(reader: Reader) -> None:
    append(reader.file, line(1))
    await reader.look()
    old = reader.file.rename(reader.file.with_suffix(".1"))
    append(old, line(2))
    append(reader.file, line(3))
    assert await reader.look() == ["2"]
    append(old, line(4)[:-1])  # its writer had not noticed yet

    assert await reader.look(3) == ["4"]
    assert await reader.look() == ["3"]
    assert len(set(reader.ids)) == 4


async def test_a_file_that_was_renamed_while_nobody_read_is_found_again(reader: Reader) -> None:
    append(reader.file, line(1))
    await reader.look()
    await reader.restart()
    append(reader.file, line(2))
    reader.file.rename(reader.file.with_suffix(".1"))
    append(reader.file, line(3))

    assert await reader.look() == ["2"]
    assert await reader.look(4) == ["3"]


async def test_a_restart_in_the_middle_of_a_change_repeats_nothing_under_another_id(reader: Reader) -> None:
    append(reader.file, line(1), line(2)[:-1])
    await reader.look()
    reader.file.rename(reader.file.with_suffix(".1"))
    append(reader.file, line(3))
    assert await reader.look(3) == ["2"]
    await reader.restart()

    assert await reader.look() == ["3"]
    assert await reader.look(5) == []


async def test_a_file_that_is_gone_waits_for_the_next_one(reader: Reader) -> None:
    append(reader.file, line(1))
    await reader.look()
    reader.file.unlink()
    assert await reader.look(5) == []

    fresh = reader.file.with_suffix(".new")
    append(fresh, line(2))
    fresh.rename(reader.file)
    assert await reader.look(2) == ["2"]


async def test_a_file_that_is_gone_after_a_restart_is_begun_anew(reader: Reader) -> None:
    append(reader.file, line(1), line(1))
    await reader.look()
    await reader.restart()
    other = reader.file.with_suffix(".other")
    append(other, line(1), line(1), line(1))
    other.replace(reader.file)

    assert await reader.look() == ["1", "1", "1"]
    assert len(set(reader.ids)) == 5


def cut(file: Path) -> None:
    os.truncate(file, 0)
    append(file, line(8))


def written_over(file: Path) -> None:
    file.write_bytes(
        b"".join(line(8, properties={"text": "longer than what was there before"}) for _ in range(1))
    )


@pytest.mark.parametrize("change", [cut, written_over])
async def test_a_file_that_is_cut_or_written_over_is_read_anew(
    change: Callable[[Path], None], reader: Reader
) -> None:
    append(reader.file, line(1), line(2))
    await reader.look()
    change(reader.file)

    assert await reader.look() == ["8"]
    assert len(set(reader.ids)) == 3


# --- what is no file --------------------------------------------------------------------------------------


async def test_a_file_that_is_missing_is_named(reader: Reader) -> None:
    with pytest.raises(FileNotFoundError, match=r"orders\.jsonl"):
        await reader.open()


def folder(file: Path) -> None:
    file.mkdir()


def pipe(file: Path) -> None:
    os.mkfifo(file)


@pytest.mark.parametrize("make", [folder, pipe])
async def test_what_is_no_file_is_refused(make: Callable[[Path], None], reader: Reader) -> None:
    make(reader.file)

    with pytest.raises(ValueError, match=r"orders\.jsonl is no file; name one of calls, one a line"):
        await reader.open()


async def test_a_file_that_may_not_be_read_is_named(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path, flags: int) -> int:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(
        "plugins.sources.file_lines.os.open", refuse
    )  # who runs this may be allowed everything
    with pytest.raises(PermissionError, match=r"orders\.jsonl"):
        await reader.open()
