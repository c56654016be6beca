"""What a reload does to destinations that are new, changed, gone or as before."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest

from router.errors import ConfigError, PluginError
from router.events.calls import Track
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.outcome import Outcome
from router.plugins.policies import Policies
from router.plugins.settings import Settings
from router.telemetry.happenings import BatchFailed, ConfigReloaded, CursorMoved
from router.telemetry.signals import Signal
from router.testing.fake_http import FakeHttp, Received, Reply
from tests.flow.reload.rig import hook, reloading

COLLECT = {"collect": {"kind": "collect"}}


async def test_a_destination_whose_section_is_the_same_keeps_its_actor() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        before = rig.rig.router.destinations["crm"]

        done = await rig.reload(
            destinations={**COLLECT, "crm": hook(service.url), "more": {"kind": "collect"}}
        )

        assert rig.rig.router.destinations["crm"] is before
        assert (done.added, done.changed, done.unchanged) == (("more",), (), ("collect", "crm"))


async def test_a_changed_destination_goes_on_from_its_cursor() -> None:
    async with FakeHttp() as old, FakeHttp() as new, reloading({"crm": hook(old.url)}) as rig:
        await rig.send("A")
        await old.wait(1)

        await rig.reload(destinations={"crm": hook(new.url)})
        await rig.send("B")

        await new.wait(1)
        await rig.rig.drained()
        assert [one.json()["event"] for one in old.requests + new.requests] == ["A", "B"]
        assert await rig.missing() == {}


async def test_what_is_in_flight_is_finished_by_the_former_actor() -> None:
    async with FakeHttp() as old, FakeHttp() as new, reloading({"crm": hook(old.url)}) as rig:
        old.default = Reply(is_held=True)
        await rig.send("A")
        await old.wait(1)

        changing = asyncio.ensure_future(rig.reload(destinations={"crm": hook(new.url)}))
        await asyncio.sleep(0)
        old.release()
        await changing
        await rig.send("B")
        await new.wait(1)

        assert [one.json()["event"] for one in new.requests] == ["B"]


async def test_a_new_destination_gets_what_comes_from_then_on() -> None:
    async with FakeHttp() as service, reloading({}) as rig:
        await rig.send("A")

        await rig.reload(destinations={**COLLECT, "crm": hook(service.url)})
        await rig.send("B")

        assert [one.json()["event"] for one in await service.wait(1)] == ["B"]


async def test_a_destination_that_is_gone_with_nothing_waiting_is_retired() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        await rig.send("A")
        await rig.rig.drained()

        done = await rig.reload(destinations=COLLECT)
        await rig.send("B")

        assert done.removed == ("crm",)
        assert (await rig.state("crm")).is_retired
        assert await rig.missing() == {}


async def test_a_destination_that_is_gone_with_events_waiting_is_refused() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        service.default = Reply(status=503)
        await rig.send("A")
        actor = rig.rig.router.destinations["crm"]

        with pytest.raises(ConfigError, match=r'destinations.crm: .*1 event waits.*retire = "drain"'):
            await rig.reload(destinations=COLLECT)

        assert rig.rig.router.destinations["crm"] is actor


async def test_parked_events_pass_to_the_changed_destination() -> None:
    def refuse_one(request: Received) -> Reply | None:
        return Reply(status=500) if b'"Bad"' in request.body else None

    async with FakeHttp() as old, FakeHttp() as new, reloading({"crm": hook(old.url)}) as rig:
        old.rule = refuse_one
        await rig.send("Bad", user="u1")
        await rig.send("Good", user="u2")
        while not rig.rig.router.destinations["crm"].status.parked:
            await rig.rig.signals.wait_for(CursorMoved)

        await rig.reload(destinations={**COLLECT, "crm": hook(new.url)})

        assert rig.rig.router.destinations["crm"].status.parked == 1
        assert await rig.missing() == {}


async def test_a_plugin_that_does_not_take_its_settings_is_refused_and_nothing_changes() -> None:
    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        registry = rig.rig.router.registry.with_plugin(_Plugin())
        actor = rig.rig.router.destinations["crm"]

        with pytest.raises(PluginError, match=r"destination 'odd'.*no such account"):
            await rig.reload(
                registry=registry,
                destinations={
                    "crm": hook(f"{service.url}/2"),
                    "odd": {"kind": "odd", "settings": {"fails": "made"}},
                },
            )

        assert rig.rig.router.destinations["crm"] is actor
        assert "odd" not in rig.rig.router.destinations


async def test_a_destination_that_does_not_start_goes_on_as_it_was() -> None:
    async with reloading({}) as rig:
        registry = rig.rig.router.registry.with_plugin(_Plugin())
        await rig.reload(registry=registry, destinations={**COLLECT, "odd": {"kind": "odd"}})

        done = await rig.reload(
            destinations={**COLLECT, "odd": {"kind": "odd", "settings": {"fails": "fed"}}}
        )
        await rig.send("A")

        assert "not hungry" in done.failed["odd"]
        assert done.changed == ()
        await rig.rig.drained()
        assert (await rig.rig.counters())["delivered", "odd"] == 1
        assert rig.rig.router.config.destinations["odd"].settings == _OddSettings()


async def test_two_reloads_at_once_happen_one_after_the_other() -> None:
    async with FakeHttp() as one, FakeHttp() as two, reloading({"crm": hook(one.url)}) as rig:
        await asyncio.gather(
            rig.reload(destinations={**COLLECT, "crm": hook(two.url)}),
            rig.reload(destinations={**COLLECT, "crm": hook(f"{two.url}/last")}),
        )
        await rig.send("A")

        assert [request.path for request in await two.wait(1)] == ["/last"]


@pytest.mark.slow
async def test_a_thousand_reloads_with_failing_batches_in_flight_keep_every_sum() -> None:
    """Every third request fails, so that batches are given back, suspected and parked while actors change over."""
    answered = failures = 0

    def two_of_three_fail(request: Received) -> Reply:
        nonlocal answered
        answered += 1
        return Reply(status=503 if answered % 3 else 200)

    def count(signal: Signal) -> None:
        nonlocal failures
        failures += isinstance(signal, BatchFailed)

    async with FakeHttp() as service, reloading({"crm": hook(service.url)}) as rig:
        service.rule = two_of_three_fail
        rig.rig.signals.observe(count)
        sections = [hook(f"{service.url}/{size}", batching={"max_events": size}) for size in (1, 2, 3)]
        configs = [rig.loaded(destinations={**COLLECT, "crm": section}) for section in sections]
        for number in range(1000):
            if number % 5 == 0:
                await rig.rig.router.track("Sent", user_id=f"u{number % 7}")
            assert (await rig.rig.router.reload(configs[number % 3])).changed == ("crm",)
            if number % 100 == 0:
                assert await rig.missing() == {}
        service.rule = None
        await rig.rig.drained()

        counters = await rig.rig.counters()
        assert failures > 0
        assert await rig.missing() == {}
        assert counters["delivered", "crm"] == counters["accepted", "crm"] == 200
        assert sum(isinstance(one, ConfigReloaded) for one in rig.heard) == 1000
        assert len(rig.rig.router.destinations) == 2


class _OddSettings(Settings, frozen=True):
    """When it fails."""

    fails: str = ""


class _Odd(Destination[_OddSettings, Track]):
    """Fails at a stage of its start."""

    kind = "odd"

    def __init__(self, settings: _OddSettings, *, name: str) -> None:
        super().__init__(settings, name=name)
        if settings.fails == "made":
            raise RuntimeError("no such account")

    def feed_by(self, policies: Policies) -> None:
        super().feed_by(policies)
        if self.settings.fails == "fed":
            raise RuntimeError("not hungry")

    async def deliver(self, events: Sequence[Track]) -> Sequence[Outcome] | None:
        return None


class _Plugin:
    """Offers it."""

    @hookimpl
    def register_destinations(self) -> list[type[Destination[Any, Any]]]:
        """The class."""
        return [_Odd]
