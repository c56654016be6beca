"""`router profile` as an operator types it: of a running router, and of a store that nobody owns."""

import asyncio
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from msgspec.structs import replace

from router.admin.profile_search import SEARCH, AskSearch, answer_search
from router.admin.verbs import Desk
from router.cli.main import main
from router.rules.identity.sought import SoughtTrait
from router.telemetry.happenings import ProfileEdited
from router.telemetry.signals import Signal
from router.testing.clock import ManualClock
from router.testing.running import Running
from tests.flow.profiles.desk import get, identify, profiles, send, track

Command = Callable[..., Awaitable[Result]]
CONFIG = '[storage]\npath = "{folder}/router.db"\nfree_floor = 0\nballast = 0\n'


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Running]:
    clock = ManualClock()
    async with profiles(folder=tmp_path, clock=clock) as one:
        await send(one, identify("u1", "a1", email="ann@x.io", plan="gold"), track("Paid"))
        await send(one, {"type": "group", "userId": "u1", "groupId": "g1", "traits": {"name": "Acme"}})
        clock.advance(1)
        await send(one, identify("u2", plan="tin", city="Porto"))
        yield one


@pytest.fixture(params=["running", "at rest"])
async def command(request: pytest.FixtureRequest, rig: Running, tmp_path: Path) -> Command:
    """Types `router profile …`; where no router runs, it is stopped before and started behind."""
    file = tmp_path / "router.toml"
    file.write_text(CONFIG.format(folder=tmp_path))

    async def run(*words: str, space: str = "shop", **options: Any) -> Result:
        line = ["profile", *words, "--config", str(file), *(("--space", space) if space else ())]
        if request.param == "at rest":
            await rig.stop()
        try:
            return await asyncio.to_thread(CliRunner().invoke, main, line, **options)
        finally:
            if request.param == "at rest":
                await rig.start()

    return run


async def test_a_profile_is_shown_with_all_that_is_known(command: Command) -> None:
    result = await command("show", "user_id:u1")

    assert result.exit_code == 0
    for word in ("user_id", "u1", "anonymous_id", "a1", "ann@x.io", "plan", '"gold"', "group_id:g1", "web"):
        assert word in result.stdout


async def test_a_profile_is_shown_as_json(command: Command) -> None:
    found = json.loads((await command("show", "email:ANN@x.io", "--json")).stdout)

    assert found["traits"]["plan"] == "gold"
    assert [(one["type"], one["id"]) for one in found["external_ids"]] == [
        ("user_id", "u1"),
        ("email", "ann@x.io"),
        ("anonymous_id", "a1"),
    ]
    assert found == json.loads((await command("show", found["id"], "--json")).stdout)


async def test_profiles_are_listed_in_pages(command: Command) -> None:
    first = await command("search", "--limit", "1")
    beyond = re.findall(r"--beyond (\S+)`", first.stdout)[0]
    second = await command("search", "--limit", "1", "--beyond", beyond)

    assert "user_id:u1" in first.stdout
    assert "user_id:u2" in second.stdout


async def test_a_search_for_an_identifier_finds_its_profile(command: Command) -> None:
    lines = (await command("search", "user_id:u2", "--json")).stdout.splitlines()

    assert [json.loads(one)["external_ids"][0]["id"] for one in lines] == ["u2"]


@pytest.mark.parametrize(
    ("words", "users"),
    [
        (["plan=gold"], ["u1"]),
        (["plan"], ["u1", "u2"]),
        (["plan", "city=Porto"], ["u2"]),
        (["plan=gold", "city=Porto"], []),
        (["plan=Gold"], []),
    ],
)
async def test_profiles_are_found_by_their_traits(
    command: Command, words: list[str], users: list[str]
) -> None:
    done = await command("search", "--json", *[part for word in words for part in ("--trait", word)])

    assert done.exit_code == 0, done.output
    assert [json.loads(one)["external_ids"][0]["id"] for one in done.stdout.splitlines()] == users
    assert f"2 profiles were looked at, which is all; {len(users) or 'none'} found." in done.stderr


async def test_a_search_says_where_it_stopped_and_goes_on_from_there(command: Command) -> None:
    first = await command("search", "--trait", "plan", "--limit", "1")
    beyond = re.findall(r"--beyond (\S+)`", first.stdout)[0]
    second = await command("search", "--trait", "plan", "--beyond", beyond)
    short = await command("search", "--trait", "city", "--most", "1")

    assert "user_id:u1" in first.stdout
    assert "1 profile was looked at, 1 found" in first.stdout
    assert "user_id:u2" in second.stdout
    assert "user_id:u1" not in second.stdout
    assert "1 profile was looked at, none found; `--beyond use_" in short.stdout


