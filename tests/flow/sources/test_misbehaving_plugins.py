"""Whatever a source plugin does wrong is named, stays its own, and ends with a new instance."""

import asyncio
from typing import Any

import pytest

from router.telemetry.happenings import PluginMisbehaved, SourceFailed
from router.testing import ManualClock
from tests.flow.sources.rig import feeding, track


async def forever() -> None:
    await asyncio.Event().wait()


async def test_a_plugin_that_raises_is_named_and_a_new_instance_goes_on_later_each_time() -> None:
    clock = ManualClock()

    async def reads(plugin: Any, accept: Any) -> None:
        if len(one.made) < 4:
            raise KeyError("row")
        await accept([track("A")])
        await forever()

    async with feeding(reads, clock=clock) as one:
        for number, seconds in enumerate((0.5, 1.0, 2.0), 1):
            assert (await one.hears(SourceFailed, number)).seconds == seconds
            assert "orders" in one.troubles
            await clock.wait_for_sleeper()
            clock.advance(seconds)

        assert await one.events(1) == ["A"]
        assert [feed.was for feed in one.made[:3]] == 3 * [["opened", "closed"]]
        assert one.of(SourceFailed)[0] == SourceFailed("orders", "feed", "KeyError: 'row'", 0.5)
        assert one.troubles == {}


async def test_the_back_off_ends_at_a_minute_and_the_router_lives() -> None:
    clock = ManualClock()

    async def reads(plugin: Any, accept: Any) -> None:
        raise RuntimeError("no")

    async with feeding(reads, clock=clock) as one:
        for count in range(1, 13):
            await one.hears(SourceFailed, count)
            await clock.wait_for_sleeper()
            clock.advance(60)

        assert [failed.seconds for failed in one.of(SourceFailed)][-3:] == [60, 60, 60]
        await one.rig.router.track("still here", user_id="u1")
        assert await one.events(1) == ["still here"]


@pytest.mark.parametrize(
    ("calls", "cursor", "words"),
    [
        (track("A"), 1, "accept takes a list of calls, not dict"),
        (iter([]), 1, "not list_iterator"),
        ([], object(), "Encoding objects of type object is unsupported"),
        ([], "x" * 2_000_000, "the cursor weighs 2000002 bytes"),
    ],
)
async def test_what_accept_cannot_take_is_said_where_it_is_written(
    calls: Any, cursor: Any, words: str
) -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        await accept(calls, cursor=cursor)

    async with feeding(reads) as one:
        assert words in (await one.hears(SourceFailed)).error


async def test_a_secret_does_not_show_in_what_a_plugin_raises() -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        raise OSError(f"cannot log in with {plugin.settings.password.reveal()} as {plugin.settings.word}")

    settings = {"password": "p4ssw0rd", "word": "env:WORD"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WORD", "hidden-word")
        async with feeding(reads, sources={"orders": {"kind": "feed", "settings": settings}}) as one:
            failed = await one.hears(SourceFailed)

            assert failed.error == "OSError: cannot log in with *** as ***"
            assert "***" in one.troubles["orders"]


async def quits(plugin: Any, accept: Any) -> None:
    raise SystemExit(3)


async def cancels_itself(plugin: Any, accept: Any) -> None:
    raise asyncio.CancelledError


async def raises_what_is_no_exception(plugin: Any, accept: Any) -> None:
    raise GeneratorExit


@pytest.mark.parametrize("reads", [quits, cancels_itself, raises_what_is_no_exception])
async def test_no_way_of_ending_reaches_the_process(reads: Any) -> None:
    async with feeding(reads) as one:
        assert (await one.hears(SourceFailed)).source == "orders"
        await one.rig.router.track("still here", user_id="u1")

        assert await one.events(1) == ["still here"]


async def test_a_plugin_that_blocks_the_loop_is_interrupted_named_and_started_again() -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        while len(one.made) == 1:
            pass
        await accept([track("A")])
        await forever()

    async with feeding(reads) as one:
        fault = await one.hears(PluginMisbehaved)

        assert (fault.destination, fault.plugin, fault.fault) == ("source orders", "feed", "blocked")
        assert "rig.py:" in fault.where
        assert await one.events(1) == ["A"]


@pytest.mark.parametrize("times", [1, 10**9])
async def test_a_plugin_that_swallows_its_cancellation_does_not_hold_up_the_stop(
    times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.ingestion.source_actor.END_SECONDS", 0.05)

    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track("A")])
        for _ in range(times):
            try:
                await forever()
            except asyncio.CancelledError:
                continue

    async with asyncio.timeout(8):
        async with feeding(reads) as one:
            await one.events(1)

    assert one.made[0].was[-1] == "closed"


async def test_a_task_that_a_plugin_left_behind_cannot_move_the_cursor_of_its_successor() -> None:
    left: list[Any] = []

    async def reads(plugin: Any, accept: Any) -> None:
        left.append(accept)
        if len(left) == 1:
            raise RuntimeError("once")
        await accept([track("A")], cursor=1)
        await forever()

    async with feeding(reads) as one:
        await one.events(1)

        with pytest.raises(Exception, match="source orders: this instance is over"):
            await left[0]([track("stray")], cursor=0)


async def test_what_close_raises_does_not_hide_why_the_instance_ended() -> None:
    async def close() -> None:
        raise OSError("cannot log out")

    async def reads(plugin: Any, accept: Any) -> None:
        plugin.close = close
        raise LookupError("no such table")

    async with feeding(reads) as one:
        assert (await one.hears(SourceFailed, 2)).error == "LookupError: no such table"


async def test_a_stop_does_not_wait_for_a_store_that_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("router.ingestion.source_actor.STOP_SECONDS", 0.05)
    is_asked = asyncio.Event()
    go_on = asyncio.Event()

    async def reads(plugin: Any, accept: Any) -> None:
        await go_on.wait()
        await accept([track("A")])

    async def never(*arguments: Any) -> None:
        is_asked.set()
        await forever()

    async with feeding(reads) as one:
        one.rig.router.plugin_sources["orders"]._accept = never
        go_on.set()
        await is_asked.wait()
    assert one.made[0].was == ["opened", "closed"]
