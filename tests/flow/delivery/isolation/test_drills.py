"""One drill for each thing that a plugin may do to others: it is named, contained, and a neighbour does not notice."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import pytest

from router.actors.guard import Guard
from router.actors.watchdog import Watchdog
from router.delivery.sending import flow
from router.events.calls import Identify, Track
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching
from router.plugins.request import Request
from router.telemetry.happenings import DestinationPaused, PluginMisbehaved
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.rig import Hook, HookSettings, Rig, envelope, rig
from tests.flow.delivery.test_plugins_in_delivery import Kept, NoSettings

Events = Sequence[Track | Identify]


class Keeping(Destination[NoSettings, Track | Identify]):
    """Keeps what it gets, but for one event with which it does `harm`."""

    kind = "keeping"
    bad = "m1"

    def __init__(self) -> None:
        super().__init__(NoSettings(), name="crm")
        self.got: list[str] = []

    async def deliver(self, events: Events) -> Sequence[Outcome] | None:
        for event in events:
            if event.message_id == self.bad:
                self.harm(event)
            self.got.append(event.message_id)
        return None

    def harm(self, event: Track | Identify) -> None:
        """Do what harms others."""


@asynccontextmanager
async def watched(make: Callable[[], Destination[Any, Any]], **options: Any) -> AsyncIterator[Rig]:
    """An actor whose plugin is interrupted after a fifth of a second."""
    guard = Guard()
    watchdog = Watchdog(lambda seconds, where: None, guard=guard, interrupt_after=0.2)
    watchdog.start()
    try:
        async with rig(make, guard=guard, **options) as one:
            yield one
    finally:
        watchdog.stop()


def spin() -> None:
    while True:
        pass


def sleep_on(seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        time.sleep(0.01)


@pytest.mark.parametrize("block", [spin, sleep_on])
async def test_a_deliver_that_blocks_is_interrupted_named_and_parked(block: Callable[[], None]) -> None:
    class Blocking(Keeping):
        def harm(self, event: Track | Identify) -> None:
            block()

    plugin = Blocking()
    async with watched(lambda: plugin, batching=Batching(max_events=1)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(2)

        assert (plugin.got, one.store.parked[1].reason) == (["m0", "m2"], "PLUGIN_TIMEOUT")
        fault = one.of(PluginMisbehaved)[0]
        assert (fault.destination, fault.plugin, fault.fault) == ("crm", "keeping", "blocked")
        assert "test_drills.py:" in fault.where


async def test_a_generator_that_blocks_is_interrupted(service: FakeHttp) -> None:
    class Blocking(Hook):
        def requests(self, events: Events) -> Requests:
            yield Request.post(self.settings.url, json=events[0].message_id)
            if events[0].message_id == "m1":
                spin()
            return None

    async with watched(lambda: Blocking(HookSettings(url=service.url), name="crm")) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(2)

        assert (list(one.store.parked), one.store.parked[1].reason) == ([1], "PLUGIN_TIMEOUT")


async def test_a_generator_that_blocks_as_it_cleans_up_is_interrupted(service: FakeHttp) -> None:
    class Blocking(Hook):
        def requests(self, events: Events) -> Requests:
            try:
                yield Request.post(self.settings.url, json=events[0].message_id)
            finally:
                if events[0].message_id == "m1":
                    spin()
            return None

    service.rule = lambda request: Reply(status=400) if request.json() == "m1" else None
    async with watched(lambda: Blocking(HookSettings(url=service.url), name="crm")) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(2)

        assert (list(one.store.parked), one.store.parked[1].reason) == ([1], "PLUGIN_TIMEOUT")


async def test_a_plugin_that_swallows_every_exception_is_interrupted() -> None:
    class Deaf(Keeping):
        def harm(self, event: Track | Identify) -> None:
            for _ in range(10):
                try:
                    spin()
                except Exception:
                    continue

    plugin = Deaf()
    async with watched(lambda: plugin, batching=Batching(max_events=1)) as one:
        one.publish(*[envelope(n) for n in range(2)])
        await one.until(lambda: 1 in one.store.parked)

        assert plugin.got == ["m0"]


async def test_a_neighbour_goes_on_while_one_blocks() -> None:
    class Blocking(Keeping):
        def harm(self, event: Track | Identify) -> None:
            spin()

    class Never(Keeping):
        bad = ""

    guard = Guard()
    watchdog = Watchdog(lambda seconds, where: None, guard=guard, interrupt_after=0.2)
    watchdog.start()
    neighbour = Never()
    async with rig(Blocking, guard=guard) as bad, rig(lambda: neighbour, guard=guard) as good:
        bad.publish(*[envelope(n) for n in range(3)])
        good.publish(*[envelope(n) for n in range(50)])
        await good.finished(50)
        await bad.until(lambda: bool(bad.store.parked))

        assert (len(neighbour.got), good.of(PluginMisbehaved)) == (50, [])
    watchdog.stop()


async def test_a_generator_that_never_ends_is_named(
    service: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    class For(Hook):
        def requests(self, events: Events) -> Requests:
            while True:
                yield Request.post(self.settings.url, json=1, settles=())

    monkeypatch.setattr(flow, "REQUESTS_PER_EVENT", 5)
    async with rig(lambda: For(HookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0))
        await one.until(lambda: bool(one.of(PluginMisbehaved)))

        fault = one.of(PluginMisbehaved)[0]
        assert (fault.plugin, fault.fault, fault.where) == ("hook", "endless", __file__)


NONSENSE: list[Any] = [
    b"bytes",
    "text",
    5,
    [b"bytes"],
    ["delivered"],
    [Outcome.delivered()] * 2,
    [Outcome("maybe")],
    {"verdict": "delivered"},
]


@pytest.mark.parametrize("nonsense", NONSENSE, ids=repr)
async def test_a_deliver_that_returns_nonsense_is_the_plugins_error(nonsense: Any) -> None:
    class Wrong(Kept):
        async def deliver(self, events: Events) -> Sequence[Outcome] | None:
            answer: Sequence[Outcome] = nonsense
            return answer

    async with rig(Wrong) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert (one.actor.status.reason, one.store.ended) == ("PLUGIN_ERROR", 0)


@pytest.mark.parametrize("nonsense", [b"bytes", "text", 5, None, [b"bytes"], [None]], ids=repr)
async def test_requests_that_are_nonsense_are_the_plugins_error(nonsense: Any, service: FakeHttp) -> None:
    class Wrong(Hook):
        def requests(self, events: Events) -> Requests:
            answer: Requests = nonsense
            return answer

    async with rig(lambda: Wrong(HookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert (one.actor.status.reason, service.requests) == ("PLUGIN_ERROR", [])


async def test_a_deliver_that_is_not_async_is_the_plugins_error() -> None:
    class Plain(Kept):
        def deliver(self, events: Events) -> None:  # type: ignore[override]
            return None

    async with rig(Plain) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert one.actor.status.reason == "PLUGIN_ERROR"


@pytest.mark.parametrize("change", ["message_id", "user_id", "event", "json", "properties_json"])
async def test_a_plugin_cannot_alter_an_event(change: str) -> None:
    class Altering(Keeping):
        def harm(self, event: Track | Identify) -> None:
            setattr(event, change, "changed")

    published = envelope(1)
    before = published.event.json
    async with rig(Altering, batching=Batching(max_events=2)) as one:
        one.publish(envelope(0), published)
        await one.until(lambda: 1 in one.store.parked)

        assert (published.event.json, one.store.parked[1].reason) == (before, "PLUGIN_ERROR")


async def test_a_plugin_cannot_take_events_out_of_its_batch() -> None:
    class Clearing(Kept):
        async def deliver(self, events: Events) -> Sequence[Outcome] | None:
            events.clear()  # type: ignore[attr-defined]
            return None

    async with rig(Clearing, batching=Batching(max_events=2)) as one:
        one.publish(envelope(0), envelope(1))
        await one.until(lambda: one.actor.status.is_paused)

        assert one.store.ended == 0


async def test_tasks_that_a_plugin_leaves_behind_are_named_once_and_end_with_it() -> None:
    left: list[asyncio.Task[bool]] = []

    class Leaving(Kept):
        async def deliver(self, events: Events) -> Sequence[Outcome] | None:
            left.append(asyncio.get_running_loop().create_task(asyncio.Event().wait()))
            await asyncio.sleep(0)
            return None

    async with rig(Leaving) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)
        await one.stop()

        faults = one.of(PluginMisbehaved)
        assert [(fault.fault, fault.plugin) for fault in faults] == [("left_tasks", "kept")]
        assert ([task.cancelled() for task in left], one.of(DestinationPaused)) == ([True] * 3, [])


async def test_tasks_that_end_with_deliver_are_nobodys_fault() -> None:
    class Tidy(Kept):
        async def deliver(self, events: Events) -> Sequence[Outcome] | None:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(asyncio.sleep(0))
            return None

    async with rig(Tidy) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)

        assert one.of(PluginMisbehaved) == []


async def test_a_held_destination_sends_nothing_until_it_is_released(service: FakeHttp) -> None:
    def make() -> Hook:
        return Hook(HookSettings(url=service.url), name="crm")

    async with rig(make, held="the plugin hung") as one, rig(make) as other:
        one.publish(envelope(0))
        other.publish(envelope(0, "neighbour"))
        await other.finished(1)
        assert (one.actor.status.is_paused, one.actor.status.reason) == (True, "the plugin hung")
        assert (len(service.requests), one.store.ended) == (1, 0)

        one.actor.release()
        await one.finished(1)
        assert not one.actor.status.is_paused
