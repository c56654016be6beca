"""Pages are fetched ahead of SQLite: the right ones, only when the disk is read, and without harm to any answer."""

import itertools
import os
import random
import sqlite3
import struct
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from router.storage.sqlite import read_ahead
from router.storage.sqlite.leaves import Leaves
from router.storage.sqlite.read_ahead import ReadAhead
from router.storage.sqlite.schema import MIGRATIONS

PAGE = 1024
"""Small ones make deep trees of few rows."""
EDGES = [
    sign * (1 << bits) + by for bits in (0, 6, 7, 15, 23, 31, 47, 62) for by in (-1, 0, 1) for sign in (1, -1)
]
_generator = random.Random(1)
KEYS = sorted(
    {*EDGES, (1 << 63) - 1, -(1 << 63), *(_generator.randrange(-(1 << 63), 1 << 63) for _ in range(20_000))}
)
IDENTIFIERS = (
    "SELECT value, number FROM json_each(?) LEFT JOIN profile_identifiers ON profile_identifiers.hash = value"
)


def marked(key: int) -> bytes:
    return f"<{key}>".encode() + bytes(40)


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("store") / "router.db"
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(f"PRAGMA page_size = {PAGE}")
    database.execute("PRAGMA auto_vacuum = INCREMENTAL")
    for statement in itertools.chain(*MIGRATIONS.values()):
        database.execute(statement)
    add(database, KEYS)
    database.close()
    return path


def add(database: sqlite3.Connection, keys: list[int]) -> None:
    database.execute("BEGIN")
    mixed = random.Random(2).sample(keys, len(keys))
    database.executemany("INSERT INTO profiles VALUES (?,NULL,?)", [(key, marked(key)) for key in mixed])
    database.executemany("INSERT INTO profile_identifiers VALUES (?,?)", [(key, key >> 32) for key in mixed])
    database.execute("COMMIT")


def upper(*below: int) -> bytes:
    """An upper page of a table with pages below it, the rows 1, 2, … between them."""
    *cells, last = below
    places = [12 + 2 * len(cells) + 5 * place for place in range(len(cells))]
    head = struct.pack(f">BHHHBI{len(cells)}H", 5, 0, len(cells), 0, 0, last, *places)
    return head + b"".join(struct.pack(">IB", page, row) for row, page in enumerate(cells, 1))


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_ahead, "PAGE_SIZE", PAGE)


@pytest.fixture
def database(path: Path) -> Iterator[sqlite3.Connection]:
    database = sqlite3.connect(path, isolation_level=None)
    yield database
    database.close()


