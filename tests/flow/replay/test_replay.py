"""Replays through a whole router: what is sent, what is counted, and how they begin and end."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from router.config.load import load
from router.errors import RouterError
from router.events.calls import Track
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.request import Request
from router.plugins.settings import Settings
from router.storage.replays import Selection
from router.telemetry.happenings import ReplayEnded
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.replay.rig import replaying


class TracksSettings(Settings, frozen=True):
    url: str


class Tracks(Destination[TracksSettings, Track]):
    """Take track calls only."""

    kind = "tracks"

    def requests(self, events: Sequence[Track]) -> list[Request]:
        return [Request.post(self.settings.url, body=event.json) for event in events]


class TracksPlugin:
    @hookimpl
    def register_destinations(self) -> list[type[Destination[Any, Any]]]:
        return [Tracks]


async def test_a_replay_sends_stored_events_again_in_their_order(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept("m1", "m2", "m3")

        await rig.begin()
        await rig.replayed()

        assert rig.ids == ["m1", "m2", "m3", "m1", "m2", "m3"]


async def test_only_events_received_within_the_time_are_replayed(service: FakeHttp) -> None:
    clock = ManualClock()
    async with replaying(service, clock=clock) as rig:
        for number in range(4):
            await rig.accept(f"m{number}")
            clock.advance(10)
        start = int(clock.time() - 40) * 1000

        await rig.begin(since=start + 10_000, until=start + 30_000)
        await rig.replayed()

        assert rig.ids[4:] == ["m1", "m2"]


async def test_operations_21_replayed_events_go_to_the_destination_only_and_keep_ids_times_and_consent(
    service: FakeHttp,
) -> None:
    consent = {"consent": {"categoryPreferences": {"Advertising": True}}}
    async with replaying(service) as rig:
        await rig.accept(
            "m1",
            timestamp="2030-01-02T03:04:05.678Z",
            context=consent,
            integrations={"All": True, "Other": {"x": 1}},
        )

        await rig.begin()
        await rig.replayed()

        first, again = (request.json() for request in rig.service.requests)
        assert again.pop("integrations") == {"All": False, "Webhook": True}
        assert first.pop("integrations") == {"All": True, "Other": {"x": 1}}
        assert again == first
        assert (again["messageId"], again["timestamp"]) == ("m1", "2030-01-02T03:04:05.678Z")
        assert again["context"]["consent"] == consent["consent"]


async def test_operations_22_what_the_destination_filters_is_filtered_again_and_what_was_blocked_is_absent(
    service: FakeHttp,
) -> None:
    only_tracks = {"kind": "tracks", "sources": ["website"], "filter": 'event != "Dropped"'}
    async with replaying(service, crm=only_tracks, plugins=[TracksPlugin()]) as rig:
        router = rig.one.router
        await rig.accept("m1", source="website")
        await router.identify(user_id="u1", message_id="m2", source="website")
        await router.track("Dropped", user_id="u1", message_id="m5", source="website")
        await rig.accept("m3")  # of the embedding program, which is not connected
        with pytest.raises(RouterError):
            await router.call("track", userId="u1", messageId="m4", source="website")  # it has no event
        await rig.one.drained()

        name = (await rig.begin()).replay.name
        await rig.replayed()

        assert rig.ids == ["m1", "m1"]
        sums = await rig.sums(name)
        assert (sums.accepted, sums.outcomes["delivered"], sums.outcomes["filtered"]) == (3, 1, 2)


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(types=("identify",)), ["m2"]),
        (Selection(events=("Bought",)), ["m1", "m4"]),
        (Selection(users=("u1",)), ["m1", "m2"]),
        (Selection(users=("a1",)), ["m3"]),
        (Selection(sources=("website",)), ["m4"]),
        (Selection(types=("track",), users=("u1", "u2")), ["m1", "m4"]),
        (Selection(events=("Nothing",)), []),
        (Selection(filter='type = "track" and userId = "u2"'), ["m4"]),
        (Selection(users=("u1",), filter='type != "track"'), ["m2"]),
    ],
)
async def test_only_what_is_selected_is_sent_and_counted(
    service: FakeHttp, selection: Selection, expected: list[str]
) -> None:
    async with replaying(service) as rig:
        router = rig.one.router
        await router.track("Bought", user_id="u1", message_id="m1")
        await router.identify(user_id="u1", message_id="m2")
        await router.page(anonymous_id="a1", message_id="m3")
        await router.track("Bought", user_id="u2", message_id="m4", source="website")
        await rig.one.drained()

        name = (await rig.begin(selection=selection)).replay.name
        await rig.replayed()

        assert rig.ids[4:] == expected
        sums = await rig.sums(name)
        assert (sums.accepted, sums.pending) == (len(expected), 0)


async def test_a_replay_has_a_ledger_of_its_own(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept("m1", "m2", "m3")
        before = await rig.sums("crm")
        rig.service.rule = lambda request: Reply(status=400) if request.json()["messageId"] == "m2" else None

        await rig.begin()
        await rig.replayed()

        own = await rig.sums("crm#1")
        assert (own.accepted, own.outcomes["delivered"], own.outcomes["dead"]) == (3, 2, 1)
        assert own.missing == 0
        assert await rig.sums("crm") == before
        assert rig.ended == [ReplayEnded("crm", 1, "done", 2, 0, 1, 0)]


async def test_a_replay_goes_on_after_a_restart_and_repeats_nothing_that_ended(
    service: FakeHttp, tmp_path: Path
) -> None:
    async with replaying(service, folder=tmp_path, crm={"concurrency": {"max": 1}}) as rig:
        await rig.accept(*[f"m{n}" for n in range(6)])
        service.script(200, 200, 200, Reply(is_held=True))

        await rig.begin()
        await service.wait(10)
        await rig.one.restart()
        await rig.replayed()

        assert rig.ids[6:] == ["m0", "m1", "m2", "m3", "m3", "m4", "m5"]
        assert (await rig.sums("crm#1")).outcomes["delivered"] == 6


async def test_a_paused_replay_rests_and_goes_on_where_it_stopped(service: FakeHttp, tmp_path: Path) -> None:
    async with replaying(service, folder=tmp_path) as rig:
        await rig.accept(*[f"m{n}" for n in range(4)])
        rig.service.rule = lambda request: Reply(is_held=True) if len(service.requests) == 6 else None
        await rig.begin(requests=1, per=0.001)
        await service.wait(6)
        service.release()

        report = await rig.one.router.replays.pause(1)
        after = len(service.requests)
        await rig.one.restart()
        assert rig.one.router.replays.standings()["crm#1"].status == report.standing.status == "paused"
        assert len(service.requests) == after
        await rig.one.router.replays.resume(1)
        await rig.replayed()

        assert rig.ids[4:] == ["m0", "m1", "m2", "m3"]


async def test_a_cancelled_replay_sends_and_counts_no_more(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept(*[f"m{n}" for n in range(4)])
        service.default = Reply(status=503)
        await rig.begin()
        await service.wait(5)

        report = await rig.one.router.replays.cancel(1)

        assert (report.standing.status, report.counts, report.passed) == ("cancelled", [], 4)
        sums = await rig.sums("crm#1")
        assert (sums.accepted, sums.pending, sums.missing) == (0, 0, 0)
        with pytest.raises(RouterError, match="replay 1 is cancelled; start another one"):
            await rig.one.router.replays.resume(1)


async def test_parked_events_of_a_cancelled_replay_expire(service: FakeHttp) -> None:
    async with replaying(service, clock=(clock := ManualClock())) as rig:
        await rig.accept("m0", "m1", "m2")
        service.rule = lambda request: Reply(status=500) if request.json()["messageId"] == "m0" else None
        await rig.begin()
        actor = rig.one.router.replays.actors[0]
        await rig.pass_time(clock, lambda: actor.status.parked == actor.status.pending == 1, step=0.5)
        await rig.one.router.replays.cancel(1)

        sums = await rig.sums("crm#1")
        assert (sums.outcomes["delivered"], sums.outcomes["expired"], sums.missing) == (2, 1, 0)
        assert await rig.one.router.storage.parked("crm#1") == []


async def test_a_second_replay_into_a_destination_waits_for_the_first(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept("m1", "m2")
        service.script(Reply(is_held=True))

        await rig.begin()
        await service.wait(3)
        second = await rig.begin(selection=Selection(users=("u-m2",)))
        assert str(second.standing) == "queued: behind crm#1"
        service.release()
        await rig.replayed()

        assert rig.ids[2:] == ["m1", "m2", "m2"]


async def test_replays_into_two_destinations_run_side_by_side(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept("m1")
        service.script(Reply(is_held=True))
        await rig.begin()
        await service.wait(2)

        await rig.begin(to="collect")
        await rig.one.shelf.wait(2)

        assert rig.one.router.replays.standings()["crm#1"].status == "running"
        service.release()


async def test_a_replay_into_an_unknown_destination_is_refused_with_the_nearest_name(
    service: FakeHttp,
) -> None:
    async with replaying(service) as rig:
        with pytest.raises(RouterError, match="there is no destination 'crn'; did you mean"):
            await rig.begin(to="crn")
        with pytest.raises(RouterError, match="column"):
            await rig.begin(selection=Selection(filter="type ="))


async def test_a_time_without_events_is_refused(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept("m1")

        with pytest.raises(RouterError, match="no events are kept that were received between 1970-01-01"):
            await rig.begin(since=0, until=1)
        assert await rig.one.router.replays.reports() == []


async def test_a_replay_says_which_events_are_gone(service: FakeHttp) -> None:
    async with replaying(service, storage={"retention": 0}) as rig:
        await rig.accept("m0", "m1", "m2")
        await rig.one.router.storage.trim()  # type: ignore[attr-defined]
        with pytest.raises(RouterError, match=r"all 3 events .* are gone \(positions 0 to 2\)"):
            await rig.begin()
        await rig.accept("m3")

        report = await rig.begin()
        await rig.replayed()

        assert report.replay.lost == (0, 3)
        assert rig.ids[4:] == ["m3"]


async def test_nothing_that_a_replay_needs_is_trimmed_while_it_rests(service: FakeHttp) -> None:
    async with replaying(service, storage={"retention": 0}) as rig:
        service.script(200, Reply(is_held=True))
        await rig.accept("m0")
        await rig.begin()
        await service.wait(2)
        await rig.one.router.storage.trim()  # type: ignore[attr-defined]
        service.release()
        await rig.replayed()

        assert rig.ids == ["m0", "m0"]
        assert (await rig.sums("crm#1")).outcomes["delivered"] == 1


async def test_drained_waits_for_replays_only_when_it_is_asked_to(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept("m1")
        service.script(Reply(is_held=True))
        await rig.begin()
        await service.wait(2)

        await rig.one.drained()
        assert rig.ended == []
        service.release()
        await rig.one.router.drained(replays=True)

        assert len(rig.ended) == 1


async def test_a_replay_of_a_destination_that_is_gone_waits_for_it(service: FakeHttp, tmp_path: Path) -> None:
    async with replaying(service, folder=tmp_path) as rig:
        await rig.accept("m1")
        service.default = Reply(status=503)
        await rig.begin()
        await service.wait(2)
        await rig.one.stop()
        crm = rig.one.config["destinations"].pop("crm")
        await rig.one.start()
        assert "is not configured" in str(rig.one.router.replays.standings()["crm#1"])
        await rig.one.stop()
        rig.one.config["destinations"]["crm"] = crm
        service.default = Reply()
        await rig.one.start()
        await rig.replayed()

        assert (await rig.sums("crm#1")).outcomes["delivered"] == 1


async def test_a_replay_goes_on_when_its_destination_is_changed_at_run_time(service: FakeHttp) -> None:
    async with replaying(service, crm={"concurrency": {"max": 1}}) as rig:
        await rig.accept("m0", "m1", "m2")
        service.script(200)
        service.default = Reply(status=503)  # until the change is made: how soon it is tried again is chance
        await rig.begin()
        await service.wait(5)
        section = rig.one.config["destinations"]["crm"]
        section["settings"] = {**section["settings"], "headers": {"X-New": "yes"}}

        await rig.one.router.reload(load(rig.one.config, registry=rig.one.router.registry))
        service.default = Reply()
        await rig.replayed()

        assert (await rig.sums("crm#1")).outcomes["delivered"] == 3
        assert [request.headers.get("x-new") for request in service.requests[-2:]] == ["yes", "yes"]


async def test_a_replay_waits_while_its_destination_is_retired(service: FakeHttp) -> None:
    async with replaying(service) as rig:
        await rig.accept("m0")
        service.default = Reply(status=503)
        await rig.begin()
        await service.wait(2)
        crm = rig.one.config["destinations"].pop("crm")
        router = rig.one.router

        await router.reload(load(rig.one.config, registry=router.registry))
        assert router.replays.standings()["crm#1"].status == "waiting"
        service.default = Reply()
        rig.one.config["destinations"]["crm"] = crm
        await router.reload(load(rig.one.config, registry=router.registry))
        await rig.replayed()

        assert (await rig.sums("crm#1")).outcomes["delivered"] == 1
