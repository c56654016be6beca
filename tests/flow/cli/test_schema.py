"""`router schema` and `router plan` as an operator types them."""

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main
from router.rules.plan.reading import read_plan
from router.storage.inventory import HOUR, OTHERS, SeenEvent, SeenProperty, SeenViolation
from router.storage.sqlite.store import SqliteStorage
from router.testing.running import running
from tests.unit.plan.drafting import RIDE, rule, text

CONFIG = """
[storage]
path = "{folder}/router.db"
free_floor = 0
ballast = 0
[sources.website]
write_key = "env:NOT_SET"
[sources.app]
write_key = "env:NOT_SET"
"""
Run = Callable[..., Result]


def seen(path: str, *, types: int = 1, count: int = 20) -> dict[str, SeenProperty]:
    return {path: SeenProperty(types, count, 1, 2)}


def rows(now: int) -> list[SeenEvent]:
    violation = SeenViolation(
        "Required", "properties.sku", now, "m-last", {now // HOUR: 3, now // HOUR - 30: 4}
    )
    return [
        SeenEvent("website", "track", "Bought", 1234, now, now, {"unplanned": 5}, 20,
                  properties={**seen("total", types=6), **seen("cart.items.$.sku", count=10)}, violations=[violation]),
        SeenEvent("website", "track", "\x1b[2Jevil", 1, now, now, looked=1),
        SeenEvent("website", OTHERS, "", 9, now, now),
    ]  # fmt: skip


@pytest.fixture
def run(tmp_path: Path) -> Run:
    (tmp_path / "router.toml").write_text(CONFIG.format(folder=tmp_path))

    def run(*words: str, input: bytes | None = None) -> Result:
        options = (
            []
            if words[:2] in (("plan", "check"), ("plan", "test"))
            else ["-c", str(tmp_path / "router.toml")]
        )
        return CliRunner().invoke(main, [*words, *options], input=input)

    return run


@pytest.fixture
def filled(run: Run, tmp_path: Path) -> Run:
    async def fill() -> None:
        store = SqliteStorage(path=tmp_path / "router.db", free_floor=0, ballast_bytes=0)
        await store.open()
        await store.inventory.keep(rows(int(time.time() * 1000)))
        await store.close()

    asyncio.run(fill())
    return run


def test_events_are_listed_with_their_counts(filled: Run) -> None:
    found = filled("schema")

    assert "1,234" in found.output
    assert "(names above the limit)" in found.output
    assert found.exit_code == 0


def test_names_of_strangers_cannot_move_the_cursor(filled: Run) -> None:
    assert "\x1b" not in filled("schema").output


def test_the_properties_of_an_event_are_listed_with_types_and_share(filled: Run) -> None:
    output = filled("schema", "website", "Bought").output

    assert "5 blocked (unplanned)" in output
    [total] = [line.split() for line in output.splitlines() if line.startswith("total")]
    assert total[:5] == ["total", "integer,", "number", "100", "%"]
    assert "cart.items.$.sku" in output


def test_violations_are_listed_by_the_hour_day_and_week(filled: Run) -> None:
    [line] = [
        line.split()
        for line in filled("schema", "--violations").output.splitlines()
        if "properties.sku" in line
    ]

    assert line == ["website", "Bought", "properties.sku", "Required", "3", "3", "7", "m-last"]


def test_everything_is_told_as_json(filled: Run) -> None:
    found = json.loads(filled("schema", "--json").output)

    assert found["sources"] == ["website"]
    assert any(event["properties"] for event in found["events"])


@pytest.mark.parametrize(("words", "said"), [
    (("schema", "websit"), "there is no source 'websit'; did you mean \"website\"?"),
    (("schema", "app"), "nothing was seen of app yet"),
    (("schema", "website", "Nope"), "no event 'Nope' was seen of website"),
    (("plan", "infer", "app"), "nothing was seen of app yet"),
])  # fmt: skip
def test_what_was_not_seen_is_said(filled: Run, words: tuple[str, ...], said: str) -> None:
    found = filled(*words)

    assert said in found.output
    assert found.exit_code == 1


def test_without_a_store_that_is_said(run: Run) -> None:
    assert "there is no store at" in run("schema").output


def test_a_plan_is_proposed_that_can_be_read(filled: Run, tmp_path: Path) -> None:
    found = filled("plan", "infer", "website", "--out", str(tmp_path / "shop.json"))

    plan = read_plan((tmp_path / "shop.json").read_bytes())
    assert found.exit_code == 0
    assert [rule.key for rule in plan.rules] == ["\x1b[2Jevil", "Bought"]


def test_a_plan_that_is_there_is_not_overwritten(filled: Run, tmp_path: Path) -> None:
    (tmp_path / "shop.json").write_text("mine")

    assert filled("plan", "infer", "website", "--out", str(tmp_path / "shop.json")).exit_code == 1
    assert (tmp_path / "shop.json").read_text() == "mine"


async def test_a_running_router_tells_what_it_has_not_written_yet(run: Run, tmp_path: Path) -> None:
    async with running({"storage": {"path": str(tmp_path / "router.db"), "ballast": 0}}) as rig:
        await rig.router.track("Fresh", user_id="u", source="website")
        await rig.drained()

        found = await asyncio.to_thread(run, "schema", "website")

    assert "Fresh" in found.output


@pytest.fixture
def plan(tmp_path: Path) -> str:
    file = tmp_path / "plan.json"
    file.write_bytes(text(RIDE, rule("IDENTIFY", "", part="traits", properties={"age": {"type": "integer"}})))
    return str(file)


def call(**members: Any) -> bytes:
    return json.dumps({"type": "track", "event": "Ride Ended", "userId": "u", **members}).encode() + b"\n"


def test_examples_that_keep_to_the_plan_end_well(run: Run, plan: str) -> None:
    found = run(
        "plan",
        "test",
        plan,
        "-",
        input=call(properties={"ride_id": "r"}) + b"\n" + call(type="alias", previousId="a"),
    )

    assert found.output == "2 of 2 examples keep to the plan\n"
    assert found.exit_code == 0


@pytest.mark.parametrize(("line", "said"), [
    (call(properties={}), "line 1: properties.ride_id is required"),
    (call(properties={"ride_id": "r", "x": 1}), "line 1: unplanned property x"),
    (call(event="Other"), 'line 1: there is no rule for "Other"'),
    (call(type="identify", traits={"age": "x"}), "line 1: traits.age: Invalid type. Expected: integer, given: string"),
    (b"{\n", "line 1: is no call"),
    (b"[1]\n", 'write an object with "type"'),
    (b'{"type": "click"}\n', 'write an object with "type"'),
    (b'{"type": "track"}\n', "line 1: is no call"),
    (b"[" * 5000 + b"\n", "line 1: is no call"),
])  # fmt: skip
def test_what_is_wrong_with_an_example_is_told_by_line(run: Run, plan: str, line: bytes, said: str) -> None:
    found = run("plan", "test", plan, "-", input=line)

    assert said in found.output
    assert found.exit_code == 1


def test_a_good_plan_is_called_good(run: Run, plan: str) -> None:
    found = run("plan", "check", plan)

    assert "has 2 rules and no problems" in found.output
    assert found.exit_code == 0


def test_rules_that_only_the_library_judges_are_named(run: Run, tmp_path: Path) -> None:
    (tmp_path / "p.json").write_bytes(text(rule(minProperties=1)))

    assert 'TRACK "Ride Ended" version 1' in run("plan", "check", str(tmp_path / "p.json")).output


@pytest.mark.parametrize("words", [("check",), ("test", "-")])
def test_a_broken_plan_ends_the_command_with_its_faults(
    run: Run, tmp_path: Path, words: tuple[str, ...]
) -> None:
    (tmp_path / "p.json").write_text('{"rules": [{"type": "TRACK"}]}')

    found = run("plan", words[0], str(tmp_path / "p.json"), *words[1:], input=b"")

    assert "rule 1: has no key" in found.output
    assert found.exit_code == 78


def test_a_plan_that_is_not_there_is_said(run: Run) -> None:
    assert "cannot be read" in run("plan", "check", "nowhere.json").output
