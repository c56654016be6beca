"""Requests outlive the router, reloads and failures of their function; what was given up can be put in again."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.admin.dead import RETRY, LetterIds
from router.admin.overview import OVERVIEW
from router.admin.verbs import Nothing
from router.admin.where import WHERE, AskWhere
from router.assembly.desk import desk_of
from router.cli.diagnosis import look_at_sources, look_at_sums
from router.config.load import load
from router.errors import ConfigError, StoreUnavailable
from router.storage.side_log import SideEntry
from router.telemetry.conservation import all_sums
from router.telemetry.side_happenings import LaneLeftOut, WebhookFailed
from router.testing.clock import EPOCH, ManualClock
from tests.flow.webhooks.rig import KEY, TRACKS, function, hooked

FAILS = "async function onRequest() { throw new Error('broken') }"
LATER = "async function onRequest() { throw new RetryError('later') }"
WEBSITE = {"website": {"write_key": "wk"}}


async def sums_hold(one: Any) -> bool:
    return all(not each.missing for each in all_sums(await one.rig.router.storage.books()))


async def test_what_waited_is_run_after_a_restart(tmp_path: Path) -> None:
    async with hooked(function(LATER), folder=tmp_path, kind="sqlite", clock=ManualClock()) as one:
        await one.post({"event": "A"})
        await one.hears(WebhookFailed)
        assert await one.waiting() == {"source shop": 1}
        assert await sums_hold(one)
    later = ManualClock(EPOCH + 3600)
    async with hooked(function(TRACKS), folder=tmp_path, kind="sqlite", clock=later) as one:
        [event] = await one.events(1)
        assert (event["event"], event["timestamp"]) == ("A", "2030-03-17T17:46:40.000Z")
        assert event["receivedAt"] == "2030-03-17T18:46:40.000Z"
        await one.emptied()
        assert await sums_hold(one)


async def test_a_run_whose_calls_are_kept_but_not_its_end_is_repeated_without_a_trace(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hooked(folder=tmp_path, kind="sqlite") as one:

        async def finish(log: Any, entry: SideEntry, letter: Any = None) -> None:
            raise StoreUnavailable("gone")

        monkeypatch.setattr("router.storage.sqlite.side_log.SqliteSideLog.finish", finish)
        monkeypatch.setattr("router.ingestion.webhook_actor.STOP_SECONDS", 0.01)
        await one.post({"event": "A"})
        await one.events(1)
    monkeypatch.undo()
    async with hooked(folder=tmp_path, kind="sqlite") as one:
        await one.emptied()
        await one.post({"event": "B"})

        assert [event["event"] for event in await one.events(1)] == ["B"]
        counts = await one.counts()
        assert counts["failed_on_ingest", "shop", "duplicate"] == 1
        assert counts["successfully_received", "shop"] == 2
        assert await sums_hold(one)


async def test_a_reload_changes_the_function_and_loses_no_request() -> None:
    async with hooked(function(FAILS)) as one:
        await one.post({"event": "A"})
        await one.hears(WebhookFailed)
        await one.emptied()
        done = await one.reload(sources={"shop": function(TRACKS)})
        await one.post({"event": "B"})

        assert done.sources == ("shop",)
        assert [event["event"] for event in await one.events(1)] == ["B"]


async def test_a_dead_letter_is_put_in_again_under_its_id() -> None:
    async with hooked(function(FAILS)) as one:
        await one.post({"event": "A"})
        await one.hears(WebhookFailed)
        await one.emptied()
        await one.reload(sources={"shop": function(TRACKS)})
        desk = desk_of(one.rig.router)
        [letter] = await one.rig.router.storage.dead_letters("source shop", 5)
        done = await desk.ask(RETRY, LetterIds([letter.id, 99]))

        assert (done.done, [each.why for each in done.refused]) == (1, ["there is no such letter"])
        assert [event["event"] for event in await one.events(1)] == ["A"]
        await one.emptied()
        assert await one.rig.router.storage.dead_letters("source shop", 5) == []
        assert await sums_hold(one)


async def test_a_letter_of_a_source_that_is_gone_stays_where_it_is() -> None:
    async with hooked(function(FAILS), sources=WEBSITE) as one:
        await one.post({})
        await one.hears(WebhookFailed)
        await one.emptied()
        await one.reload(sources=WEBSITE)
        [letter] = await one.rig.router.storage.dead_letters("source shop", 5)
        done = await desk_of(one.rig.router).ask(RETRY, LetterIds([letter.id]))

        assert done.done == 0
        assert "add [sources.shop] again" in done.refused[0].why
        assert len(await one.rig.router.storage.dead_letters("source shop", 5)) == 1


async def test_a_source_for_which_requests_wait_is_not_removed() -> None:
    async with hooked(function(LATER), sources=WEBSITE) as one:
        await one.post({})
        await one.hears(WebhookFailed)

        with pytest.raises(
            ConfigError, match=r"sources\.shop: takes no requests any more, and 1 request waits"
        ):
            await one.reload(sources=WEBSITE)
        assert "shop" in one.rig.router.webhooks
        await one.reload(sources={"shop": {**function(LATER), "enabled": False}, **WEBSITE})
        assert "shop" in one.rig.router.webhooks


async def test_a_source_that_is_gone_at_the_start_is_named_and_its_requests_stay(tmp_path: Path) -> None:
    async with hooked(function(LATER), folder=tmp_path, kind="sqlite") as one:
        await one.post({})
        await one.hears(WebhookFailed)
    async with hooked({"write_key": "wk"}, folder=tmp_path, kind="sqlite") as one:
        assert await one.waiting() == {"source shop": 1}
        await one.rig.router.diversions.tell_left_out(())
        left = await one.hears(LaneLeftOut)
        assert (left.lane, left.requests) == ("source shop", 1)


async def test_a_request_that_comes_while_its_source_is_removed_is_told_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with hooked(sources=WEBSITE) as one:
        hooks = one.rig.router.webhooks
        retire = hooks.retire

        async def retire_late(config: Any) -> None:
            await retire(config)
            await one.post({})

        monkeypatch.setattr(hooks, "retire", retire_late)
        await one.reload(sources=WEBSITE)

        left = await one.hears(LaneLeftOut)
        assert (left.lane, left.requests) == ("source shop", 1)


async def test_a_failing_function_harms_no_other_source() -> None:
    async with hooked(function(FAILS), sources={"other": {**function(), "write_key": "other-key"}}) as one:
        for number in range(30):
            await one.post({"n": number})
        await one.post({"event": "Fine"}, "/v1/functions/other-key")

        assert [event["event"] for event in await one.events(1)] == ["Fine"]
        await one.emptied()
        assert (await one.counts())["side_dead", "source shop", "BAD_REQUEST"] == 30
        assert await sums_hold(one)


async def test_operators_see_what_waits_and_why() -> None:
    async with hooked(function(LATER)) as one:
        await one.post({"event": "A"})
        await one.hears(WebhookFailed)
        seen = await desk_of(one.rig.router).ask(OVERVIEW, Nothing())

        found = [finding.text for finding in [*look_at_sources(seen), *look_at_sums(seen)]]
        assert any("source shop: a request failed (RETRY)" in text for text in found)
        assert any("source shop: 1 of 1 failed and wait for another try" in text for text in found)
        assert "source shop: 1 taken = 1 waiting" in found


async def test_health_says_that_requests_fail_and_nothing_of_what_they_hold() -> None:
    code = """
    async function onRequest(request) {
      console.log(request.text());
      throw new RetryError(`no plan for ${request.json().email}`);
    }"""
    async with hooked(function(code)) as one:
        await one.post({"email": "jane@example.com"})
        await one.hears(WebhookFailed)
        reply = await one.post({}, "/health", method="GET")

        assert reply.json["sources"]["shop"].startswith("a request failed (RETRY) and is tried again in ")
        assert b"jane@example.com" not in reply.body
        assert "jane@example.com" in one.rig.router.webhooks.troubles["shop"]


async def test_where_finds_a_request_that_was_given_up() -> None:
    async with hooked(function(FAILS)) as one:
        await one.post({})
        await one.hears(WebhookFailed)
        await one.emptied()
        [letter] = await one.rig.router.storage.dead_letters("source shop", 5)
        found = await desk_of(one.rig.router).ask(WHERE, AskWhere(letter.message_id, ["default"]))

        assert [line.id for line in found.failed] == [letter.id]
        assert not found.found


async def test_metrics_tell_of_requests() -> None:
    async with hooked(function(LATER)) as one:
        await one.post({})
        await one.hears(WebhookFailed)
        reply = await one.post({}, "/metrics", method="GET")

        text = reply.body.decode()
        assert 'router_side_entries_total{lane="source shop",outcome="taken",reason=""} 1.0' in text
        assert 'router_side_waiting_entries{lane="source shop"} 1.0' in text


async def test_a_stop_waits_for_what_is_being_kept_and_leaves_the_rest(tmp_path: Path) -> None:
    async with hooked(folder=tmp_path, kind="sqlite") as one:
        await asyncio.gather(*(one.post({"event": str(number)}) for number in range(50)))
    async with hooked(folder=tmp_path, kind="sqlite") as one:
        await one.emptied()
        await one.rig.drained()
        counts = await one.counts()

        assert counts["successfully_received", "shop"] == 50
        assert await sums_hold(one)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"write_key": None}, "sources.shop.write_key: is missing: it is the secret in the URL"),
        ({"interval": "5s"}, "sources.shop.interval: is for sources that read"),
        (
            {"settings": {"code": "function onTrack() {}"}},
            "it has no handler; write a function of one of the names onRequest",
        ),
        ({"settings": {"code": "function onRequest( {}"}}, "code: line 1, column "),
        ({"settings": {"code": TRACKS, "timeout": "2m"}}, "timeout = 120 s is not within"),
        ({"settings": {"cod": TRACKS}}, "is not a known key"),
    ],
)
def test_what_is_wrong_with_a_section_is_said(change: dict[str, Any], problem: str) -> None:
    section = {name: value for name, value in {**function(), **change}.items() if value is not None}

    with pytest.raises(ConfigError) as raised:
        load({"sources": {"shop": section}}, environ={})
    assert problem in str(raised.value)


def test_the_key_of_a_source_is_not_shown() -> None:
    config = load({"sources": {"shop": function()}}, environ={})

    assert KEY not in repr(config)
