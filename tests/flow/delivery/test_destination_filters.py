"""Destination filters through a whole router: live, when an event is tried again, in replays and previews."""

from pathlib import Path
from typing import Any

import pytest

from router.config.load import load
from router.delivery.preview import shown
from router.config.terms import terms_of
from router.delivery.terms import Terms
from router.events.calls import Track
from router.preview import preview
from router.rules.addressee import Addressee
from router.rules.filters.compiled import DestinationFilters
from router.rules.filters.definition import Drop, DropProperties, FilterDefinition
from router.storage.dead_letters import LetterQuery
from router.testing.fake_http import FakeHttp, Reply
from router.testing.running import running
from tests.flow.delivery.rig import envelope, rig
from tests.flow.delivery.talk import hook, refuse, sent
from tests.flow.replay.rig import replaying

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


async def test_protocols_12_operations_14_what_a_filter_drops_is_counted_by_its_reason(service: FakeHttp) -> None:
    crm = webhook(service, filters=[{"if": "length(userId) < 1", "actions": [{"type": "DROP"}]}])
    async with running({"destinations": {"crm": crm}}) as rig:
        await rig.router.track("A", anonymous_id="a1")
        await rig.router.track("B", user_id="u1")
        await rig.drained()
        counters = await rig.counters()

    assert [one.json()["event"] for one in service.requests] == ["B"]
    assert counters["filtered", "crm", "FILTERED_BY_RULES"] == 1


async def test_protocols_14_a_filter_that_is_not_fql_drops_for_its_destination_only(service: FakeHttp) -> None:
    broken = DestinationFilters([FilterDefinition(condition="type =", actions=(Drop(),))])
    async with rig(hook(service), terms=Terms(filters=broken)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

        assert one.store.count("filtered", "FILTERED_BY_RULES") == 2
        assert sent(service) == []


async def test_events_28_what_a_filter_stumbles_over_is_dropped_and_nothing_else(service: FakeHttp) -> None:
    from msgspec import Raw

    filters = DestinationFilters([FilterDefinition(condition="context.ip = 'x'", actions=(Drop(),))])
    damaged = envelope(1)
    damaged = damaged.replace_event(_damaged(damaged.event))
    async with rig(hook(service), terms=Terms(filters=filters)) as one:
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

        assert one.store.count("filtered", "FILTERED_BY_RULES") == 1
        assert sent(service) == [["m0"], ["m2"]]


async def test_a_parked_event_that_is_tried_again_lacks_the_same_fields(service: FakeHttp) -> None:
    crm = webhook(service, filters=[NO_PRICE], retry={"first": "10ms", "max": "20ms"})
    service.rule = lambda request: Reply(status=500) if request.json()["event"] == "Bad" else None
    async with running({"destinations": {"crm": crm}}) as rig:
        for name in ("Bad", "A", "B", "C"):
            await rig.router.track(name, user_id=name, properties={"price": 5, "sku": name})
        await service.wait(5)
        service.rule = None
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


async def test_a_dead_letter_of_an_event_that_was_cut_can_be_sent_again(service: FakeHttp, tmp_path: Path) -> None:
    cut = {"actions": [{"type": "ALLOW_PROPERTIES", "fields": {"": ["event", "properties"]}}]}
    crm = webhook(service, filters=[cut])
    service.rule = lambda request: Reply(status=400)
    async with running({"destinations": {"crm": crm}}, folder=tmp_path) as rig:
        await rig.router.track("A", user_id="u1", message_id="m1", properties={"a": 1})
        await rig.drained()
        [letter] = await rig.router.storage.letters.find(LetterQuery(destination="crm"))
        service.rule = None
        await rig.router.destinations.revive([letter.id]) if hasattr(rig.router.destinations, "revive") else None
