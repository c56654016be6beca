"""Rules look at the profile of an event as it was when the event came: live, after a restart, and in a replay."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from router.admin.dead import LIST, RETRY, LetterIds, ListLetters
from router.admin.last import LAST, Last, answer_last
from router.admin.verbs import Desk
from router.config.load import load
from router.events.calls import AnyEvent
from router.events.profile import ProfileSnapshot
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.outcome import Outcome
from router.plugins.settings import Settings
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.segment import encode_segment
from router.storage.store import Settlement
from router.testing.fake_http import FakeHttp, Reply
from router.testing.running import Running, running
from tests.flow.admin.test_dead import desk_of
from tests.flow.replay.rig import replaying

GOLD = 'type = "track" and profile.traits.plan = "gold"'
STEPS = {
    "set": {"properties.plan": {"@path": "$.profile.traits.plan"}, "context.owner": {"@path": "$.profile.id"}}
}


@pytest.fixture
async def service() -> AsyncIterator[FakeHttp]:
    async with FakeHttp() as one:
        yield one


class Seen:
    """A plugin whose destination notes what it sees of profiles."""

    def __init__(self) -> None:
        self.profiles: list[ProfileSnapshot | None] = []

    @hookimpl
    def register_destinations(self) -> list[type[Destination[Any, Any]]]:
        profiles = self.profiles

        class Seeing(Destination[Settings, AnyEvent]):
            """Note profiles."""

            kind = "seeing"

            async def deliver(self, events: Sequence[AnyEvent]) -> Sequence[Outcome] | None:
                profiles.extend(event.profile for event in events)
                return None

        return [Seeing]


async def plan(rig: Running, value: str | None, user: str = "u1") -> None:
    await rig.router.identify(user_id=user, traits={"plan": value})


async def test_a_filter_looks_at_a_trait_that_an_earlier_event_set() -> None:
    config = {"identity": {}, "destinations": {"collect": {"kind": "collect", "filter": GOLD}}}
    async with running(config) as rig:
        await rig.router.track("Early", user_id="u1")
        await plan(rig, "gold")
        await rig.router.track("Golden", user_id="u1")
        await rig.router.track("Other", user_id="u2")
        await plan(rig, "free")
        await rig.router.track("Late", user_id="u1")
        await rig.drained()

        assert [one["event"] for one in rig.delivered] == ["Golden"]
        assert "profile" not in rig.delivered[0]


async def test_a_client_cannot_say_whose_an_event_is() -> None:
    forged = {"id": "use_1", "traits": {"plan": "gold"}}
    config = {"identity": {}, "destinations": {"collect": {"kind": "collect", "filter": GOLD}}}
    async with running(config) as rig:
        await rig.router.call("track", event="Forged", userId="u1", profile=forged, _profile=forged)
        await plan(rig, "gold")
        await rig.router.call("track", event="Real", userId="u1", profile={"traits": {}})
        await rig.drained()

        assert [one["event"] for one in rig.delivered] == ["Real"]
        assert rig.delivered[0]["profile"] == {"traits": {}}


async def test_a_plugin_finds_the_traits_that_the_operator_chose() -> None:
    seen = Seen()
    config = {"identity": {"snapshot": ["plan"]}, "destinations": {"seeing": {"kind": "seeing"}}}
    async with running(config, plugins=[seen]) as rig:
        await rig.router.identify(user_id="u1", traits={"plan": "gold", "age": 3})
        await rig.router.track("Met", user_id="u1")
        await rig.router.track("Nobody", anonymous_id="anonymous")
        await rig.drained()

        assert [one.traits if one else None for one in seen.profiles] == [{"plan": "gold"}] * 2 + [None]


async def test_a_step_for_a_destination_writes_into_the_event_what_a_function_then_finds() -> None:
    code = "function onTrack(event) { event.properties.seen = event.properties.plan + '!'; return event; }"
    config = {
        "identity": {},
        "transformations": {
            "tell": {"kind": "steps", "destinations": ["collect"], "settings": {"steps": [STEPS]}},
            "function": {"kind": "function", "destinations": ["collect"], "settings": {"code": code}},
        },
    }
    async with running(config) as rig:
        await plan(rig, "gold")
        await rig.router.track("Met", user_id="u1")
        await rig.drained()

        [event] = rig.delivered
        assert event["properties"] == {"plan": "gold", "seen": "gold!"}
        assert event["context"]["owner"].startswith("use_")


async def test_a_condition_behind_a_function_still_knows_the_profile() -> None:
    """A function makes an event anew."""
    drop = {"drop": True, "if": 'profile.traits.plan = "free"'}
    code = "function onTrack(event) { return event; }"
    seen = Seen()
    config = {
        "identity": {},
        "transformations": {
            "function": {"kind": "function", "destinations": ["seeing"], "settings": {"code": code}},
            "steps": {"kind": "steps", "destinations": ["seeing"], "settings": {"steps": [drop]}},
        },
        "destinations": {"seeing": {"kind": "seeing"}},
    }
    async with running(config, plugins=[seen]) as rig:
        await plan(rig, "gold")
        await rig.router.track("Met", user_id="u1")
        await rig.drained()

        assert [one.traits if one else None for one in seen.profiles] == [{"plan": "gold"}]


async def test_a_replay_sees_what_live_delivery_saw(service: FakeHttp) -> None:
    async with replaying(service, identity={}, crm={"filter": GOLD}) as rig:
        await plan(rig.one, "gold", user="u-m1")
        await rig.accept("m1", "m2")
        await plan(rig.one, "free", user="u-m1")
        await plan(rig.one, "gold", user="u-m2")
        await rig.accept("m1-again", user_id="u-m1")
        await rig.one.restart()

        await rig.begin()
        await rig.replayed()

        assert rig.ids == ["m1", "m1"]


async def test_a_rule_that_is_added_finds_older_events_without_the_trait(service: FakeHttp) -> None:
    async with replaying(service, identity={}) as rig:
        await plan(rig.one, "gold")
        await rig.accept("m1", user_id="u1")
        crm = {**rig.one.config["destinations"]["crm"], "filter": GOLD}
        sections = {**rig.one.config, "destinations": {**rig.one.config["destinations"], "crm": crm}}
        await rig.one.router.reload(load(sections, registry=rig.one.router.registry))
        await rig.accept("m2", user_id="u1")
        service.requests.clear()

        await rig.begin()
        await rig.replayed()

        assert rig.ids == ["m2"]


async def test_a_reload_keeps_a_trait_before_the_rule_looks_at_it(service: FakeHttp) -> None:
    async with replaying(service, identity={}) as rig:
        await plan(rig.one, "gold")
        await rig.one.drained()
        service.default = Reply(is_held=True)
        service.requests.clear()
        await rig.one.router.track("Held", message_id="m1", user_id="u1")
        await service.wait(1)
        crm = {**rig.one.config["destinations"]["crm"], "filter": GOLD}
        sections = {**rig.one.config, "destinations": {**rig.one.config["destinations"], "crm": crm}}
        head = rig.one.router.stream.head

        changing = asyncio.ensure_future(
            rig.one.router.reload(load(sections, registry=rig.one.router.registry))
        )
        await rig.one.router.track("Meanwhile", message_id="m2", user_id="u1")
        await rig.one.router.stream.wait_beyond(head)
        assert not changing.done()
        service.default = Reply()
        service.release()
        await changing
        await rig.one.drained()

        assert rig.ids == ["m1", "m2"]


async def test_a_dead_letter_that_is_sent_again_knows_its_profile(service: FakeHttp) -> None:
    crm = {"kind": "webhook", "settings": {"url": service.url}}
    drop = {"drop": True, "if": 'profile.traits.plan != "gold"'}
    steps = {"kind": "steps", "destinations": ["crm"], "settings": {"steps": [drop]}}
    config = {"identity": {}, "destinations": {"crm": crm}, "transformations": {"steps": steps}}
    async with running(config) as rig:
        await plan(rig, "gold")
        await rig.drained()
        service.default = Reply(status=400)
        await rig.router.track("E", user_id="u1", message_id="m1")
        await plan(rig, "free")
        await rig.drained()
        service.default = Reply()
        service.requests.clear()
        desk = desk_of(rig)
        [line] = (await desk.ask(LIST, ListLetters())).lines
        await desk.ask(RETRY, LetterIds([line.id]))
        await rig.drained()

        assert [one.json()["messageId"] for one in service.requests] == ["m1"]


async def test_events_for_a_preview_know_their_profile() -> None:
    async with running({"identity": {"snapshot": ["plan"]}}) as rig:
        await plan(rig, "gold")
        await rig.drained()
        desk = Desk()
        answer_last(desk, rig.router.storage)

        [one] = await desk.ask(LAST, Last(1))

        profile = one.envelope().event.profile
        assert profile is not None
        assert profile.traits == {"plan": "gold"}


async def test_a_parked_event_whose_segment_is_gone_knows_its_profile(tmp_path: Path) -> None:
    async with running({"identity": {"snapshot": ["plan"]}}, folder=tmp_path) as rig:
        await plan(rig, "gold")
        await rig.drained()
        lost = (await rig.router.stream.read(0)).envelopes[0]
        kept = encode_segment(0, [lost], store_id=rig.router.storage.store_id)
        row = Parked(0, 1, 0, 0, "500", (), kept)
        await rig.router.storage.settle([Settlement("collect", Cursor(1), None, {}, park=[row])])
        recall = rig.router.destinations["collect"]._recall
        assert recall is not None

        found = await recall(0)

        assert found is not None
        assert found.event.profile == lost.event.profile
        assert found.event.profile.traits == {"plan": "gold"}  # type: ignore[union-attr]
