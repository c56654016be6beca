"""A function that asks others about events before they are kept: they leave processing, and come back behind it."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.admin.dead import RETRY, LetterIds
from router.admin.where import WHERE, AskWhere
from router.assembly.desk import desk_of
from router.errors import ConfigError, StoreUnavailable
from router.storage.side_log import SideEntry
from router.telemetry.conservation import all_sums
from router.telemetry.side_happenings import EventsDiverted, LaneLeftOut, WebhookFailed
from router.testing.clock import EPOCH, ManualClock
from router.testing.fake_http import FakeHttp, Received, Reply
from router.testing.running import Running
from tests.flow.webhooks.rig import Hooked

LANE = "function tier of website"
ASKS = """
async function onTrack(event, settings) {
  if (event.event === "Noise") throw new DropEvent("noise");
  const response = await fetch(`${settings.url}/${event.userId}/${event.event}`);
  if (response.status >= 500) throw new RetryError(`status ${response.status}`);
  if (!response.ok) throw new ValidationError(`status ${response.status}`);
  event.properties.tier = (await response.json()).tier;
  return event;
}
"""
GOLD = Reply(body=b'{"tier":"gold"}')
MARK = """
function onTrack(event) {
  event.properties.marks = [...(event.properties.marks ?? []), event.properties.tier ?? "none"];
  return event;
}
"""


def section(code: str, **settings: Any) -> dict[str, Any]:
    return {"kind": "function", "sources": ["website"], "settings": {"code": code, **settings}}


@asynccontextmanager
async def diverted(
    transformations: Mapping[str, Any],
    *,
    folder: Path | None = None,
    clock: ManualClock | None = None,
    **config: Any,
) -> AsyncIterator[Hooked]:
    sections = {
        "sources": {"website": {"write_key": "wk"}},
        "storage": {"kind": "sqlite" if folder else "memory"},
        "transformations": transformations,
        **config,
    }
    rig = Running(sections, folder or Path(), clock)
    made = Hooked(rig)
    await rig.start()
    try:
        yield made
    finally:
        await rig.stop()


@asynccontextmanager
async def asking(service: FakeHttp, **options: Any) -> AsyncIterator[Hooked]:
    functions = {
        "before": section(MARK),
        "tier": section(ASKS, settings={"url": service.url}),
        "behind": section(MARK),
    }
    async with diverted(functions, **options) as one:
        yield one


async def track(one: Hooked, name: str, *, user: str = "u1", **fields: Any) -> None:
    await one.rig.router.track(name, user_id=user, source="website", **fields)


async def sums_hold(one: Hooked) -> bool:
    sums = all_sums(await one.rig.router.storage.books())
    return all(not each.missing for each in sums)


async def test_an_event_gets_what_its_function_fetches_before_it_is_kept() -> None:
    async with FakeHttp() as service:
        service.default = GOLD
        async with asking(service) as one:
            await track(one, "Order", properties={"total": 5}, message_id="m1")

            [event] = await one.events(1)
            assert event["properties"] == {"total": 5, "marks": ["none", "gold"], "tier": "gold"}
            assert event["messageId"] == "m1"
            assert [request.path for request in service.requests] == ["/u1/Order"]
            assert isinstance(await one.hears(EventsDiverted), EventsDiverted)
            assert await sums_hold(one)
            counts = await one.counts()
            assert counts["successfully_received", "website"] == 1
            assert counts["diverted", "website"] == 1
            assert counts["side_done", LANE] == 1


async def test_an_event_keeps_its_times_and_what_its_sender_said() -> None:
    async with FakeHttp() as service:
        service.default = GOLD
        async with asking(service) as one:
            context = {"locale": "de", "ip": "1.2.3.4"}
            await track(one, "Order", context=context, timestamp="2020-01-01T00:00:00.000Z")
            await one.rig.router.identify(user_id="u1", traits={"a": 1})

            [event] = [one for one in await one.events(2) if one["type"] == "track"]
            assert (event["timestamp"], event["originalTimestamp"]) == ("2020-01-01T00:00:00.000Z",) * 2
            assert event["context"]["locale"] == "de"


async def test_protocols_23_what_a_function_drops_or_has_no_handler_for_is_filtered() -> None:
    async with FakeHttp() as service:
        service.default = GOLD
        async with asking(service) as one:
            await track(one, "Noise")
            await one.rig.router.identify(user_id="u1", source="website")
            await track(one, "Order")

            assert [event["type"] for event in await one.events(1)] == ["track"]
            counts = await one.counts()
            assert counts["filtered_at_source", "website", "dropped_by_function"] == 1
            assert counts["filtered_at_source", "website", "unsupported_event_type"] == 1
            assert await sums_hold(one)


async def test_a_message_that_is_sent_again_meanwhile_counts_once() -> None:
    async with FakeHttp() as service:
        service.default = Reply(body=GOLD.body, is_held=True)
        async with asking(service, clock=ManualClock()) as one:
            await track(one, "Order", message_id="m1")
            await service.wait(1)
            await track(one, "Order", message_id="m1")
            await one.hears(EventsDiverted, 2)
            service.default = GOLD
            service.release()

            assert len(await one.events(1)) == 1
            await track(one, "Order", message_id="m1")
            await one.rig.drained()
            assert len(one.rig.delivered) == 1
            assert (await one.counts())["failed_on_ingest", "website", "duplicate"] == 2
            assert await sums_hold(one)


async def test_order_per_user_is_kept_and_other_users_overtake() -> None:
    async with FakeHttp() as service:
        held = Reply(body=GOLD.body, is_held=True)

        def rule(request: Received) -> Reply:
            return held if request.path == "/slow/A" else GOLD

        service.rule = rule
        async with asking(service, clock=ManualClock()) as one:
            await track(one, "A", user="slow")
            await track(one, "B", user="slow")
            await track(one, "C", user="quick")
            await one.rig.shelf.wait(1)
            assert [event["event"] for event in one.rig.delivered] == ["C"]
            assert "/slow/B" not in [request.path for request in service.requests]
            service.release()

            assert [event["event"] for event in await one.events(3)] == ["C", "A", "B"]


async def test_protocols_25_a_service_that_is_not_well_is_asked_for_four_hours_and_the_event_given_up() -> (
    None
):
    clock = ManualClock()
    async with FakeHttp() as service:
        service.default = Reply(status=503)
        async with asking(service, clock=clock) as one:
            await track(one, "Order", message_id="m1")
            failed = await one.hears(WebhookFailed)
            assert (failed.reason, failed.is_over) == ("RETRY", False)
            found = await desk_of(one.rig.router).ask(WHERE, AskWhere("m1", ["default"]))
            assert [(each.lane, each.attempts, each.reason) for each in found.asking] == [(LANE, 1, "RETRY")]
            count = 1
            while not failed.is_over:
                await clock.wait_for_sleeper()
                clock.advance(max(failed.seconds, 600))
                count += 1
                failed = await one.hears(WebhookFailed, count)
            await one.emptied()

            assert clock.monotonic() >= 4 * 3600
            [letter] = await one.rig.router.storage.dead_letters(LANE, 5)
            assert (letter.message_id, letter.reason) == ("m1", "RETRY")
            assert await sums_hold(one)

            service.default = GOLD
            await desk_of(one.rig.router).ask(RETRY, LetterIds([letter.id]))
            assert len(await one.events(1)) == 1
            assert await sums_hold(one)


async def test_an_event_that_a_function_refuses_is_a_dead_letter() -> None:
    async with FakeHttp() as service:
        service.default = Reply(status=404)
        async with asking(service) as one:
            await track(one, "Order", message_id="m1")
            failed = await one.hears(WebhookFailed)
            await one.emptied()

            assert (failed.reason, failed.is_over) == ("MESSAGE_REJECTED", True)
            [letter] = await one.rig.router.storage.dead_letters(LANE, 5)
            assert b'"Order"' in letter.event
            assert await sums_hold(one)


async def test_a_setting_that_stands_in_the_environment_is_shown_nowhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TIER_TOKEN", "t0ken-abc")
    code = (
        "async function onTrack(event, settings) { await fetch; throw new Error('key ' + settings.token); }"
    )
    async with diverted({"tier": section(code, settings={"token": "env:TIER_TOKEN"})}) as one:
        await track(one, "Order")
        failed = await one.hears(WebhookFailed)
        await one.emptied()
        [letter] = await one.rig.router.storage.dead_letters(LANE, 5)

        assert "key ***" in failed.error
        assert "t0ken-abc" not in f"{failed} {letter.answer} {one.rig.router.diversions.troubles}"


async def test_what_waited_for_a_function_is_worked_off_after_a_restart(tmp_path: Path) -> None:
    async with FakeHttp() as service:
        service.default = Reply(status=503)
        async with asking(service, folder=tmp_path, clock=ManualClock()) as one:
            await track(one, "Order", message_id="m1")
            await one.hears(WebhookFailed)
            assert await sums_hold(one)
        service.default = GOLD
        async with asking(service, folder=tmp_path, clock=ManualClock(EPOCH + 60)) as one:
            [event] = await one.events(1)
            assert (event["messageId"], event["receivedAt"]) == ("m1", "2030-03-17T17:46:40.000Z")
            assert await sums_hold(one)


async def test_a_run_whose_event_came_back_but_whose_entry_stayed_counts_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeHttp() as service:
        service.default = GOLD
        async with asking(service, folder=tmp_path) as one:

            async def finish(log: Any, entry: Any, letter: Any = None) -> None:
                raise StoreUnavailable("gone")

            monkeypatch.setattr("router.storage.sqlite.side_log.SqliteSideLog.finish", finish)
            monkeypatch.setattr("router.ingestion.webhook_actor.STOP_SECONDS", 0.01)
            await track(one, "A")
            await one.rig.shelf.wait(1)
        monkeypatch.undo()
        async with asking(service, folder=tmp_path) as one:
            await track(one, "B")

            assert [event["event"] for event in await one.events(1)] == ["B"]
            assert (await one.counts())["failed_on_ingest", "website", "duplicate"] == 1
            assert await sums_hold(one)


async def test_two_functions_that_ask_are_passed_one_after_the_other() -> None:
    async with FakeHttp() as service:
        service.default = GOLD
        asks = section(ASKS, settings={"url": service.url})
        async with diverted({"one": asks, "mark": section(MARK), "two": asks}) as one:
            await track(one, "Order")

            [event] = await one.events(1)
            assert event["properties"] == {"tier": "gold", "marks": ["gold"]}
            counts = await one.counts()
            assert (counts["diverted", "website"], counts["successfully_received", "website"]) == (2, 1)
            assert await sums_hold(one)


async def test_a_function_for_which_events_wait_is_not_removed() -> None:
    async with FakeHttp() as service:
        service.default = Reply(status=503)
        async with asking(service, clock=ManualClock()) as one:
            await track(one, "Order")
            await one.hears(WebhookFailed)

            with pytest.raises(ConfigError, match=r"transformations\.tier: asks nobody .* and 1 event waits"):
                await one.reload(transformations={"before": section(MARK)})


async def test_events_that_leave_for_a_function_while_it_is_removed_are_told_of() -> None:
    """Their step was prepared before, and is committed behind."""
    async with FakeHttp() as service, asking(service) as one:
        await one.reload(transformations={"before": section(MARK)})
        await one.rig.router.storage.side_log.put(SideEntry(lane=LANE, received_at=0, data=b""))
        one.rig.signals.emit(EventsDiverted((LANE,), 1))

        left = await one.hears(LaneLeftOut)
        assert (left.lane, left.requests) == (LANE, 1)
        assert "put its section back" in left.remedy


async def test_a_reload_changes_the_function_and_what_waited_goes_through_the_new_one() -> None:
    clock = ManualClock()
    async with FakeHttp() as service:
        service.default = Reply(status=503)
        async with asking(service, clock=clock) as one:
            await track(one, "Order")
            await one.hears(WebhookFailed)
            other = ASKS.replace("if (response.status >= 500)", "if (false)").replace("!response.ok", "false")
            other = other.replace("(await response.json()).tier", "'new'")
            await one.reload(transformations={"tier": section(other, settings={"url": service.url})})
            clock.advance(60)

            assert [event["properties"]["tier"] for event in await one.events(1)] == ["new"]


async def test_a_function_that_asks_nobody_stays_where_it_was() -> None:
    async with diverted({"mark": section(MARK)}) as one:
        await track(one, "Order")

        assert len(await one.events(1)) == 1
        assert len(one.rig.router.diversions) == 0
        assert ("diverted", "website") not in await one.counts()
