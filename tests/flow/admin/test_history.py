"""What happened when, as the running router remembers it and `router metrics` shows it."""

import asyncio
from pathlib import Path

import msgspec
from click.testing import CliRunner

from router.admin.history import HISTORY, AskHistory, Told, answer_history
from router.admin.verbs import Desk
from router.cli.main import main
from router.cli.metrics import picture
from router.telemetry.recorder import EVERY_SECONDS
from router.telemetry.steps import StepName
from router.testing.clock import ManualClock
from router.testing.running import Running, running

MINUTE = 60_000


async def told(rig: Running, clock: ManualClock, **asked: object) -> Told:
    desk = Desk()
    answer_history(desk, rig.router.storage, now=clock.now)
    asked.setdefault("first", clock.now() - 5 * MINUTE)
    return await desk.ask(HISTORY, msgspec.convert(asked, AskHistory))


async def test_the_running_router_records_by_itself() -> None:
    clock = ManualClock()
    first = clock.now() - MINUTE  # kept: the clock runs ahead while the recorder writes
    async with running(clock=clock) as rig:
        for name in ("A", "B"):
            await rig.router.track(name, user_id="u1")
        await rig.drained()
        while not (found := (await told(rig, clock, first=first, destination="collect")).lines):
            await clock.wait_for_sleeper(timeout=10)
            clock.advance(EVERY_SECONDS)

    assert [(line.name, line.total) for line in found] == [
        (StepName("successful_delivery", destination="collect"), 2)
    ]


async def test_a_question_for_one_source_leaves_out_the_rest() -> None:
    clock = ManualClock()
    async with running(clock=clock) as rig:
        await rig.router.track("A", user_id="u1")
        await rig.drained()
        await rig.router.storage.history.record(clock.now())
        answer = await told(rig, clock, source="embedded", after=clock.now() + 1)

    assert (answer.granularity, answer.width) == ("minute", MINUTE)
    [line] = answer.lines
    assert (line.name.step, line.total, line.points) == ("successfully_received", 1, [0, 0, 0, 0, 0, 1])


async def test_the_command_shows_it_without_a_router(tmp_path: Path) -> None:
    async with running(folder=tmp_path) as rig:
        await rig.router.track("A", user_id="u1")
        await rig.drained()
        await rig.router.storage.history.record(rig.router.clock.now())
    config = tmp_path / "router.toml"
    config.write_text(f'[storage]\npath = "{tmp_path}/router.db"\nfree_floor = 0\nballast = 0\n')

    result = await asyncio.to_thread(
        CliRunner().invoke, main, ["metrics", "--config", str(config)], catch_exceptions=False
    )

    assert "destination collect" in result.output
    assert "delivered" in result.output
    assert "█" in result.output


def test_many_points_are_added_up_to_fit() -> None:
    assert picture([0, 1, 2, 8]) == " ▁▂█"
    assert len(picture([1] * 240)) == 48
    assert picture([0, -3]) == "  "
