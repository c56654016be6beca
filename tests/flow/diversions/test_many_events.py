"""Many events that wait for a function that asks: their order, what they hold up, and a side log that is full."""

import asyncio

import pytest

from router.errors import StoreFull
from router.ingestion.divert_actor import AHEAD, SLICE_ENTRIES
from router.storage.side_log import SideEntry
from router.telemetry.conservation import all_sums
from router.telemetry.side_happenings import EventsDiverted, WebhookFailed
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp, Received, Reply
from tests.flow.diversions.test_diversions import (
    ASKS,
    GOLD,
    LANE,
    asking,
    diverted,
    section,
    sums_hold,
    track,
)
from tests.flow.webhooks.rig import function
from tests.flow.webhooks.test_giving_way import turns_of


async def test_many_events_come_through_in_order_of_each_user() -> None:
    async with FakeHttp() as service:
        service.default = GOLD
        async with asking(service) as one:
            await asyncio.gather(*(track(one, f"{n:03}", user=f"u{n % 7}") for n in range(100)))

            events = await one.events(100)
            for user in range(7):
                names = [event["event"] for event in events if event["userId"] == f"u{user}"]
                assert names == sorted(names)
            assert await sums_hold(one)


async def test_many_events_are_looked_at_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeHttp() as service, asking(service) as one:
        actor = one.rig.router.diversions[LANE]
        entries = [SideEntry(lane=LANE, received_at=0, data=b"", id=1 + number) for number in range(AHEAD)]

        async def read(lane: str, *, beyond: int, limit: int) -> list[SideEntry]:
            return entries

        monkeypatch.setattr(actor._log, "read", read)
        turns, _ = await turns_of(actor._look_ahead)

        assert turns >= AHEAD / SLICE_ENTRIES


async def test_a_user_whose_events_fail_holds_up_no_other_however_many_wait_behind(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("router.ingestion.divert_actor.AHEAD", 8)
    is_well = False

    def rule(request: Received) -> Reply:
        return Reply(status=503) if request.path.startswith("/hot/") and not is_well else GOLD

    async with FakeHttp() as service:
        service.rule = rule
        clock = ManualClock()
        async with asking(service, clock=clock) as one:
            await track(one, "E0", user="hot")
            await one.hears(WebhookFailed)
            for number in range(1, 30):
                await track(one, f"E{number}", user="hot")
            await track(one, "A", user="other")
            await track(one, "B", user="other")

            await one.rig.shelf.wait(2)
            assert [event["event"] for event in one.rig.delivered] == ["A", "B"]
            is_well = True
            clock.advance(300)

            events = await one.events(32)
            assert [event["event"] for event in events[2:]] == [f"E{number}" for number in range(30)]


async def test_a_spent_side_budget_refuses_this_source_and_no_other() -> None:
    async with FakeHttp() as service:
        service.default = Reply(status=503)
        other = {"website": {"write_key": "wk"}, "app": {"write_key": "wk2"}}
        storage = {"kind": "memory", "side_budget": "1MiB"}
        async with asking(service, clock=ManualClock(), storage=storage, sources=other) as one:
            for number in range(35):
                await track(one, "Big", user=f"u{number}", properties={"pad": "x" * 30_000})
                await one.hears(EventsDiverted, number + 1)
            with pytest.raises(StoreFull, match="side budget"):
                await track(one, "Big")
            await one.rig.router.track("Small", user_id="u1", source="app")

            await one.rig.shelf.wait(1)
            assert [event["event"] for event in one.rig.delivered] == ["Small"]


async def test_requests_that_filled_the_side_log_leave_it_for_a_function_of_the_same_source() -> None:
    """Who refuses them then waits for room that only they can make."""
    async with FakeHttp() as service:
        service.default = Reply(status=503)
        code = """
        async function onRequest(request, settings) {
          const response = await fetch(settings.url);
          if (!response.ok) throw new RetryError("later");
          Segment.track({ event: "Order", userId: request.json().user });
        }"""
        shop = function(code, settings={"url": f"{service.url}/is-well"})
        tier = {**section(ASKS, settings={"url": service.url}), "sources": ["shop"]}
        clock = ManualClock()
        storage = {"kind": "memory", "side_budget": "1MiB"}
        async with diverted({"tier": tier}, clock=clock, storage=storage, sources={"shop": shop}) as one:
            replies = [await one.post({"user": f"u{n}", "pad": "x" * (500 << 10)}) for n in range(4)]
            assert [reply.status for reply in replies] == [200, 200, 200, 503]
            await one.hears(WebhookFailed, 3)
            service.default = GOLD
            clock.advance(200)

            events = await one.events(3)
            assert sorted(event["userId"] for event in events) == ["u0", "u1", "u2"]
            assert await one.waiting() == {}
            assert all(not each.missing for each in all_sums(await one.rig.router.storage.books()))
