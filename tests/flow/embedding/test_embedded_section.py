"""A section `[sources.embedded]` says what becomes of the calls that the embedding program makes itself."""

from pathlib import Path
from typing import Any

import aiohttp

from router.testing.running import Running, running
from tests.flow.reload.rig import Reloading
from tests.unit.plan.drafting import RIDE, text


def embedded(**section: Any) -> dict[str, Any]:
    """A configuration in which only the program itself sends."""
    return {"sources": {"embedded": section}}


async def track(rig: Running, event: str, **properties: Any) -> None:
    await rig.router.track(event, user_id="u1", properties=properties)
    await rig.drained()


async def test_its_events_are_held_to_its_plan(tmp_path: Path) -> None:
    file = tmp_path / "plan.json"
    file.write_bytes(text(RIDE))
    enforcement = {"track": {"unplanned_events": "block"}}
    config = {**embedded(plan="shop", enforcement=enforcement), "plans": {"shop": {"file": str(file)}}}
    async with running(config) as rig:
        await track(rig, "Ride Cancelled")
        await track(rig, "Ride Ended", ride_id="r1")
        counters = await rig.counters()

    assert [one["event"] for one in rig.delivered] == ["Ride Ended"]
    assert counters["filtered_at_source", "embedded", "unplanned"] == 1


async def test_its_events_meet_schema_privacy_and_transformations() -> None:
    step = {"set": {"properties.shop": "web"}}
    config = {
        **embedded(schema={"block_events": ["Noise"]}, privacy={"red": "block", "properties.email": "mask"}),
        "privacy": {"red": ["ssn"]},
        "transformations": {
            "tidy": {"kind": "steps", "sources": ["embedded"], "settings": {"steps": [step]}},
        },
    }
    async with running(config) as rig:
        await track(rig, "Noise")
        await track(rig, "A", ssn="123-45-6789", email="ada@example.com")

    [event] = rig.delivered
    assert event["properties"] == {"email": "***********.com", "shop": "web"}


async def test_its_events_are_enriched() -> None:
    async with running(embedded(enrich=["campaign"])) as rig:
        context = {"page": {"search": "?utm_source=news"}}
        await rig.router.track("A", user_id="u1", context=context)
        await rig.drained()

    assert rig.delivered[0]["context"]["campaign"] == {"source": "news"}


async def test_its_events_are_not_sent_where_it_is_switched_off() -> None:
    filters = [{"event": "A", "destinations": ["collect"]}]
    async with running(embedded(integration_filters=filters)) as rig:
        await track(rig, "A")
        await track(rig, "B")

    assert [one["event"] for one in rig.delivered] == ["B"]


async def test_a_reload_changes_what_becomes_of_them() -> None:
    async with running(embedded()) as rig:
        await track(rig, "A", ssn="1")
        await Reloading(rig).reload(
            sources={"embedded": {"privacy": {"red": "block"}}}, privacy={"red": ["ssn"]}
        )
        await track(rig, "A", ssn="1")

    assert [one["properties"] for one in rig.delivered] == [{"ssn": "1"}, {}]


async def test_no_client_reaches_it() -> None:
    async with running(embedded()) as rig:
        for key in ("", "embedded"):
            body = {"writeKey": key, "type": "track", "event": "A", "userId": "u1"}
            async with (
                aiohttp.ClientSession() as client,
                client.post(f"{rig.url}/v1/track", json=body) as answer,
            ):
                await answer.read()
        await track(rig, "B")

    assert [one["event"] for one in rig.delivered] == ["B"]