async def test_a_search_by_traits_is_in_one_space_and_collection(command: Command) -> None:
    accounts = await command("search", "--trait", "name=Acme", "--accounts")
    elsewhere = await command("search", "--trait", "plan", space="club")

    assert "group_id:g1" in accounts.stdout
    assert "0 profiles were looked at, which is all; none found." in elsewhere.stdout


async def test_a_search_that_makes_no_sense_is_refused(command: Command) -> None:
    both = await command("search", "user_id:u1", "--trait", "plan")
    nameless = await command("search", "--trait", "=gold")

    assert (both.exit_code, nameless.exit_code) == (1, 2)
    assert "write one of the two" in both.stderr
    assert "names no trait" in nameless.stderr


async def test_a_long_search_is_answered_in_pieces(rig: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.admin.profile_search.LOOK_SECONDS", 0)
    monkeypatch.setattr("router.admin.profile_search._AT_ONCE", 1)
    desk = Desk()
    answer_search(desk, rig.router.storage)
    asked = AskSearch("shop", [SoughtTrait("city")])

    first = await desk.ask(SEARCH, asked)
    second = await desk.ask(SEARCH, replace(asked, beyond=first.beyond))
    third = await desk.ask(SEARCH, replace(asked, beyond=second.beyond))

    assert [(one.looked_at, len(one.profiles)) for one in (first, second, third)] == [(1, 0), (1, 1), (0, 0)]
    assert 0 <= first.share < second.share < third.share == 1
    assert not third.beyond


async def test_accounts_are_asked_for_by_a_switch(command: Command) -> None:
    found = json.loads((await command("show", "group_id:g1", "--accounts", "--json")).stdout)

    assert found["traits"] == {"name": "Acme"}


async def test_two_profiles_become_one_and_the_older_stays(command: Command, rig: Running) -> None:
    old = json.loads((await command("show", "user_id:u1", "--json")).stdout)["id"]

    result = await command("merge", "user_id:u2", "user_id:u1", "--yes")

    assert result.exit_code == 0, result.output
    found = json.loads((await command("show", "user_id:u2", "--json")).stdout)
    assert found["id"] == old
    assert found["traits"]["city"] == "Porto"
    assert len(found["merged"]) == 1
    assert len((await get(rig, "user_id:u2/events")).json["data"]) == 4


async def test_a_merged_profile_takes_the_events_of_both_from_then_on(command: Command, rig: Running) -> None:
    await send(rig, track("Known by heart", "u2"))
    await command("merge", "user_id:u1", "user_id:u2", "--yes")

    await send(rig, track("Later", "u2"))

    events = (await get(rig, "user_id:u1/events?include=Later")).json["data"]
    assert [one["event"] for one in events] == ["Later"]


async def test_a_split_gives_identifiers_to_a_new_profile(command: Command, rig: Running) -> None:
    result = await command("split", "user_id:u1", "email:ann@x.io", "anonymous_id:a1", "--yes")

    assert result.exit_code == 0, result.output
    new = json.loads((await command("show", "email:ann@x.io", "--json")).stdout)
    old = json.loads((await command("show", "user_id:u1", "--json")).stdout)
    assert [one["id"] for one in new["external_ids"]] == ["ann@x.io", "a1"]
    assert [one["id"] for one in old["external_ids"]] == ["u1"]
    assert (old["traits"]["plan"], new["traits"]) == ("gold", {})
    await send(rig, {"type": "page", "anonymousId": "a1"})
    [event] = (await get(rig, "anonymous_id:a1/events")).json["data"]
    assert event["related"]["users"] == new["id"]


async def test_two_splits_at_the_same_moment_make_two_profiles(command: Command) -> None:
    await command("split", "user_id:u1", "email:ann@x.io", "--yes")
    await command("split", "user_id:u1", "anonymous_id:a1", "--yes")

    ids = {
        json.loads((await command("show", name, "--json")).stdout)["id"]
        for name in ("user_id:u1", "email:ann@x.io", "anonymous_id:a1")
    }
    assert len(ids) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("show", "user_id:nobody"), "`router profile search` lists"),
        (("show", "use_" + "0" * 32), "no profile has"),
        (("show", "nonsense"), 'NAME is an identifier such as "user_id:u1"'),
        (("show", "user_id:"), "names no profile"),
        (("merge", "user_id:u1", "anonymous_id:a1", "--yes"), "lead to one profile already"),
        (("split", "user_id:u1", "email:no@x.io", "--yes"), "has no email 'no@x.io'"),
        (
            ("split", "user_id:u1", "user_id:u1", "email:ann@x.io", "anonymous_id:a1", "--yes"),
            "leave one out",
        ),
        (("split", "user_id:u1", "nonsense", "--yes"), "names no profile"),
    ],
)
async def test_what_cannot_be_done_is_said_with_a_remedy(
    command: Command, words: tuple[str, ...], said: str
) -> None:
    result = await command(*words)

    assert result.exit_code == 1
    assert said in result.output


