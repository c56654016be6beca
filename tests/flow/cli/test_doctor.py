"""`router doctor` looks into a store that nobody owns, and asks the router that owns it otherwise."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from click.testing import CliRunner
from msgspec.structs import replace

from router.admin.overview import OVERVIEW, Overview
from router.admin.verbs import Nothing
from router.cli.asking import ask
from router.cli.diagnosis import Finding, look_at_store, look_at_sums
from router.cli.main import main
from router.config.model import StorageConfig
from router.storage.books import Books, Standing
from router.storage.cursor import Cursor
from router.storage.memory.store import MemoryStorage
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import StoreFacts


@pytest.fixture
def facts() -> StoreFacts:
    async def look_at_memory() -> StoreFacts:
        storage = MemoryStorage()
        await storage.open()
        return replace(await storage.facts(), free_bytes=1 << 40, warnings=())

    return asyncio.run(look_at_memory())


def weights(findings: Sequence[Finding], part: str) -> list[str]:
    return [finding.weight for finding in findings if part in finding.text]


def look(facts: StoreFacts, storage: StorageConfig = StorageConfig()) -> list[Finding]:  # noqa: B008 - frozen
    return list(look_at_store(storage, Overview("", facts, [], [], Books(0, 0, 0, (), ()))))


def make_store(path: Path) -> None:
    async def make() -> None:
        storage = SqliteStorage(path=path, free_floor=0, ballast_bytes=0)
        await storage.open()
        await storage.born("crm", "webhook", None)
        await storage.close()

    asyncio.run(make())


def test_the_doctor_opens_a_store_that_nobody_owns(tmp_path: Path) -> None:
    make_store(tmp_path / "router.db")
    config = tmp_path / "router.toml"
    config.write_text(f"[storage]\npath = '{tmp_path}/router.db'\nfree_floor = 0\nballast = 0\n")

    result = CliRunner().invoke(main, ["doctor", "--config", str(config)])

    assert result.exit_code == 0, result.output
    assert "no router runs; the store was opened for this look" in result.output
    assert "destination crm: 0 accepted = 0 pending" in result.output


def test_a_file_that_is_no_store_is_a_finding(tmp_path: Path) -> None:
    (tmp_path / "router.db").write_text("no database " * 1000)
    config = tmp_path / "router.toml"
    config.write_text(f"[storage]\npath = '{tmp_path}/router.db'\nballast = 0\n")

    result = CliRunner().invoke(main, ["doctor", "--config", str(config)])

    assert result.exit_code == 1
    assert "BAD" in result.output


def test_there_is_nothing_to_see_where_no_store_is(tmp_path: Path) -> None:
    assert ask(StorageConfig(path=str(tmp_path / "none.db")), OVERVIEW, Nothing()) is None


def test_a_store_in_good_health_has_no_complaint(facts: StoreFacts) -> None:
    assert {finding.weight for finding in look(facts)} == {"good"}


def test_damage_is_named_with_its_positions(facts: StoreFacts) -> None:
    found = look(replace(facts, set_aside=((10, 20),)))

    assert weights(found, "positions 10 to 19 of the stream were damaged and set aside (10 events)") == [
        "bad"
    ]


def test_a_store_that_cannot_be_written_is_named_with_its_trouble(facts: StoreFacts) -> None:
    assert weights(look(replace(facts, is_writable=False, trouble="no space left")), "no space left") == [
        "bad"
    ]


@pytest.mark.parametrize(("free", "weight"), [(1 << 20, "bad"), (500 << 20, "warning"), (1 << 40, "good")])
def test_free_space_is_weighed(facts: StoreFacts, free: int, weight: str) -> None:
    assert weights(look(replace(facts, free_bytes=free)), "of the disk are free") == [weight]


def test_a_budget_that_is_nearly_spent_is_worth_a_look(facts: StoreFacts) -> None:
    assert weights(look(replace(facts, inbox_bytes=9 << 30)), "the inbox uses 9.0 GiB of its 10.0 GiB") == [
        "warning"
    ]


def test_a_backlog_is_said(facts: StoreFacts) -> None:
    assert weights(look(replace(facts, inbox_next=200_000)), "200000 accepted events wait") == ["warning"]


def test_what_the_store_warns_of_is_said(facts: StoreFacts) -> None:
    assert weights(look(replace(facts, warnings=("take care",))), "take care") == ["warning"]


def test_events_without_an_end_are_bad(facts: StoreFacts) -> None:
    counters = ((("accepted", "crm"), 10), (("delivered", "crm"), 9))
    seen = Overview("", facts, [], [], Books(10, 0, 10, counters, (Standing("crm", 0, Cursor(10), 0),)))

    assert weights(list(look_at_sums(seen)), "leaves 1 unexplained") == ["bad"]


def test_events_that_did_not_reach_the_stream_are_bad(facts: StoreFacts) -> None:
    seen = Overview("", facts, [], [], Books(10, 0, 9, (), ()))

    assert weights(list(look_at_sums(seen)), "the stream: 10 received") == ["bad"]


def test_parked_events_are_worth_a_look(facts: StoreFacts) -> None:
    counters = ((("accepted", "crm"), 1),)
    seen = Overview("", facts, [], [], Books(1, 0, 1, counters, (Standing("crm", 0, Cursor(1), 1),)))

    found = list(look_at_sums(seen))

    assert weights(found, "1 accepted = 1 pending") == ["good"]
    assert weights(found, "wait alone") == ["warning"]
