"""`router dead` and `router where` as an operator types them, on a store that nobody owns."""

import asyncio
import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main
from router.events.calls import Track
from router.storage.cursor import Cursor
from router.storage.dead_letters import SLICE
from router.storage.letters import DeadLetter
from router.storage.outcome import OutcomeRecord, Run
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Settlement
from router.telemetry.conservation import all_sums
from tests.contract.storage.samples import fill

CONFIG = """
[storage]
path = "{folder}/router.db"
free_floor = 0
ballast = 0
[sources.website]
write_key = "env:NOT_SET"
[destinations.crm]
kind = "webhook"
settings.url = "env:NOT_SET_EITHER"
"""
MANY = 3 * SLICE + 7


def letter(position: int, destination: str = "crm") -> DeadLetter:
    event = Track(
        event="Order Completed",
        message_id=f"m{position}",
        user_id=f"u{position % 3}",
        received_at="2030-03-17T17:46:40.000Z",
        timestamp="2030-03-17T17:46:40.000Z",
    )
    at = 1_900_000_000_000 + position
    return DeadLetter(
        destination,
        position,
        f"m{position}",
        "400",
        3,
        at,
        at,
        event.json,
        "POST /hook",
        "400\n\nno",
        0,
        "website",
    )


@pytest.fixture
def config(tmp_path: Path) -> str:
    """A configuration whose store holds many letters of `crm` and one of `gone`, which is not configured."""
    file = tmp_path / "router.toml"
    file.write_text(CONFIG.format(folder=tmp_path))

    async def make() -> None:
        store = SqliteStorage(path=tmp_path / "router.db", free_floor=0, ballast_bytes=0)
        await store.open()
        store._store_id = bytes(16)  # as the samples have it
        for name in ("crm", "gone"):
            await store.born(name, "webhook", None)
        await fill(store, MANY)
        for name, count in (("crm", MANY), ("gone", 1)):
            letters = [letter(one, name) for one in range(count)]
            record = OutcomeRecord(1_900_000_001_000, (Run(0, count, "dead", "400", 3),))
            counts = {("accepted", name): count, ("dead", name, "400"): count}
            await store.settle([Settlement(name, Cursor(count), record, counts, dead_letters=letters)])
        await store.close()

    asyncio.run(make())
    return str(file)


def run(config: str, *arguments: str, says: str = "") -> Result:
    return CliRunner().invoke(main, [*arguments, "--config", config], input=says)


def look(config: str) -> list[str]:
    """The sums of the store, after proving that they hold."""

    async def read() -> list[str]:
        path = Path(config).with_name("router.db")
        store = SqliteStorage(path=path, free_floor=0, ballast_bytes=0)
        await store.open()
        sums = all_sums(await store.books())
        await store.close()
        assert not any(one.missing for one in sums)
        return [str(one) for one in sums]

    return asyncio.run(read())


def test_a_list_is_a_table_with_how_many_there_are(config: str) -> None:
    result = run(config, "dead", "list", "--limit", "2", "--destination", "crm")

    lines = result.output.splitlines()
    assert lines[0].split() == [
        "id",
        "died",
        "destination",
        "reason",
        "tries",
        "event",
        "user",
        "message",
        "id",
    ]
    assert lines[1].split() == [
        str(MANY), "2030-03-17", "17:46:40Z", "crm", "400", "3", "Order", "Completed",
        f"u{(MANY - 1) % 3}", f"m{MANY - 1}",
    ]  # fmt: skip
    assert f"2 of {MANY}" in result.output


def test_a_list_for_machines_is_an_object_a_line(config: str) -> None:
    result = run(config, "dead", "list", "--limit", "2", "--json", "--user", "u1")

    assert [json.loads(line)["user"] for line in result.output.splitlines()] == ["u1", "u1"]


def test_a_time_may_be_said_either_way(config: str) -> None:
    assert (
        "There are no dead letters" in run(config, "dead", "list", "--since", "2030-03-18T00:00:00Z").output
    )
    assert f"of {MANY + 1}" in run(config, "dead", "list", "--since", "99999d").output
    assert run(config, "dead", "list", "--since", "yesterday").exit_code == 2


def test_one_letter_is_shown_whole(config: str) -> None:
    result = run(config, "dead", "show", "1")

    for word in ("crm", "Order Completed", "POST /hook", "website", "m0", "router dead retry 1"):
        assert word in result.output


def test_a_letter_that_is_not_there_ends_the_command(config: str) -> None:
    result = run(config, "dead", "show", "9999")

    assert (result.exit_code, "there is no dead letter 9999" in result.output) == (1, True)


