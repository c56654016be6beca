"""Notes of plugins that hung, and the search for one that keeps memory."""

import asyncio
from pathlib import Path

import pytest

from router.actors.guard import Foreign
from router.delivery import growth
from router.delivery.growth import EVERY_SECONDS, SAMPLE_SECONDS, GrowthWatch
from router.delivery.stuck import HungPlugin, note_stuck, read_stuck, stuck_file
from router.testing.clock import ManualClock

NOTE = HungPlugin("crm", "hook", "hook.py:7", 1)
PLUGIN = Foreign("crm", "hook", __file__)


def test_the_latest_note_of_each_destination_is_read_and_damage_passed_over(tmp_path: Path) -> None:
    file = stuck_file(str(tmp_path / "router.db"))
    note_stuck(file, NOTE)
    with file.open("ab") as notes:
        notes.write(b'{"destination":5}\nnot json\n\xff\xfe\n\n')
    note_stuck(file, HungPlugin("crm", "hook", "hook.py:9", 2))
    note_stuck(file, HungPlugin("other", "hook", "hook.py:9", 2))

    assert {name: note.where for name, note in read_stuck(file).items()} == {
        "crm": "hook.py:9",
        "other": "hook.py:9",
    }


def test_without_a_file_nothing_is_held(tmp_path: Path) -> None:
    assert read_stuck(tmp_path / "none") == {}
    assert read_stuck(tmp_path) == {}


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


async def watch(
    clock: ManualClock, sizes: list[int], kept: list[bytes], found: list[tuple[str, str]]
) -> None:
    """Let the watch look twice, and through a sample if it takes one, while `kept` grows from this file's code."""
    task = asyncio.get_running_loop().create_task(
        GrowthWatch(
            lambda: {__file__: PLUGIN},
            resident=lambda: sizes.pop(0) if len(sizes) > 1 else sizes[0],
            limit=1000,
            found=lambda plugin, where: found.append((plugin.owner, where)),
            clock=clock,
        ).run()
    )
    for _ in range(2):
        await clock.wait_for_sleeper(longer_than=EVERY_SECONDS - 1)
        clock.advance(EVERY_SECONDS)
        await asyncio.sleep(0)
    if await clock.wait_for_sleeper() == SAMPLE_SECONDS:
        kept += [bytes(100_000) for _ in range(30)]
        clock.advance(SAMPLE_SECONDS)
        await clock.wait_for_sleeper(longer_than=EVERY_SECONDS - 1)
    task.cancel()
    await asyncio.wait([task])


async def test_the_plugin_that_holds_what_it_allocates_is_named(clock: ManualClock) -> None:
    kept: list[bytes] = []
    found: list[tuple[str, str]] = []

    await watch(clock, [5000, 6000], kept, found)

    assert [owner for owner, _ in found] == ["crm"]
    assert "test_isolation_parts.py:" in found[0][1]


async def test_a_process_that_does_not_grow_is_not_traced(
    clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth, "SAMPLE_SECONDS", 1.0)
    found: list[tuple[str, str]] = []

    await watch(clock, [5000, 5999], [], found)

    assert found == []
