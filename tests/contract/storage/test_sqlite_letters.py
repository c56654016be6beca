"""Dead letters in SQLite: files of an older version, letters that grow old, and questions that stay cheap."""

import sqlite3
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import asdict, replace

from router.storage.cursor import Cursor
from router.storage.dead_letters import SLICE, LetterQuery
from router.storage.letters import DeadLetter
from router.storage.sqlite import schema
from router.storage.sqlite.schema import migrate
from router.storage.store import Settlement
from tests.contract.storage.faults import Opened
from tests.contract.storage.samples import fill
from tests.contract.storage.test_dead_letters import bury, letter


def make_old(path: Path, letters: list[DeadLetter], monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of schema 2, with letters as that version wrote them."""
    with monkeypatch.context() as patch:
        patch.setattr(schema, "SCHEMA_VERSION", 2)
        database = sqlite3.connect(path, isolation_level=None)
        migrate(database, path, {})
    for one in letters:
        old = {name: value for name, value in asdict(one).items() if name not in ("source", "entry")}
        database.execute(
            "INSERT INTO dead_letters (destination, row) VALUES (?,?)",
            (one.destination, msgspec.msgpack.encode(old)),
        )
    database.close()


async def test_letters_of_an_older_file_are_listed_and_revived(
    opened: Opened, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_old(tmp_path / "router.db", [letter(3), letter(4, user="u9")], monkeypatch)

    async with opened() as store:
        [line] = await store.letters.find(LetterQuery(user="u9"), limit=10)
        assert (line.message_id, line.event, line.reason, line.attempts, line.died_at) == (
            "m4",
            "E0",
            "400",
            3,
            6_004,
        )
        await store.born("crm", "hook", 0)
        revived = await store.letters.revive([line.id], now=1)
        assert revived.count == 1
        assert (await store.facts()).schema_version == schema.SCHEMA_VERSION


async def test_an_older_file_that_cannot_be_rewritten_stays_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_old(tmp_path / "router.db", [letter(3)], monkeypatch)
    database = sqlite3.connect(tmp_path / "router.db", isolation_level=None)

    def fails(_: sqlite3.Connection) -> None:
        raise sqlite3.OperationalError("disk is full")

    with pytest.raises(sqlite3.OperationalError):
        migrate(database, tmp_path / "router.db", {3: fails})

    columns = [row[1] for row in database.execute("PRAGMA table_info(dead_letters)")]
    assert (database.execute("PRAGMA user_version").fetchone()[0], columns) == (
        2,
        ["id", "destination", "row"],
    )
    database.close()


async def test_letters_go_when_they_are_older_than_their_retention(opened: Opened) -> None:
    async with opened(dead_letter_retention=100.0) as store:
        await bury(store, *(replace(letter(one), died_at=1_000) for one in range(SLICE + 3)))
        young = replace(letter(100), died_at=50_000)
        await store.settle([Settlement("crm", Cursor(200), None, {}, dead_letters=[young])])
        await fill(store, 1, at=102_000)

        await store.trim()

        assert [one.message_id for one in await store.letters.find(LetterQuery(), limit=100)] == ["m100"]
        assert (await store.counters())["dead", "crm", "400"] == SLICE + 3


async def test_a_revive_that_fails_half_way_changes_nothing(opened: Opened) -> None:
    async with opened() as store:
        lines = await bury(store, letter(3), letter(4))
        before = await store.counters()

        await store._writer.step(
            lambda database, _: database.execute(
                "CREATE TEMP TRIGGER fail BEFORE INSERT ON main.outcomes BEGIN SELECT raise(ABORT, 'no'); END"
            )
        )
        with pytest.raises(Exception, match="no"):
            await store.letters.revive([line.id for line in lines], now=9_000)

        assert await store.letters.count(LetterQuery()) == 2
        assert await store.parked_at("crm", 3) is None
        assert await store.counters() == before


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id, died_at, destination, reason, attempts, event, user, message_id, position",
        "SELECT count(*)",
    ],
)
async def test_a_list_opens_no_letter(opened: Opened, tmp_path: Path, query: str) -> None:
    async with opened():
        database = sqlite3.connect(tmp_path / "router.db")
        plan = database.execute(
            f"EXPLAIN QUERY PLAN {query} FROM dead_letters INDEXED BY dead_letters_lines "
            "WHERE user = 'u' AND id < 5 ORDER BY id DESC LIMIT 5"
        ).fetchall()
        database.close()

    assert "USING COVERING INDEX dead_letters_lines" in plan[0][3]
