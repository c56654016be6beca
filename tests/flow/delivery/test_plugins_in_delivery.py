"""What authors may write, and what becomes of a plugin that breaks."""

import asyncio
import sys
from collections.abc import AsyncIterator, Sequence

import pytest

from router.delivery.sending import steps
from router.errors import RetryLater, Snooze
from router.events.calls import Identify, Track
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching, Rate
from router.plugins.request import Request
from router.plugins.settings import Duration, Settings
from router.telemetry.happenings import DestinationPaused
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.rig import Hook, HookSettings, envelope, rig


class NoSettings(Settings, frozen=True):
    """None."""


class Kept(Destination[NoSettings, Track | Identify]):
    """Keeps what it gets; subclasses break."""

    kind = "kept"

    def __init__(self) -> None:
        super().__init__(NoSettings(), name="crm")
        self.got: list[str] = []
        self.calls = 0

    async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
        """Keep the message ids."""
        self.calls += 1
        self.got += [event.message_id for event in events]
        return None


@pytest.fixture
async def service() -> AsyncIterator[FakeHttp]:
    async with FakeHttp() as one:
        yield one


async def test_a_plugin_that_would_end_the_process_harms_its_event_only() -> None:
    class Quits(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            if any(event.message_id == "m1" for event in events):
                sys.exit("no licence")
            return await super().deliver(events)

    plugin = Quits()
    async with rig(lambda: plugin, batching=Batching(max_events=4)) as one:
        one.publish(*[envelope(n) for n in range(4)])
        await one.finished(3)

        assert sorted(plugin.got) == ["m0", "m2", "m3"]


async def test_a_plugin_that_raises_for_one_event_harms_that_event_only() -> None:
    class Picky(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            if any(event.message_id == "m3" for event in events):
                raise KeyError("total")
            return await super().deliver(events)

    plugin = Picky()
    async with rig(lambda: plugin, batching=Batching(max_events=8)) as one:
        one.publish(*[envelope(n) for n in range(8)])
        await one.finished(7)

        assert sorted(plugin.got) == ["m0", "m1", "m2", "m4", "m5", "m6", "m7"]
        assert (list(one.store.parked), one.store.parked[3].reason) == ([3], "PLUGIN_ERROR")
        assert one.of(DestinationPaused) == []


async def test_a_plugin_that_always_raises_pauses_and_parks_nothing() -> None:
    class Broken(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            self.calls += 1
            raise KeyError("total")

    plugin = Broken()
    async with rig(lambda: plugin, batching=Batching(max_events=8)) as one:
        one.publish(*[envelope(n) for n in range(30)])
        await one.until(lambda: plugin.calls > 20, step=30)

        assert (one.store.ended, one.store.parked, one.actor.status.reason) == (0, {}, "PLUGIN_ERROR")


async def test_a_plugin_that_cannot_open_pauses_until_it_can() -> None:
    class Shy(Kept):
        async def open(self) -> None:
            self.calls += 1
            if self.calls < 3:
                raise ConnectionRefusedError(111, "no database")

    plugin = Shy()
    async with rig(lambda: plugin) as one:
        one.publish(envelope(0))
        await one.finished(1, step=0.5)

        assert ([paused.reason for paused in one.of(DestinationPaused)], plugin.got) == (
            ["ECONNREFUSED"] * 2,
            ["m0"],
        )


async def test_operations_17_of_a_batch_only_the_members_that_may_be_retried_are_sent_again() -> None:
    class Mixed(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            await super().deliver(events)
            if self.calls > 1:
                return None
            return [
                Outcome.delivered(),
                Outcome.rejected("bad_email"),
                Outcome.retry("busy"),
                Outcome.delivered(),
            ]

    plugin = Mixed()
    async with rig(lambda: plugin, batching=Batching(max_events=4)) as one:
        one.publish(*[envelope(n) for n in range(4)])
        await one.finished(4, step=1)

        assert plugin.got == ["m0", "m1", "m2", "m3", "m2"]
        assert (one.store.count("delivered"), one.store.count("dead", "bad_email")) == (3, 1)


async def test_outcomes_that_do_not_match_the_events_are_the_plugins_error() -> None:
    class Miscounting(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            return [Outcome.delivered()] * 2

    async with rig(Miscounting) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert one.actor.status.reason == "PLUGIN_ERROR"


async def test_a_snooze_counts_no_attempt() -> None:
    class Sleepy(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            await super().deliver(events)
            if self.calls == 1:
                raise Snooze("night", after=100)
            return None

    plugin = Sleepy()
    async with rig(lambda: plugin) as one:
        one.publish(envelope(0))
        assert await one.clock.wait_for_sleeper(longer_than=20) == 100
        one.clock.advance(100)
        await one.finished(1)

        assert one.store.attempts(0) == 1


async def test_retry_later_may_name_its_own_wait() -> None:
    class Busy(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            raise RetryLater("busy", after=77)

    async with rig(Busy) as one:
        one.publish(envelope(0))

        assert await one.clock.wait_for_sleeper(longer_than=20) == 77


async def test_a_later_step_uses_the_answer_of_an_earlier_one_and_finished_steps_are_not_repeated(
    service: FakeHttp,
) -> None:
    class Steps(Hook):
        def requests(self, events: Sequence[Track | Identify]) -> Requests:
            answer = yield Request.get(self.settings.url + "/token")
            token = answer.json()["token"]
            yield Request.post(self.settings.url, json=token)
            return None

    service.script(Reply(body=b'{"token":"t1"}'), 503, 200)
    async with rig(lambda: Steps(HookSettings(url=service.url + "/hook"), name="crm")) as one:
        one.publish(envelope(0))
        await one.finished(1, step=0.5)

        assert [(request.method, request.body) for request in service.requests] == [
            ("GET", b""),
            ("POST", b'"t1"'),
            ("POST", b'"t1"'),
        ]


async def test_a_generator_may_end_with_one_outcome_for_each_event(service: FakeHttp) -> None:
    class Judging(Hook):
        def requests(self, events: Sequence[Track | Identify]) -> Requests:
            answer = yield Request.post(self.settings.url, json=[event.message_id for event in events])
            bad = answer.json()["bad"]
            return [
                Outcome.rejected("E1") if event.message_id in bad else Outcome.delivered() for event in events
            ]

    service.default = Reply(body=b'{"bad":["m1"]}')
    async with rig(
        lambda: Judging(HookSettings(url=service.url), name="crm"), batching=Batching(max_events=3)
    ) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)

        assert (one.store.count("delivered"), one.store.count("dead", "E1")) == (2, 1)


async def test_a_status_that_the_generator_accepts_is_an_answer(service: FakeHttp) -> None:
    class Looking(Hook):
        def requests(self, events: Sequence[Track | Identify]) -> Requests:
            answer = yield Request(method="GET", url=self.settings.url, accepts=(404,))
            yield Request.post(self.settings.url, json="new" if answer.status == 404 else "old")
            return None

    service.script(404)
    async with rig(lambda: Looking(HookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert service.requests[1].json() == "new"


async def test_a_url_that_makes_no_sense_pauses_with_invalid_settings() -> None:
    async with rig(lambda: Hook(HookSettings(url="not a url"), name="crm")) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert one.actor.status.reason == "INVALID_SETTINGS"


async def test_a_plugin_that_cancels_its_own_task_does_not_lose_the_event() -> None:
    class Suicidal(Kept):
        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            await super().deliver(events)
            if self.calls == 1:
                raise asyncio.CancelledError
            return None

    async with rig(Suicidal) as one:
        one.publish(envelope(0))
        await one.finished(1, step=0.5)

        assert one.store.count("delivered") == 1


async def test_a_plugin_that_fails_to_close_does_not_hold_up_the_stop() -> None:
    class Clinging(Kept):
        async def close(self) -> None:
            raise KeyError("no")

    async with rig(Clinging) as one:
        one.publish(envelope(0))
        await one.finished(1)
        await one.stop()

        assert one.store.count("delivered") == 1


@pytest.mark.parametrize("nonsense", [Request.get("http://127.0.0.1/"), ["not a request"]])
async def test_requests_that_are_none_are_the_plugins_error(nonsense: object) -> None:
    class Wrong(Hook):
        def requests(self, events: Sequence[Track | Identify]) -> Requests | Sequence[Request]:
            return nonsense  # type: ignore[return-value]

    async with rig(lambda: Wrong(HookSettings(url="http://127.0.0.1/"), name="crm")) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert one.actor.status.reason == "PLUGIN_ERROR"


async def test_every_step_of_an_attempt_keeps_to_the_rate(service: FakeHttp) -> None:
    class Twice(Hook):
        def requests(self, events: Sequence[Track | Identify]) -> Sequence[Request]:
            return [Request.get(self.settings.url)] * 2

    async with rig(
        lambda: Twice(HookSettings(url=service.url), name="crm"), rate=Rate(requests=1, per=Duration(1))
    ) as one:
        one.publish(envelope(0))
        await service.wait(1)
        await one.until(lambda: one.clock.next_due == 1)
        assert len(service.requests) == 1
        one.clock.advance(1)
        await one.finished(1)

        assert len(service.requests) == 2


async def test_finished_steps_of_old_attempts_are_forgotten(
    service: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Twice(Hook):
        def requests(self, events: Sequence[Track | Identify]) -> Sequence[Request]:
            url = self.settings.url
            return [Request.get(url + "/one"), Request.post(url, json=[one.message_id for one in events])]

    monkeypatch.setattr(steps, "MOST", 1)
    service.rule = lambda request: Reply(status=503) if request.method == "POST" else None
    async with rig(lambda: Twice(HookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0), envelope(1))
        await one.until(lambda: len(service.requests) >= 6, step=30)
        service.rule = None
        await one.finished(2, step=30)

        assert sum(request.method == "GET" for request in service.requests) > 2
