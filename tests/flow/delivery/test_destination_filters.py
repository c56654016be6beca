"""Destination filters through a whole router: live, when an event is tried again, in replays and previews."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
from click.testing import CliRunner
from msgspec import UNSET, Raw

from router.admin.dead import RETRY, LetterIds
from router.admin.verbs import Desk
from router.admin.where import WHERE, AskWhere, answer_where
from router.assembly.preview import preview
from router.cli.main import main
from router.config.load import load
from router.delivery.terms import Terms
from router.events.calls import Track
from router.events.envelope import Envelope
from router.replay.keeper import Wanted
from router.replay.preview import look
from router.rules.addressee import Addressee
from router.rules.filters.compiled import DestinationFilters
from router.rules.filters.definition import Drop, DropProperties, FilterDefinition
from router.storage.dead_letters import revived_row
from router.storage.segment import decode_segment
from router.testing.fake_http import FakeHttp, Received, Reply
from router.testing.running import running
from tests.flow.admin.test_dead import desk_of, ids
from tests.flow.delivery.rig import envelope, rig
from tests.flow.delivery.talk import hook, refuse, sent
from tests.flow.replay.rig import NEVER, replaying

NO_PRICE = {"actions": [{"type": "DROP_PROPERTIES", "fields": {"properties": ["price"], "": ["userId"]}}]}
NO_USER = FilterDefinition(actions=(DropProperties({"": ("userId",), "properties": ("n",)}),))


def webhook(service: FakeHttp, **fields: Any) -> dict[str, Any]:
    return {"kind": "webhook", "settings": {"url": service.url}, **fields}


async def test_protocols_15_one_destination_lacks_what_another_keeps(service: FakeHttp) -> None:
    crm = webhook(service, filters=[NO_PRICE])
    async with running({"destinations": {"crm": crm}}) as rig:
        await rig.router.track("Order", user_id="u1", properties={"price": 5, "sku": "s"})
        await rig.drained()

        [request] = service.requests
        assert request.json()["properties"] == {"sku": "s"}
        assert "userId" not in request.json()
        assert (rig.delivered[0]["userId"], rig.delivered[0]["properties"]["price"]) == ("u1", 5)


async def test_protocols_12_what_a_filter_drops_is_counted_by_its_reason(
    service: FakeHttp,
) -> None:
    crm = webhook(service, filters=[{"if": "length(userId) < 1", "actions": [{"type": "DROP"}]}])
    async with running({"destinations": {"crm": crm}}) as rig:
        await rig.router.track("A", anonymous_id="a1")
        await rig.router.track("B", user_id="u1")
        await rig.drained()
        counters = await rig.counters()

    assert [one.json()["event"] for one in service.requests] == ["B"]
    assert counters["filtered", "crm", "FILTERED_BY_RULES"] == 1


async def test_protocols_14_a_filter_that_is_not_fql_drops_for_its_destination_only(
    service: FakeHttp,
) -> None:
    broken = DestinationFilters([FilterDefinition(condition="type =", actions=(Drop(),))])
    async with rig(hook(service), terms=Terms(filters=broken)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

        assert one.store.count("filtered", "FILTERED_BY_RULES:invalid_fql") == 2
        assert sent(service) == []


async def test_protocols_14_where_and_metrics_tell_a_filter_that_is_not_fql(
    service: FakeHttp, tmp_path: Path
) -> None:
    async with running({"destinations": {"crm": webhook(service)}}, folder=tmp_path) as rig:
        config = rig.router.config
        filters = (FilterDefinition(condition="type =", actions=(Drop(),)),)
        crm = msgspec.structs.replace(config.destinations["crm"], filters=filters)
        destinations = {**config.destinations, "crm": crm}
        await rig.router.reload(msgspec.structs.replace(config, destinations=destinations))
        await rig.router.track("A", user_id="u1", message_id="m1")
        await rig.drained()
        file = tmp_path / "router.toml"
        file.write_text(f'[storage]\npath = "{tmp_path}/router.db"\n')
        where = await asyncio.to_thread(CliRunner().invoke, main, ["where", "m1", "--config", str(file)])
        async with aiohttp.ClientSession() as client, client.get(f"{rig.url}/metrics") as answer:
            metrics = await answer.text()

    assert service.requests == []
    assert [one["event"] for one in rig.delivered] == ["A"]
    assert "FILTERED_BY_RULES:invalid_fql: a filter could not be evaluated" in where.output
    assert 'destination="crm",reason="FILTERED_BY_RULES:invalid_fql"' in metrics


async def test_events_28_what_a_filter_stumbles_over_is_dropped_and_nothing_else(service: FakeHttp) -> None:
    filters = DestinationFilters([FilterDefinition(condition="context.ip = 'x'", actions=(Drop(),))])
    damaged = envelope(1)
    damaged = damaged.replace_event(_damaged(damaged.event))
    async with rig(hook(service), terms=Terms(filters=filters)) as one:
        one.publish(envelope(0), damaged, envelope(2))
        await one.finished(3)

        assert one.store.count("filtered", "FILTERED_BY_RULES:invalid_fql") == 1
        assert sent(service) == [["m0"], ["m2"]]


async def test_protocols_14_what_one_filter_drops_and_what_another_cannot_judge_are_told_apart(
    service: FakeHttp,
) -> None:
    filters = DestinationFilters([FilterDefinition(condition="context.ip = 'x'", actions=(Drop(),))])
    damaged = envelope(1)
    damaged = damaged.replace_event(_damaged(damaged.event))
    plain = envelope(0)
    unwanted = plain.replace_event(plain.event.replace(context_json=Raw(b'{"ip":"x"}')))
    async with rig(hook(service), terms=Terms(filters=filters)) as one:
        one.publish(unwanted, damaged, envelope(2))
        await one.finished(3)

        assert one.store.count("filtered", "FILTERED_BY_RULES") == 1
        assert one.store.count("filtered", "FILTERED_BY_RULES:invalid_fql") == 1
        assert sent(service) == [["m2"]]


async def test_what_the_routing_rules_stumble_over_harms_nothing_else(service: FakeHttp) -> None:
    damaged = envelope(1)
    damaged = damaged.replace_event(_damaged(damaged.event))
    metadata = Raw(b'{"bundled":["Mixpanel"]}')
    damaged = Envelope(damaged.position, damaged.source, damaged.event, damaged.received_at, metadata)
    to = Addressee(id="crm", names=("Mixpanel",))
    async with rig(hook(service), terms=Terms(to=to, categories=frozenset({"ads"}))) as one:
        one.publish(envelope(0), damaged, envelope(2))
        await one.finished(3)

        assert one.store.count("filtered", "FILTERED_BY_RULES") == 1
        assert sent(service) == [["m0"], ["m2"]]


async def test_events_28_the_filter_key_keeps_back_what_it_stumbles_over(service: FakeHttp) -> None:
    def stumble(event: Track) -> bool:
        if event.message_id == "m1":
            raise ValueError("damaged")
        return True

    async with rig(hook(service), terms=Terms(accepts=stumble)) as one:
        one.publish(envelope(0), envelope(1), envelope(2))
        await one.finished(3)

        assert one.store.count("filtered", "FILTERED_BY_RULES:invalid_fql") == 1
        assert sent(service) == [["m0"], ["m2"]]


async def test_a_parked_event_that_is_tried_again_lacks_the_same_fields(service: FakeHttp) -> None:
    crm = webhook(service, filters=[NO_PRICE], retry={"first": "10ms", "max": "20ms"})

    async with running({"destinations": {"crm": crm}}) as rig:

        def until_it_is_parked(request: Received) -> Reply | None:
            is_parked = rig.router.destinations["crm"].status.parked
            return Reply(status=500) if request.json()["event"] == "Bad" and not is_parked else None

        service.rule = until_it_is_parked
        for name in ("Bad", "A", "B", "C"):
            await rig.router.track(name, user_id=name, properties={"price": 5, "sku": name})
        await rig.drained()

        bad = [one.json() for one in service.requests if one.json()["event"] == "Bad"]
        assert len(bad) > 1
        assert all("userId" not in one and one["properties"] == {"sku": "Bad"} for one in bad)
        assert (await rig.counters())["delivered", "crm"] == 4


async def test_a_filter_that_is_added_later_does_not_undo_what_was_taken(service: FakeHttp) -> None:
    refuse(service, "m0", status=500)
    async with rig(hook(service)) as one:
        one.publish(envelope(0, "a"), envelope(1, "b"), envelope(2, "c"))
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 2, step=0.5)
        await one.stop()
        drop = DestinationFilters([FilterDefinition(actions=(Drop(),)), NO_USER])
        one.options["terms"] = Terms(filters=drop)
        service.rule = None
        one.start()
        one.publish(envelope(3, "d"))
        await one.finished(4, step=1)

        assert sent(service)[-1] == ["m0"]
        assert one.store.count("filtered", "FILTERED_BY_RULES") == 1


async def test_a_dead_letter_of_an_event_that_was_cut_can_be_sent_again(service: FakeHttp) -> None:
    cut = {"actions": [{"type": "ALLOW_PROPERTIES", "fields": {"": ["event", "properties"]}}]}
    service.default = Reply(status=400)
    async with running({"destinations": {"crm": webhook(service, filters=[cut])}}) as rig:
        await rig.router.track("A", user_id="u1", message_id="m1", properties={"a": 1})
        await rig.drained()
        service.default = Reply()
        desk = desk_of(rig)
        [one] = await ids(desk)
        letters = await rig.router.storage.letters.read([one])
        await desk.ask(RETRY, LetterIds([one]))
        await rig.drained()

        row = revived_row(letters[0], now=1, store_id=bytes(16))
        assert row is not None
        assert decode_segment(row.kept)[0].event.message_id == "m1"  # what is sent once its segment is gone
        assert [one.json() for one in service.requests] == [
            {"type": "track", "event": "A", "messageId": "m1", "properties": {"a": 1}}
        ] * 2


async def test_protocols_32_a_replay_goes_by_filters_and_consent_and_not_by_the_integrations_object(
    service: FakeHttp,
) -> None:
    refused = {"consent": {"categoryPreferences": {"ads": False}}}
    consent = {"categories": {"ads": {"destinations": ["crm"]}}}
    filters = [{"if": "event = 'Secret'", "actions": [{"type": "DROP"}]}, NO_PRICE]
    async with replaying(service, crm={"filters": filters}, consent=consent) as rig:
        await rig.accept("m1", integrations={"Webhook": False}, properties={"price": 1})
        await rig.accept("m2", context=refused)
        await rig.one.router.track("Secret", user_id="u1", message_id="m3")
        await rig.one.drained()

        report = await rig.begin()
        await rig.replayed()
        report = await rig.one.router.replays.report(report.replay.number)

        [again] = [request.json() for request in service.requests]
        assert (again["messageId"], again["integrations"]) == ("m1", {"All": False, "Webhook": True})
        assert (again["properties"], again.get("userId")) == ({}, None)
        assert (report.count("delivered"), report.count("filtered")) == (1, 2)
        assert (await rig.sums("crm")).outcomes["filtered"] == 3


async def test_a_replay_is_transformed_as_live_events_are(service: FakeHttp) -> None:
    redact = {"kind": "redact", "destinations": ["crm"], "settings": {"fields": ["properties.email"]}}
    async with replaying(service, transformations={"privacy": redact}) as rig:
        await rig.accept("m1", properties={"email": "a@example.com"})

        await rig.begin()
        await rig.replayed()

        assert [request.json()["properties"] for request in service.requests] == [{}, {}]


async def test_a_dry_run_of_a_replay_goes_by_the_same_terms(service: FakeHttp) -> None:
    filters = [{"if": "event = 'Secret'", "actions": [{"type": "DROP"}]}, NO_PRICE]
    async with replaying(service, crm={"filters": filters}) as rig:
        await rig.accept("m1", integrations={"Webhook": False}, properties={"price": 1})
        await rig.one.router.track("Secret", user_id="u1")
        await rig.one.drained()
        router = rig.one.router

        target = router.destinations.targets["crm"]
        piece = await look(router.storage, target, Wanted("crm", 0, NEVER), position=None, seconds=5)

        assert (piece.counts, piece.filtered) == (
            [("track", "Bought", "embedded", 1)], [("FILTERED_BY_RULES", 1)],
        )  # fmt: skip
        assert '"Webhook": true' in piece.samples[0]
        assert "price" not in piece.samples[0]


def test_a_preview_shows_what_a_new_filter_takes_away() -> None:
    old = {"kind": "webhook", "settings": {"url": "http://127.0.0.1:1/"}}
    configs = [
        load({"sources": {}, "destinations": {"crm": {**old, **more}}})
        for more in ({}, {"filters": [NO_PRICE]})
    ]
    order = envelope(0)

    [found] = preview(*configs, [order])

    assert [one.place for change in found.changes for one in change.differences] == ["body.userId"]


async def test_router_where_tells_that_a_filter_dropped_the_event(service: FakeHttp) -> None:
    crm = webhook(service, filters=[{"actions": [{"type": "DROP"}]}])
    async with running({"destinations": {"crm": crm}}) as rig:
        await rig.router.track("A", user_id="u1", message_id="m1")
        await rig.drained()
        desk = Desk()
        answer_where(desk, rig.router.storage)

        found = await desk.ask(WHERE, AskWhere("m1", ("default",)))

        crm_says = next(one for one in found.found[0].destinations if one.destination == "crm")
        assert crm_says.state == "filtered"
        assert [one.reason for one in crm_says.history] == ["FILTERED_BY_RULES"]


def _damaged(event: Any) -> Any:
    """The event with a context that is no JSON."""
    return msgspec.structs.replace(event, context_json=Raw(b'{"ip"'), _open=UNSET)
