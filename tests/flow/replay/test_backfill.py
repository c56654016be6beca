"""Back-fill: a new destination that begins in the past."""

from pathlib import Path
from typing import Any

import pytest

from router.telemetry.happenings import BackfillStarted
from router.telemetry.signals import Signal
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp
from router.testing.running import Running, running


async def filled(one: Running, clock: ManualClock) -> None:
    """Ten seconds lie between four events."""
    for number in range(4):
        await one.router.track("Bought", user_id="u1", message_id=f"m{number}")
        await one.drained()
        clock.advance(10)


@pytest.mark.parametrize(
    ("backfill", "expected"),
    [("25s", ["m2", "m3"]), (True, ["m0", "m1", "m2", "m3"]), ("1h", ["m0", "m1", "m2", "m3"]), (False, [])],
)
async def test_a_new_destination_gets_the_events_of_the_time_it_asks_for(
    service: FakeHttp, tmp_path: Path, backfill: Any, expected: list[str]
) -> None:
    clock = ManualClock()
    async with running(folder=tmp_path, clock=clock) as one:
        await filled(one, clock)
        crm = {"kind": "webhook", "settings": {"url": service.url}, "backfill": backfill}
        one.config["destinations"]["crm"] = crm

        await one.restart()
        await one.router.track("Bought", user_id="u1", message_id="new")
        await one.drained()

        assert [request.json()["messageId"] for request in service.requests] == [*expected, "new"]


async def test_a_destination_is_filled_once(service: FakeHttp, tmp_path: Path) -> None:
    clock = ManualClock()
    seen: list[Signal] = []
    async with running(folder=tmp_path, clock=clock) as one:
        one.signals.observe(seen.append)
        await filled(one, clock)
        crm = {"kind": "webhook", "settings": {"url": service.url}, "backfill": True}
        one.config["destinations"]["crm"] = crm

        await one.restart()
        await one.drained()
        await one.restart()
        await one.drained()

        assert len(service.requests) == 4
        assert [one for one in seen if isinstance(one, BackfillStarted)] == [BackfillStarted("crm", 0, 4, 0)]
        assert [request.json()["integrations"] for request in service.requests] == [{}] * 4