async def test_nothing_is_merged_without_a_yes(command: Command) -> None:
    result = await command("merge", "user_id:u1", "user_id:u2", input="n\n")

    assert result.exit_code == 1
    ids = {
        json.loads((await command("show", f"user_id:{one}", "--json")).stdout)["id"] for one in ("u1", "u2")
    }
    assert len(ids) == 2


async def test_everything_is_exported_a_line_each(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "profiles.jsonl"

    result = await command("export", "--to", str(target))

    assert result.exit_code == 0, result.output
    found = [json.loads(one) for one in target.read_text().splitlines()]
    assert [one["external_ids"][0]["id"] for one in found] == ["u1", "u2"]
    assert found[0]["traits"]["plan"] == "gold"
    assert len(found[0]["links"]) == 1
    assert "2 profiles written" in result.stderr


async def test_an_export_never_overwrites(command: Command, tmp_path: Path) -> None:
    target = tmp_path / "profiles.jsonl"
    target.write_text("precious")

    result = await command("export", "--to", str(target))

    assert (result.exit_code, target.read_text()) == (1, "precious")


async def test_another_space_is_another_list(command: Command) -> None:
    result = await command("search", space="club")

    assert "There are no profiles here" in result.stdout


async def test_an_operators_merge_is_told(rig: Running, tmp_path: Path) -> None:
    heard: list[Signal] = []
    rig.signals.observe(heard.append)
    file = tmp_path / "router.toml"
    file.write_text(CONFIG.format(folder=tmp_path))

    line = ["profile", "merge", "user_id:u1", "user_id:u2", "--yes", "--space", "shop", "--config", str(file)]
    await asyncio.to_thread(CliRunner().invoke, main, line)

    [told] = [one for one in heard if isinstance(one, ProfileEdited)]
    assert (told.act, told.by) == ("merge", "operator")


async def test_what_changed_is_written_a_line_each(command: Command) -> None:
    lines = [json.loads(one) for one in (await command("changes", space="")).stdout.splitlines()]

    assert [one["number"] for one in lines] == list(range(len(lines)))
    assert [one["kind"] for one in lines[:3]] == ["created", "mapped", "mapped"]
    assert lines[1]["data"] == {"type": "user_id", "value": "u1"}
    assert {one["kind"] for one in lines} == {"created", "mapped", "traits", "linked"}
    assert {(one["space"], one["source"]) for one in lines} == {("shop", "web")}


async def test_changes_begin_where_they_are_asked_for(command: Command) -> None:
    done = await command("changes", "--from", "2", "--count", "1", space="")
    beyond = await command("changes", "--from", "1000", space="")

    assert [json.loads(one)["number"] for one in done.stdout.splitlines()] == [2]
    assert (beyond.exit_code, beyond.stdout) == (0, "")


async def test_changes_are_followed_as_they_come(rig: Running, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    first = await rig.router.storage.profiles.next_change()
    line = ["profile", "changes", "--follow", "--from", str(first), "--count", "2", "--config", str(file)]

    following = asyncio.create_task(asyncio.to_thread(CliRunner().invoke, main, line))
    await send(rig, {"type": "page", "anonymousId": "a9"})
    done = await asyncio.wait_for(following, 30)

    assert [json.loads(one)["kind"] for one in done.stdout.splitlines()] == ["created", "mapped"]


async def test_following_ends_with_a_word_where_no_router_runs(rig: Running, tmp_path: Path) -> None:
    file = tmp_path / "router.toml"
    file.write_text(CONFIG.format(folder=tmp_path))
    await rig.stop()
    try:
        line = ["profile", "changes", "--follow", "--from", "0", "--config", str(file)]
        done = await asyncio.to_thread(CliRunner().invoke, main, line)
    finally:
        await rig.start()

    assert done.exit_code == 1
    assert json.loads(done.stdout.splitlines()[0])["number"] == 0
    assert "no router runs" in done.stderr


async def test_where_says_what_rules_saw_of_the_profile(tmp_path: Path) -> None:
    async with profiles({"identity": {"snapshot": ["plan"]}}, folder=tmp_path) as rig:
        await send(rig, identify("u1", plan="gold"), track("Paid", messageId="m1"))
        await send(rig, identify("u1", plan="tin"))
        file = tmp_path / "router.toml"
        sections = '[identity]\n[sources.web]\nwrite_key = "wk_web"\nworkspace = "shop"\n'
        file.write_text(CONFIG.format(folder=tmp_path) + sections)

        done = await asyncio.to_thread(CliRunner().invoke, main, ["where", "m1", "--config", str(file)])

    assert re.search(r'profile    use_\w+ \{"plan":"gold"\}\n', done.output), done.output
