"""Enrichments in a whole router: what is kept, what a reload changes, and what a broken one does not harm."""

from collections.abc import Mapping
from typing import Any

import aiohttp
import pytest

from router.plugins.enricher import Enricher
from router.plugins.hookspecs import hookimpl
from router.plugins.settings import Settings
from router.telemetry.happenings import EnrichmentFailed
from router.testing.running import Running, running
from tests.flow.reload.rig import Reloading


def source(*enrich: str) -> dict[str, Any]:
    """The section of the source."""
    return {"sources": {"website": {"write_key": "wk_demo", "enrich": list(enrich)}}}


async def post(rig: Running, context: Mapping[str, Any], *, message_id: str = "m1") -> dict[str, Any]:
    """Send an event through the door, and give its context as it reached the destination."""
    sent = {"type": "track", "event": "A", "userId": "u1", "messageId": message_id, "context": context}
    body = {"writeKey": "wk_demo", "batch": [sent]}
    async with aiohttp.ClientSession() as client, client.post(f"{rig.url}/v1/batch", json=body) as answer:
        assert answer.status == 200
    await rig.drained()
    found: dict[str, Any] = rig.delivered[-1]["context"]
    return found


async def test_events_30_a_campaign_is_read_from_the_page_and_never_overwritten() -> None:
    page = {"search": "?utm_campaign=a+b&utm_x=1"}
    async with running(source("campaign")) as rig:
        absent = await post(rig, {"page": page}, message_id="m1")
        present = await post(rig, {"page": page, "campaign": {"name": "mine"}}, message_id="m2")

    assert absent == {"campaign": {"name": "a b", "x": "1"}, "page": page}
    assert present == {"page": page, "campaign": {"name": "mine"}}


async def test_a_source_without_enrich_keeps_what_was_sent() -> None:
    context = {"page": {"search": "?utm_campaign=a"}, "ip": "8.8.8.8", "userAgent": "curl/8.1"}
    async with running() as rig:
        assert await post(rig, context) == context


async def test_several_add_to_one_event_and_the_first_wins() -> None:
    context = {"page": {"search": "?utm_campaign=a"}, "ip": "8.8.8.8", "userAgent": "curl/8.1"}
    async with running(source("bot", "user_agent", "geo", "campaign")) as rig:
        made = await post(rig, context)

    assert made == {
        "device": {"type": "bot", "name": "curl"},
        "location": {"country": "US"},
        "campaign": {"name": "a"},
        **context,
    }


@pytest.mark.parametrize("context", [None, [], "text", 7, {"ip": {"a": 1}, "userAgent": [], "page": None}])
async def test_a_context_of_the_wrong_type_harms_nobody(context: Any) -> None:
    async with running(source("geo", "user_agent", "bot", "campaign", "referrer")) as rig:
        made = await post(rig, context)
        counters = await rig.counters()

    assert made == (context if isinstance(context, dict) else {})
    assert counters["successfully_received", "website"] == 1
    assert not [name for name in counters if name[0] == "enrichment_failed"]


class NoSettings(Settings, frozen=True):
    """None."""


class Broken(Enricher[NoSettings]):
    """Always raises."""

    kind = "broken"
    reads = ("page",)
    adds = ("weather",)

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        raise RuntimeError("boom")


class BrokenPlugin:
    @hookimpl
    def register_enrichments(self) -> list[type[Broken]]:
        return [Broken]


async def test_an_enricher_that_raises_costs_its_own_addition_and_is_counted_and_named() -> None:
    heard: list[Any] = []
    async with running(source("broken", "campaign"), plugins=[BrokenPlugin()]) as rig:
        rig.signals.observe(heard.append)
        made = [await post(rig, {"page": {"search": "?utm_x=1"}}, message_id=name) for name in ("m1", "m2")]
        counters = await rig.counters()

    assert [one["campaign"] for one in made] == [{"x": "1"}] * 2
    assert counters["enrichment_failed", "website", "broken"] == 2
    assert [
        (one.kind, "RuntimeError" in one.error) for one in heard if isinstance(one, EnrichmentFailed)
    ] == [("broken", True)]


async def test_a_reload_switches_enrichments_on_and_off() -> None:
    page = {"page": {"search": "?utm_x=1"}}
    async with running(source("campaign")) as rig:
        reloading = Reloading(rig)
        await reloading.reload(**source())
        off = await post(rig, page, message_id="m1")
        done = await reloading.reload(**source("campaign"))
        on = await post(rig, page, message_id="m2")

    assert ("campaign" in off, "campaign" in on, done.sources) == (False, True, ("website",))