@pytest.fixture
def ahead(path: Path) -> Iterator[ReadAhead]:
    ahead = ReadAhead(path)
    yield ahead
    ahead.close()


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each key look as if it had come from the disk."""
    monkeypatch.setattr(read_ahead, "blocks_read", itertools.count().__next__)


def leaves_of(database: sqlite3.Connection, path: Path, table: str) -> tuple[Leaves, bytes]:
    data = path.read_bytes()
    [root] = database.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchone()
    return Leaves.read(root, lambda pages: [data[(one - 1) * PAGE : one * PAGE] for one in pages]), data


def test_each_row_of_a_table_lies_on_the_page_that_is_asked_for(
    database: sqlite3.Connection, path: Path
) -> None:
    leaves, data = leaves_of(database, path, "profiles")

    assert len(leaves) > len(KEYS) / 20
    for key in KEYS:
        [page] = leaves.pages([key])
        assert marked(key) in data[(page - 1) * PAGE : page * PAGE]


def test_each_row_without_a_number_lies_there_too_or_on_a_page_above(
    database: sqlite3.Connection, path: Path
) -> None:
    leaves, data = leaves_of(database, path, "profile_identifiers")
    wide = [key for key in KEYS if not -(1 << 47) <= key < 1 << 47]

    above = 0
    for key in wide:
        [page] = leaves.pages([key])
        leaf = data[(page - 1) * PAGE : page * PAGE]
        assert leaf[0] == 10
        above += key.to_bytes(8, "big", signed=True) not in leaf
    assert len(leaves) - 1 - (len(KEYS) - len(wide)) <= above <= len(leaves) - 1  # one between two leaves


def test_keys_that_exist_nowhere_have_a_page_as_well(database: sqlite3.Connection, path: Path) -> None:
    leaves, _ = leaves_of(database, path, "profile_identifiers")

    assert len(leaves.pages([-(1 << 63), 5, (1 << 63) - 1])) == 3


def test_nothing_is_asked_for_while_the_disk_is_not_read(
    database: sqlite3.Connection, ahead: ReadAhead
) -> None:
    for _ in range(2):  # the first time the disk may be read indeed
        before = ahead.asked
        found = list(each(ahead, database, KEYS[::100]))

    assert found == KEYS[::100]
    assert ahead.asked == before


def test_the_pages_of_all_other_keys_are_asked_for_when_one_had_to_wait(
    database: sqlite3.Connection, ahead: ReadAhead, slow: None
) -> None:
    found = list(each(ahead, database, KEYS[::100]))

    assert found == KEYS[::100]
    assert ahead.asked == len(KEYS[::100]) - 1


def test_a_single_key_asks_for_nothing(database: sqlite3.Connection, ahead: ReadAhead, slow: None) -> None:
    assert list(each(ahead, database, [KEYS[7]])) == [KEYS[7]]
    assert ahead.asked == 0


def test_reading_waits_for_the_disk_less_often(
    database: sqlite3.Connection, path: Path, ahead: ReadAhead
) -> None:
    keys = sorted(random.Random(3).sample(KEYS, 200))

    alone = waits(path, database.execute(IDENTIFIERS, (str(keys),)))
    together = waits(path, ahead.rows(database, "profile_identifiers", IDENTIFIERS, keys))

    assert together <= alone / 2  # where files lie in memory both are 0


def waits(path: Path, rows: Iterable[Any]) -> int:
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
    finally:
        os.close(file)
    found, before = 0, read_ahead.blocks_read()
    for _ in rows:
        found += read_ahead.blocks_read() > before
        before = read_ahead.blocks_read()
    return found


def test_what_is_written_later_is_seen_when_the_leaves_are_old(
    tmp_path: Path, path: Path, slow: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    copy = tmp_path / "router.db"
    copy.write_bytes(path.read_bytes())
    database, ahead = sqlite3.connect(copy, isolation_level=None), ReadAhead(copy)
    list(each(ahead, database, KEYS[:500]))
    leaves = ahead._leaves["profile_identifiers"]
    add(database, list(range(1000, 9000)))

    list(each(ahead, database, KEYS[:500]))
    assert ahead._leaves["profile_identifiers"] is leaves
    monkeypatch.setattr(read_ahead, "KEPT_SECONDS", -1)
    list(each(ahead, database, KEYS[:500]))
    assert len(ahead._leaves["profile_identifiers"]) > len(leaves)
    ahead.close()
    database.close()


@pytest.mark.parametrize("seed", range(16))
def test_a_damaged_page_harms_no_answer(
    database: sqlite3.Connection, path: Path, tmp_path: Path, slow: None, seed: int
) -> None:
    generator = random.Random(seed)
    data = bytearray(path.read_bytes())
    for _ in range(generator.choice((1000, 100_000))):
        data[generator.randrange(len(data))] = generator.randrange(256)
    damaged = tmp_path / "router.db"
    damaged.write_bytes(data[: generator.choice((len(data), len(data) // 2, 3000, 0))])
    ahead = ReadAhead(damaged)

    assert list(each(ahead, database, KEYS[::50])) == KEYS[::50]
    ahead.close()


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        ({1: upper(1)}, "no end"),
        ({1: upper(2, 2)}, "two others"),
        ({1: upper(2, 3), 2: upper(4), 3: bytes([13])}, "a leaf"),
    ],
)
def test_what_is_no_tree_is_refused(pages: dict[int, bytes], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        Leaves.read(1, lambda asked: [pages[one] for one in asked])


def test_a_file_that_is_gone_harms_no_answer(
    database: sqlite3.Connection, tmp_path: Path, slow: None
) -> None:
    ahead = ReadAhead(tmp_path / "router.db")

    assert list(each(ahead, database, KEYS[::500])) == KEYS[::500]
    ahead.close()


def each(ahead: ReadAhead, database: sqlite3.Connection, keys: list[int]) -> Iterator[int]:
    """Look for the keys, and give those that are found."""
    for key, number in ahead.rows(database, "profile_identifiers", IDENTIFIERS, reversed(keys)):
        if number == key >> 32:
            yield key
