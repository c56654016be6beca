"""`/ready` tells progress, not mere existence."""

import asyncio

import aiohttp

from router.assembly.progress import STUCK_SECONDS
from router.storage.store import Commit
from router.telemetry.happenings import EntriesAccepted
from router.testing.clock import ManualClock
from router.testing.running import Running, running


async def ready(rig: Running) -> int:
    async with aiohttp.ClientSession() as session, session.get(rig.url + "/ready") as answer:
        return answer.status


def stop_processing(rig: Running) -> None:
    """Have commits of processing never end."""

    async def never(step: Commit) -> bool:
        return await asyncio.Event().wait()

    rig.router.storage.commit = never  # type: ignore[method-assign]


async def test_a_router_that_has_nothing_to_do_is_ready_however_long() -> None:
    clock = ManualClock()
    async with running(clock=clock) as rig:
        clock.advance(10 * STUCK_SECONDS)

        assert await ready(rig) == 200


async def test_a_router_whose_processing_stands_still_is_not_ready() -> None:
    clock = ManualClock()
    async with running(clock=clock) as rig:
        stop_processing(rig)
        await rig.router.track("E", user_id="u1")
        assert await ready(rig) == 200

        clock.advance(STUCK_SECONDS + 1)

        assert await ready(rig) == 503


async def test_the_first_event_after_a_quiet_hour_does_not_look_stuck() -> None:
    clock = ManualClock()
    async with running(clock=clock) as rig:
        stop_processing(rig)
        clock.advance(3600)
        await rig.router.track("E", user_id="u1")

        assert rig.router.inbox.backlog == 1
        assert await ready(rig) == 200


async def test_what_is_accepted_is_told_once_a_group() -> None:
    seen: list[EntriesAccepted] = []
    async with running() as rig:
        rig.signals.observe(
            lambda signal: seen.append(signal) if isinstance(signal, EntriesAccepted) else None
        )
        await rig.router.track("E", user_id="u1")

    assert [(one.requests, one.events) for one in seen] == [(1, 1)]
