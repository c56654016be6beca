"""A replay and the live events of its destination: who goes first, and what they share."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from router.delivery.clock import SystemClock
from router.delivery.gate import Gate
from router.delivery.replaying import Pace, Replaying
from router.delivery.sending.http import HttpClient
from router.delivery.sending.rate import RateLimit
from router.delivery.sending.sender import Sender
from router.delivery.stuck import HungPlugin, note_stuck, stuck_file
from router.events.calls import AnyEvent
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.settings import Settings
from router.telemetry.happenings import DestinationPaused, DestinationResumed
from router.telemetry.signals import Signal
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp, Received, Reply
from tests.flow.delivery.rig import envelope
from tests.flow.delivery.rig import rig as actor_rig
from tests.flow.delivery.talk import hook, ids
from tests.flow.replay.rig import replaying

ONE_AT_A_TIME = {"concurrency": {"max": 1}}


async def test_a_live_event_goes_ahead_of_the_backlog_of_a_replay(service: FakeHttp) -> None:
    async with replaying(service, crm=ONE_AT_A_TIME) as rig:
        await rig.accept(*[f"m{n}" for n in range(20)])
        service.script(Reply(is_held=True))
        await rig.begin()
        await service.wait(21)
        live = asyncio.create_task(rig.accept("live"))
        await rig.one.shelf.wait(21)
        await rig.until(lambda: rig.one.router.destinations["crm"].gate.live.is_ready)
        service.release()
        await live
        await rig.replayed()

        assert rig.ids[20:23] == ["m0", "live", "m1"]


async def test_a_replay_gets_one_batch_for_eight_of_a_live_backlog(service: FakeHttp) -> None:
    async with replaying(service, crm=ONE_AT_A_TIME) as rig:
        await rig.accept(*[f"m{n}" for n in range(9)])
        service.script(Reply(is_held=True))
        await rig.begin()
        await service.wait(10)
        await asyncio.gather(
            *[
                rig.one.router.track("Live", user_id=f"l{n}", message_id=f"l{n}", source="website")
                for n in range(32)
            ]
        )
        await rig.one.shelf.wait(41)
        await rig.until(lambda: rig.one.router.destinations["crm"].gate.live.is_ready)
        service.release()
        await rig.one.drained()
        await rig.replayed()

        order = "".join(one[0] for one in rig.ids[10:])
        assert order.startswith(("l" * 8 + "m") * 3 + "l" * 8)


async def test_both_together_stay_within_the_concurrency_of_the_destination(service: FakeHttp) -> None:
    async with replaying(service, crm={"concurrency": {"initial": 3, "max": 3}}) as rig:
        await rig.accept(*[f"m{n}" for n in range(30)])
        service.most_at_once = 0
        await rig.begin()
        for wave in range(5):
            await rig.accept(*[f"l{wave}{n}" for n in range(6)])
        await rig.replayed()

        assert service.most_at_once <= 3
        assert len(rig.ids) == 90


async def test_a_replay_leaves_a_place_for_live_events(service: FakeHttp) -> None:
    async with replaying(service, crm={"concurrency": {"initial": 3, "max": 3}}) as rig:
        await rig.accept(*[f"m{n}" for n in range(10)])
        service.script(Reply(is_held=True), Reply(is_held=True))
        await rig.begin()
        await service.wait(12)

        await rig.accept("live")  # ends, although everything of the replay is held

        assert rig.ids[12:] == ["live"]
        service.release()
        await rig.replayed()


async def test_a_replay_sends_nothing_while_its_destination_pauses(service: FakeHttp) -> None:
    clock = ManualClock()
    async with replaying(service, clock=clock, crm=ONE_AT_A_TIME) as rig:
        await rig.accept(*[f"m{n}" for n in range(5)])
        service.default = Reply(status=503)
        seen: list[Signal] = []
        rig.one.signals.observe(seen.append)
        await rig.one.router.track("Live", user_id="u", message_id="live")
        await rig.until(lambda: any(isinstance(one, DestinationPaused) for one in seen))

        report = await rig.begin()
        assert str(report.standing) == "running: the destination pauses: 503"
        service.default = Reply()
        await rig.pass_time(clock, lambda: any(isinstance(one, DestinationResumed) for one in seen))
        await rig.replayed()

        assert "".join(one[0] for one in rig.ids[5:]).lstrip("l") == "mmmmml"


async def test_a_destination_that_goes_down_during_a_replay_gets_everything_when_it_is_back(
    service: FakeHttp,
) -> None:
    clock = ManualClock()
    async with replaying(service, clock=clock) as rig:
        await rig.accept(*[f"m{n}" for n in range(6)])
        service.script(200, 200, 503, 503, Reply(is_reset=True))
        await rig.begin()
        await rig.pass_time(clock, lambda: rig.ended)

        sums = await rig.sums("crm#1")
        assert (sums.outcomes["delivered"], sums.outcomes["dead"], sums.missing) == (6, 0, 0)
        assert sorted(set(rig.ids[6:])) == [f"m{n}" for n in range(6)]


async def test_events_of_a_user_who_is_parked_live_wait_in_the_replay_too(service: FakeHttp) -> None:
    clock = ManualClock()
    async with replaying(service, clock=clock) as rig:
        await rig.accept("a0", user_id="a")
        await rig.accept("b0", user_id="b")
        await rig.accept("a1", user_id="a")
        is_back = False

        def rule(request: Received) -> Reply | None:
            bad = request.json()["messageId"] == "bad" and not is_back
            return Reply(status=500) if bad else None

        service.rule = rule
        router = rig.one.router
        await router.track("Bad", user_id="a", message_id="bad")
        await router.track("Good", user_id="c", message_id="good")
        await router.track("Good", user_id="d", message_id="fine")
        live = router.destinations["crm"]
        await rig.pass_time(clock, lambda: live.status.parked == 1 and not live.status.is_paused)
        before = len(rig.ids)
        await rig.begin()
        await rig.until(lambda: "b0" in rig.ids[before:])
        assert "a0" not in rig.ids[before:]
        is_back = True
        await rig.pass_time(clock, lambda: rig.ended)

        after = rig.ids[before:]
        assert after.index("a0") < after.index("a1")
        assert after.index("bad") < after.index("a0")


async def test_a_replay_keeps_to_a_rate_of_its_own(service: FakeHttp) -> None:
    clock = ManualClock()
    async with replaying(service, clock=clock) as rig:
        await rig.accept("m0", "m1", "m2")

        await rig.begin(requests=1, per=10.0)
        await service.wait(4)
        await clock.wait_for_sleeper(longer_than=9)
        await rig.accept("live")
        clock.advance(10)
        await service.wait(6)

        assert rig.ids[3:] == ["m0", "live", "m1"]
        await rig.until(lambda: not rig.one.router.replays.actors[0].status.in_flight)


async def test_a_replay_uses_the_instance_of_the_plugin_that_is_open(service: FakeHttp) -> None:
    opened: list[str] = []

    class Nothing(Settings, frozen=True):
        pass

    class Opened(Destination[Nothing, AnyEvent]):
        kind = "opened"

        async def open(self) -> None:
            opened.append("opened")

        async def close(self) -> None:
            opened.append("closed")

        async def deliver(self, events: Sequence[AnyEvent]) -> None:
            opened.extend(event.message_id for event in events)

    class Plugin:
        @hookimpl
        def register_destinations(self) -> list[type[Destination[Any, Any]]]:
            return [Opened]

    async with replaying(service, plugins=[Plugin()], destinations={"once": {"kind": "opened"}}) as rig:
        await rig.accept("m0")
        await rig.begin(to="once")
        await rig.replayed()
        await rig.accept("m1")

    assert opened == ["opened", "m0", "m0", "m1", "closed"]


async def test_a_crash_repeats_no_more_than_was_not_settled(service: FakeHttp) -> None:
    clock = SystemClock()
    http = HttpClient()
    rate = RateLimit(None, clock)
    destination = hook(service)()
    parts = Replaying(
        sender=Sender(destination, http=http, rate=rate, clock=clock),
        pace=Pace(None, clock, shared=rate),
        side=Gate(1).replay,
    )
    async with actor_rig(hook(service), replaying=parts, window=5) as one:
        service.rule = lambda request: Reply(is_held=True) if ids(request) == ["m12"] else None
        one.publish(*[envelope(n) for n in range(20)])
        await one.until(lambda: len(service.requests) == 13)
        settled = one.store.cursor.floor
        await one.kill()
        service.rule = None
        service.release()
        one.start()
        await one.finished(20)

        got = [name for request in service.requests for name in ids(request)]
        assert sorted(set(got)) == sorted(f"m{n}" for n in range(20))
        assert len(got) - 20 <= 13 - settled <= 6
    await http.close()


async def test_a_destination_that_is_held_gets_no_replay_until_it_is_released(
    service: FakeHttp, tmp_path: Path
) -> None:
    async with replaying(service, folder=tmp_path) as rig:
        await rig.accept("m0", "m1")
    note_stuck(stuck_file(str(tmp_path / "router.db")), HungPlugin("crm", "webhook", "hook.py:7", 1))
    async with replaying(service, folder=tmp_path) as rig:
        crm = rig.one.router.destinations["crm"]
        await rig.begin()
        await rig.one.router.track("Live", user_id="l", message_id="live")
        await rig.one.shelf.wait(1)
        assert (crm.status.is_paused, "hook.py:7" in crm.status.reason) == (True, True)
        assert rig.ids == ["m0", "m1"]

        crm.release()
        await rig.one.drained()
        await rig.replayed()
        assert sorted(rig.ids[2:]) == ["live", "m0", "m1"]