def test_all_that_match_are_sent_again_after_a_question(config: str) -> None:
    result = run(config, "dead", "retry", "--all", "--destination", "crm", says="y\n")

    assert result.exit_code == 0, result.output
    assert f"Send {MANY} dead letters again?" in result.output
    assert f"{MANY} dead letters on the way again." in result.output
    assert look(config)[1] == f"{MANY} accepted = {MANY} pending"


@pytest.mark.parametrize("says", ["n\n", "\n", ""])
def test_nothing_happens_without_a_yes(config: str, says: str) -> None:
    for command in ("retry", "drop"):
        assert run(config, "dead", command, "--all", says=says).exit_code == 1

    assert look(config)[1] == f"{MANY} accepted = {MANY} dead + 0 pending"


def test_letters_of_a_destination_that_is_gone_are_refused_and_the_others_sent(config: str) -> None:
    result = run(config, "dead", "retry", "--all", "--yes")

    assert result.exit_code == 1
    assert "add [destinations.gone] again, or drop it" in result.output
    assert f"{MANY} dead letters on the way again." in result.output


def test_single_letters_need_no_yes(config: str) -> None:
    assert "2 dead letters on the way again." in run(config, "dead", "retry", "1", "2").output
    assert "1 dead letter forgotten." in run(config, "dead", "drop", "3").output


@pytest.mark.parametrize(
    "arguments",
    [("retry",), ("retry", "1", "--all"), ("retry", "1", "--user", "u1"), ("drop", "--user", "u1")],
)
def test_what_is_meant_must_be_said(config: str, arguments: tuple[str, ...]) -> None:
    result = run(config, "dead", *arguments)

    assert (result.exit_code, "or say --all" in result.output) == (2, True)


def test_dropped_letters_stay_counted_as_dead(config: str) -> None:
    result = run(config, "dead", "drop", "--all", "--yes")

    assert f"{MANY + 1} dead letters forgotten." in result.output
    assert look(config)[1] == f"{MANY} accepted = {MANY} dead + 0 pending"


def test_a_full_destination_takes_no_more_while_nobody_delivers(
    config: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.admin.dead.MOST_WAITING", SLICE)

    result = run(config, "dead", "retry", "--all", "--yes", "--destination", "crm")

    assert result.exit_code == 1
    assert "run the router, and send the others when these are through" in result.output
    assert look(config)[1] == f"{MANY} accepted = {MANY - SLICE} dead + {SLICE} pending"


def test_where_tells_what_became_of_an_event(config: str) -> None:
    result = run(config, "where", "m0")

    assert "position 0 of the stream" in result.output
    assert "crm (webhook): was given up" in result.output
    assert "dead  400  after 3 tries" in result.output


def test_where_tells_that_it_was_sent_again(config: str) -> None:
    run(config, "dead", "retry", "1")

    result = run(config, "where", "m0")

    assert "crm (webhook): failed, and is tried again" in result.output
    assert "revived" in result.output


def test_where_does_not_know_an_id_that_nobody_sent(config: str) -> None:
    result = run(config, "where", "nobody")

    assert (result.exit_code, "No event nobody is known." in result.output) == (1, True)


def test_where_answers_machines_too(config: str) -> None:
    found = json.loads(run(config, "where", "m1", "--json").output)

    assert [one["position"] for one in found["found"]] == [1]


def test_where_knows_the_sources_that_it_may_be_of(config: str) -> None:
    assert run(config, "where", "m1", "--source", "website").exit_code == 0
    assert (
        "there is no source 'shop'; known are website"
        in run(config, "where", "m1", "--source", "shop").output
    )


def test_where_there_is_no_store_nothing_is_found(tmp_path: Path) -> None:
    (tmp_path / "router.toml").write_text(CONFIG.format(folder=tmp_path))
    config = str(tmp_path / "router.toml")

    assert "There are no dead letters." in run(config, "dead", "list").output
    assert "there is no store at" in run(config, "where", "m1").output


@pytest.mark.parametrize("arguments", [("where", "\udcff"), ("dead", "list", "--user", "\udcff")])
def test_bytes_that_are_no_text_are_refused_in_words(config: str, arguments: tuple[str, ...]) -> None:
    result = run(config, *arguments)

    assert (result.exit_code, "write it in UTF-8" in result.output) == (1, True)


def test_a_page_of_a_list_goes_on_where_the_one_before_ended(config: str) -> None:
    result = run(config, "dead", "list", "--json", "--limit", "1", "--beyond", "3")

    assert json.loads(result.output)["id"] == 2
