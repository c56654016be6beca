"""A program that embeds a router makes calls without a socket, and several routers live side by side."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from router.errors import ConfigError, RequestRefused, StoreLocked
from router.testing.running import Running, running


async def test_an_embedded_call_is_delivered_in_its_stored_form() -> None:
    async with running() as rig:
        await rig.router.track("Signed Up", user_id="u1", properties={"plan": "pro"})
        [event] = await rig.shelf.wait(1)

    assert (event["type"], event["event"], event["userId"]) == ("track", "Signed Up", "u1")
    assert event["properties"] == {"plan": "pro"}


async def test_an_embedded_call_returns_after_the_commit(tmp_path: Path) -> None:
    async with running(folder=tmp_path) as rig:
        await rig.router.track("Kept", user_id="u1")
        facts = await rig.router.storage.facts()

    assert facts.inbox_next == 1


async def test_all_six_calls_can_be_made() -> None:
    async with running() as rig:
        router = rig.router
        await router.track("E", user_id="u1")
        await router.identify(user_id="u1", traits={"plan": "pro"})
        await router.page("Home", category="Docs", anonymous_id="a1")
        await router.screen("Inbox", anonymous_id="a1")
        await router.group("acme", user_id="u1", traits={"name": "Acme"})
        await router.alias("a1", user_id="u1")
        events = await rig.shelf.wait(6)

    assert [event["type"] for event in events] == ["track", "identify", "page", "screen", "group", "alias"]


async def test_a_call_that_a_client_would_see_dropped_raises_with_its_reason() -> None:
    async with running() as rig:
        with pytest.raises(RequestRefused, match="no_user_anon_id"):
            await rig.router.track("Nobody")


async def test_a_misspelt_argument_is_named() -> None:
    async with running() as rig:
        with pytest.raises(TypeError, match="userid"):
            await rig.router.track("E", userid="u1")


async def test_a_call_from_a_source_that_is_not_configured_is_refused_with_those_that_are() -> None:
    async with running() as rig:
        with pytest.raises(ConfigError, match="website"):
            await rig.router.track("E", user_id="u1", source="webiste")


async def test_a_call_may_come_from_a_configured_source() -> None:
    async with running() as rig:
        await rig.router.track("E", user_id="u1", source="website")
        await rig.drained()
        counters = await rig.counters()

    assert counters["successfully_received", "website"] == 1


async def test_a_time_may_be_a_datetime() -> None:
    async with running() as rig:
        await rig.router.track("E", user_id="u1", timestamp=datetime(2030, 5, 1, 10, tzinfo=UTC))
        [event] = await rig.shelf.wait(1)

    assert event["originalTimestamp"] == "2030-05-01T10:00:00.000Z"


async def test_two_routers_live_in_one_process_and_share_nothing() -> None:
    async with running() as one, running() as other:
        await one.router.track("One", user_id="u1", message_id="m1")
        await other.router.track("Other", user_id="u1", message_id="m1")
        await one.shelf.wait(1)
        await other.shelf.wait(1)

        assert [event["event"] for event in one.delivered] == ["One"]
        assert [event["event"] for event in other.delivered] == ["Other"]


async def test_two_routers_on_one_store_are_refused(tmp_path: Path) -> None:
    async with running(folder=tmp_path):
        second = Running({}, tmp_path, None)

        with pytest.raises(StoreLocked, match=r"router\.db"):
            await second.start()


async def test_drained_returns_when_everything_is_finished() -> None:
    async with running() as rig:
        for number in range(50):
            await rig.router.track("E", user_id=f"u{number}")

        await rig.drained()

        assert len(rig.delivered) == 50
