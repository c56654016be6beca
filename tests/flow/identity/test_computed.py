"""Computed traits and audiences in a whole router: from an event to the destinations that are told."""

from typing import Any

import pytest

from router.config.load import load
from router.errors import StoreUnavailable
from router.events.step import TIME_SOURCE
from router.storage.profile import Key
from router.telemetry.conservation import stream_sum
from router.testing.clock import ManualClock
from router.testing.running import Running, running

IDENTITY: dict[str, Any] = {
    "traits": {
        "order_count": {"kind": "count", "event": "Order Completed", "send": []},
        "orders_of_late": {"kind": "count", "event": "Order Completed", "window": "1h", "send": []},
    },
    "audiences": {
        "vip": {"condition": 'traits.order_count >= 2 and traits.tier = "gold"', "send": ["track"]},
        "active": {"condition": "traits.orders_of_late > 0"},
    },
}
CONFIG: dict[str, Any] = {"identity": IDENTITY}


async def order(rig: Running, **more: Any) -> None:
    await rig.router.track("Order Completed", **{"user_id": "u1", **more})


def told(rig: Running) -> list[Any]:
    """What the destination was told of audiences, in order."""
    return [
        one["event"] if one["type"] == "track" else one["traits"]
        for one in rig.delivered
        if "personas" in one["context"]
    ]


async def traits(rig: Running, user: str = "u1") -> dict[str, bytes | None]:
    profiles = rig.router.storage.profiles
    [owner] = await profiles.owners([Key("default", "users", "user_id", user)])
    assert owner is not None
    [found] = await profiles.traits([owner.id])
    return {name: one.json for name, one in found.values.items()}


async def is_conserved(rig: Running) -> bool:
    await rig.router.audit.look()
    return stream_sum(await rig.router.storage.books()).missing == 0 and not rig.router.audit.troubles


async def test_who_enters_an_audience_is_told_to_the_destination() -> None:
    async with running(CONFIG) as rig:
        await rig.router.identify(user_id="u1", anonymous_id="a1", traits={"tier": "gold"})
        await order(rig)
        await order(rig)
        await rig.drained()

        assert told(rig) == ["Audience Entered", {"active": True}, "Audience Entered"]
        last = rig.delivered[-1]
        assert (last["userId"], last["properties"]) == ("u1", {"audience_key": "vip", "vip": True})
        assert await is_conserved(rig)


async def test_time_alone_takes_somebody_out_of_an_audience() -> None:
    clock = ManualClock()
    async with running(CONFIG, clock=clock) as rig:
        await order(rig)
        await rig.drained()
        await clock.wait_for_sleeper()

        clock.advance(2 * 3600)
        await rig.shelf.wait(5)
        await rig.drained()

        assert told(rig)[2:] == ["Audience Exited", {"active": False}]
        assert (await traits(rig))["orders_of_late"] == b"0"
        assert await is_conserved(rig)
        counters = await rig.counters()
        assert counters["filtered_at_source", TIME_SOURCE, "time_passed"] == 1
        assert await rig.router.storage.profiles.due(rig.router.clock.now() * 2, 9) == []


async def test_time_that_passes_while_nothing_runs_is_made_good() -> None:
    clock = ManualClock()
    async with running(CONFIG, clock=clock) as rig:
        await order(rig)
        await rig.drained()
        await rig.stop()
        clock.advance(7200)

        await rig.start()
        await rig.shelf.wait(5)

        assert told(rig)[2:] == ["Audience Exited", {"active": False}]


async def test_more_profiles_than_one_entry_holds_leave_one_after_the_other() -> None:
    clock = ManualClock()
    async with running(CONFIG, clock=clock) as rig:
        for number in range(250):
            await order(rig, user_id=f"u{number}")
        await rig.drained()
        await clock.wait_for_sleeper()
        before = len(rig.delivered)

        clock.advance(7200)
        await rig.shelf.wait(before + 500)
        await rig.drained()

        assert len(rig.delivered) == before + 500
        assert (await rig.counters())["filtered_at_source", TIME_SOURCE, "time_passed"] == 3
        assert await is_conserved(rig)


async def test_a_destination_may_name_their_source_or_leave_it_out() -> None:
    destinations = {
        "website_only": {"kind": "collect", "sources": ["website", "embedded"]},
        "audiences_only": {"kind": "collect", "sources": ["engage_default"]},
    }
    async with running({**CONFIG, "destinations": destinations}) as rig:
        await order(rig)
        await rig.drained()

        counters = await rig.counters()
        assert counters["delivered", "collect"] == 3
        assert counters["delivered", "website_only"] == 1
        assert counters["delivered", "audiences_only"] == 2
        assert await is_conserved(rig)


async def test_what_is_computed_goes_on_after_a_restart() -> None:
    async with running(CONFIG) as rig:
        await order(rig)
        await rig.drained()
        await rig.restart()
        await order(rig)
        await rig.drained()

        assert (await traits(rig))["order_count"] == b"2"


@pytest.mark.parametrize("is_written", [False, True])
async def test_a_commit_that_fails_or_whose_answer_is_lost_counts_once(is_written: bool) -> None:
    async with running(CONFIG) as rig:
        storage = rig.router.storage
        commit, attempts = storage.commit, 0

        async def failing(step: Any) -> bool:
            nonlocal attempts
            attempts += 1
            if attempts == 1:
                if is_written:
                    await commit(step)
                raise StoreUnavailable("the disk is away")
            return await commit(step)

        storage.commit = failing  # type: ignore[method-assign]
        await order(rig)
        await order(rig)
        await rig.drained()

        assert attempts > 1
        assert (await traits(rig))["order_count"] == b"2"
        assert told(rig) == ["Audience Entered", {"active": True}]
        assert await is_conserved(rig)


async def test_a_reload_adds_a_rule_and_takes_one_away() -> None:
    async with running(CONFIG) as rig:
        await order(rig)
        await rig.drained()
        identity = {"traits": {"spent": {"kind": "sum", "event": "Order Completed", "property": "total"}}}
        await rig.router.reload(load({**rig.config, "identity": identity}, registry=rig.router.registry))
        await order(rig, properties={"total": 5})
        await rig.drained()

        found = await traits(rig)
        assert (found["spent"], found["order_count"]) == (b"5", b"1")
        assert told(rig)[-1] == {"spent": 5}


async def test_the_same_call_twice_counts_once() -> None:
    async with running(CONFIG) as rig:
        await order(rig, message_id="m1")
        await order(rig, message_id="m1")
        await rig.drained()

        assert (await traits(rig))["order_count"] == b"1"


async def test_what_the_router_says_itself_is_no_event_of_a_profile() -> None:
    identity = {"traits": {"calls": {"kind": "count", "where": "all"}}}
    async with running({"identity": identity}) as rig:
        await rig.router.track("Met", user_id="u1")
        await rig.drained()

        assert await traits(rig) == {"calls": b"1"}
        assert len(rig.delivered) == 2
        rows = rig.router.inventory.rows()
        assert {row.source for row in rows} == {"embedded"}
