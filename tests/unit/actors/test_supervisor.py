"""A crash restarts one actor; too many crashes stop everything with the reason."""

import asyncio

import pytest

from router.actors.actor import Actor
from router.actors.supervisor import Supervisor
from router.errors import ActorFailed


class Crashing(Actor):
    name = "crashing"

    def __init__(self, times: int) -> None:
        self.left = times
        self.runs = 0
        self.steady = asyncio.Event()

    async def run(self) -> None:
        self.runs += 1
        await asyncio.sleep(0)
        if self.left:
            self.left -= 1
            raise ValueError("boom")
        self.steady.set()
        await asyncio.Event().wait()


class Recording(Actor):
    def __init__(self, name: str, log: list[str]) -> None:
        self.name = name
        self.log = log

    async def run(self) -> None:
        await asyncio.Event().wait()

    async def stop(self) -> None:
        self.log.append(self.name)


class Other(Recording):
    """Another class, so that it is stopped by itself."""


async def test_a_crashed_actor_is_started_again() -> None:
    supervisor = Supervisor()
    actor = Crashing(5)

    supervisor.start(actor)
    await asyncio.wait_for(actor.steady.wait(), 5)

    assert actor.runs == 6
    assert not supervisor.failed.done()
    await supervisor.stop()


async def test_the_sixth_crash_in_thirty_seconds_fails_with_the_reason() -> None:
    supervisor = Supervisor()
    supervisor.start(Crashing(6))

    failure = await asyncio.wait_for(asyncio.shield(supervisor.failed), 5)

    assert isinstance(failure, ActorFailed)
    assert "crashing" in str(failure)
    assert "boom" in str(failure)
    await supervisor.stop()


async def test_crashes_that_are_far_apart_never_fail() -> None:
    now = iter(range(0, 10_000, 10))
    supervisor = Supervisor(clock=lambda: float(next(now)))
    actor = Crashing(20)

    supervisor.start(actor)
    await asyncio.wait_for(actor.steady.wait(), 5)

    assert actor.runs == 21
    await supervisor.stop()


async def test_each_restart_is_reported_with_its_error() -> None:
    reports: list[tuple[str, str]] = []
    supervisor = Supervisor(restarted=lambda name, error: reports.append((name, str(error))))
    actor = Crashing(2)

    supervisor.start(actor)
    await asyncio.wait_for(actor.steady.wait(), 5)

    assert reports == [("crashing", "boom")] * 2
    await supervisor.stop()


async def test_actors_stop_in_the_opposite_order_of_their_start() -> None:
    log: list[str] = []
    supervisor = Supervisor()
    for kind, name in ((Recording, "first"), (Other, "second"), (Recording, "third")):
        supervisor.start(kind(name, log))

    await supervisor.stop()

    assert log == ["third", "second", "first"]


async def test_an_actor_that_does_not_stop_in_time_is_cancelled() -> None:
    class Stubborn(Recording):
        async def stop(self) -> None:
            await asyncio.Event().wait()

    supervisor = Supervisor()
    supervisor.start(Stubborn("stubborn", []))

    await asyncio.wait_for(supervisor.stop(timeout=0.01), 5)


async def test_one_crash_leaves_the_other_actors_running() -> None:
    supervisor = Supervisor()
    neighbour = Crashing(0)
    neighbour.name = "neighbour"
    crashing = Crashing(3)
    supervisor.start(neighbour)
    supervisor.start(crashing)

    await asyncio.wait_for(crashing.steady.wait(), 5)

    assert neighbour.runs == 1
    await supervisor.stop()


@pytest.mark.parametrize("stops", [1, 2])
async def test_stopping_twice_is_harmless(stops: int) -> None:
    supervisor = Supervisor()
    supervisor.start(Recording("one", []))

    for _ in range(stops):
        await supervisor.stop()


async def test_neighbours_of_one_class_stop_together() -> None:
    log: list[str] = []
    both = asyncio.Barrier(2)

    class Waiting(Recording):
        async def stop(self) -> None:
            await both.wait()
            self.log.append(self.name)

    supervisor = Supervisor()
    for name in ("first", "second"):
        supervisor.start(Waiting(name, log))

    await asyncio.wait_for(supervisor.stop(timeout=5), 5)

    assert sorted(log) == ["first", "second"]
