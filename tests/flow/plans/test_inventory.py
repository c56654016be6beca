"""What a running router learns of what its sources send."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from router.enrichment import inventory
from router.enrichment.inventory import Inventory
from router.errors import StoreUnavailable
from router.rules.plan.violation import Violation
from router.storage.inventory import OTHERS, SeenEvent
from router.storage.memory.store import MemoryStorage
from router.storage.store import Commit
from router.testing import ManualClock, events
from router.testing.running import Running, running
from tests.unit.plan.drafting import RIDE, text


async def send(rig: Running, event: str = "Bought", times: int = 1, **properties: Any) -> None:
    for _ in range(times):
        await rig.router.track(event, user_id="u", properties=properties, source="website")
    await rig.drained()


def rows(rig: Running) -> dict[tuple[str, str, str], SeenEvent]:
    return {(one.source, one.type, one.name): one for one in rig.router.inventory.rows()}


async def test_events_are_counted_with_their_properties() -> None:
    async with running() as rig:
        await send(rig, total=1, cart={"sku": "a"})
        await send(rig, total=1.5)
        await rig.router.identify(user_id="u", traits={"plan": "pro"}, source="website")
        await rig.drained()

        bought, user = rows(rig)["website", "track", "Bought"], rows(rig)["website", "identify", ""]

    assert (bought.count, bought.looked) == (2, 2)
    assert {path: (one.count, one.type_names()) for path, one in bought.properties.items()} == {
        "total": (2, ["integer", "number"]), "cart": (1, ["object"]), "cart.sku": (1, ["string"])
    }  # fmt: skip
    assert list(user.properties) == ["plan"]


async def test_all_events_are_counted_and_some_are_looked_into() -> None:
    async with running() as rig:
        await send(rig, times=200, total=1)

        bought = rows(rig)["website", "track", "Bought"]

    assert (bought.count, bought.looked) == (200, 33)


async def test_what_was_seen_is_there_after_a_restart_and_counts_go_on() -> None:
    async with running() as rig:
        await send(rig, total=1)
        await rig.restart()
        await send(rig, total=1)

        assert rows(rig)["website", "track", "Bought"].count == 2


async def test_what_changed_is_written_after_some_seconds() -> None:
    clock = ManualClock()
    async with running(clock=clock) as rig:
        await send(rig)
        before = await rig.router.storage.inventory.read()
        clock.advance(inventory.EVERY_SECONDS)
        while not await rig.router.storage.inventory.read():
            await asyncio.sleep(0)

        assert before == []


async def test_a_duplicate_is_not_counted() -> None:
    async with running() as rig:
        for _ in range(2):
            await rig.router.track("Bought", user_id="u", message_id="same", source="website")
        await rig.drained()

        assert rows(rig)["website", "track", "Bought"].count == 1


async def test_a_step_whose_commit_fails_is_counted_once() -> None:
    async with running() as rig:
        commit, failed = rig.router.storage.commit, []

        async def fail_once(step: Commit) -> bool:
            if not failed:
                failed.append(step)
                raise StoreUnavailable("the disk is away")
            return await commit(step)

        rig.router.storage.commit = fail_once  # type: ignore[method-assign]
        await send(rig, total=1)

        assert failed
        assert rows(rig)["website", "track", "Bought"].count == 1


async def test_events_that_are_blocked_or_break_their_plan_are_counted_as_such(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(text(RIDE))
    enforcement = {"track": {"unplanned_events": "block"}, "forward_violations_to": "quality"}
    website = {"write_key": "k", "plan": "shop", "enforcement": enforcement}
    config = {
        "plans": {"shop": {"file": str(file)}},
        "sources": {"website": website, "quality": {"write_key": "q"}},
    }
    async with running(config) as rig:
        await send(rig, "Unheard Of")
        await send(rig, "Ride Ended", times=2, km=1)
        found = rows(rig)

    assert found["website", "track", "Unheard Of"].blocked == {"unplanned": 1}
    [violation] = found["website", "track", "Ride Ended"].violations
    assert (violation.field, violation.type) == ("properties.ride_id", "Required")
    assert violation.within(1, now=violation.last_at) == 2
    assert {source for source, _, _ in found} == {"website"}  # forwarded violations are not shown


async def fill(names: int, properties: int = 0) -> Inventory:
    made = Inventory(MemoryStorage(), sleep=ManualClock().sleep)
    step = made.step()
    for number in range(names):
        step.see("a", events.track(f"E{number}", properties={f"p{one}": 1 for one in range(properties)}), 1)
    made.committed()
    return made


async def test_names_above_the_limit_are_counted_together() -> None:
    made = await fill(inventory.MOST_EVENTS + 7)

    assert len(made.rows()) == inventory.MOST_EVENTS + 1
    [others] = [row for row in made.rows() if row.type == OTHERS]
    assert others.count == 7


async def test_properties_above_the_limit_are_left_out_and_that_is_said() -> None:
    made = await fill(1, properties=1000)

    assert len(made.rows()[0].properties) == 300
    assert made.rows()[0].is_full


async def test_all_events_of_a_source_together_have_a_limit_of_properties() -> None:
    made = await fill(200, properties=300)

    assert sum(len(row.properties) for row in made.rows()) == inventory.MOST_PROPERTIES


async def test_a_write_that_fails_is_made_up_for_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = MemoryStorage()
    made = Inventory(storage, sleep=ManualClock().sleep)
    made.step().see("a", events.track("E"), 1)
    made.committed()

    async def fail(rows: Sequence[SeenEvent]) -> None:
        raise StoreUnavailable("the disk is away")

    with monkeypatch.context() as broken:
        broken.setattr(storage.inventory, "keep", fail)
        await made.stop()
    await made.stop()

    assert [row.name for row in await storage.inventory.read()] == ["E"]


async def test_the_last_write_waits_for_one_under_way(monkeypatch: pytest.MonkeyPatch) -> None:
    storage, release = MemoryStorage(), asyncio.Event()
    made = Inventory(storage, sleep=ManualClock().sleep)
    keep = storage.inventory.keep

    async def wait(rows: Sequence[SeenEvent]) -> None:
        await release.wait()
        await keep(rows)

    monkeypatch.setattr(storage.inventory, "keep", wait)
    made.step().see("a", events.track("E"), 1)
    made.committed()
    async with asyncio.TaskGroup() as group:
        first = group.create_task(made.stop())
        last = group.create_task(made.stop())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        was_done = first.done() or last.done()
        release.set()

    assert not was_done
    assert [row.name for row in await storage.inventory.read()] == ["E"]


async def test_violations_older_than_a_week_are_forgotten() -> None:
    made = Inventory(MemoryStorage(), sleep=ManualClock().sleep)
    hour = 3_600_000
    violation = Violation("Required", "a", "b")
    for at in (hour, 100 * hour, 200 * hour):
        step = made.step()
        step.see("a", events.track("E"), at).violations.append((violation, at, "m"))
        made.committed()

    [found] = made.rows()[0].violations
    assert found.hours == {100: 1, 200: 1}
    assert found.within(24, now=200 * hour) == 1
    assert found.within(168, now=200 * hour) == 2
