"""What a tracking plan does to events on their way: at every destination, and on the sources it forwards to."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner

from router.cli.main import main
from router.config.load import load
from router.rules.again import sent_again
from router.rules.request import read_entry
from router.storage.entry import Entry
from router.testing.running import Running, running
from tests.unit.plan.drafting import RIDE, rule, text

COMMON = {
    "type": "COMMON",
    "jsonSchema": {"properties": {"properties": {"properties": {"currency": {"enum": ["EUR"]}}}}},
}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


@asynccontextmanager
async def planned(
    file: Path, *rules: dict[str, Any], schema: dict[str, Any] | None = None, **enforcement: Any
) -> AsyncIterator[Running]:
    """A router whose source `website` has a plan of these rules (by default the ride's)."""
    file.write_bytes(text(*(rules or (RIDE,)), id="tp_1", name="Rides"))
    website: dict[str, Any] = {"write_key": "wk_demo", "plan": "shop", "enforcement": enforcement}
    config = {
        "plans": {"shop": {"file": str(file)}},
        "sources": {"website": website, "quality": {"write_key": "wk_quality"}},
    }
    async with running(config) as rig:
        yield rig


async def send(rig: Running, event: str = "Ride Ended", **properties: Any) -> None:
    await rig.router.track(event, user_id="u1", properties=properties, source="website", message_id="m1")
    await rig.drained()


async def dead(rig: Running) -> list[tuple[str, str]]:
    return [(one.reason, one.answer) for one in await rig.router.storage.dead_letters(None, 10)]


async def test_protocols_01_an_unplanned_event_is_blocked_and_kept_with_its_reason(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}) as rig:
        await send(rig, "Ride Cancelled")
        counters = await rig.counters()
        letters = await dead(rig)

    assert rig.delivered == []
    assert counters["filtered_at_source", "website", "unplanned"] == 1
    assert letters == [("unplanned", "the plan 'Rides' has no rule for \"Ride Cancelled\"")]


async def test_protocols_02_another_spelling_is_unplanned(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}) as rig:
        await send(rig, "ride_ended", ride_id="r")

    assert rig.delivered == []


async def test_events_27_an_event_in_snake_case_is_not_the_planned_one(file: Path) -> None:
    async with planned(file, rule(key="Subscription Cancelled"), track={"unplanned_events": "block"}) as rig:
        await send(rig, "subscription_cancelled")
        letters = await dead(rig)

    assert [reason for reason, _ in letters] == ["unplanned"]


async def test_protocols_03_unplanned_properties_are_omitted_and_named(file: Path) -> None:
    async with planned(file, track={"unplanned_properties": "omit"}) as rig:
        start, stop = {"city": "B", "zip": 1}, {"name": "a", "lat": 2}
        await send(rig, ride_id="r", other=1, **{"from": start}, stops=[stop], free={"x": 1})

    [event] = rig.delivered
    assert event["properties"] == {
        "ride_id": "r", "from": {"city": "B"}, "stops": [{"name": "a"}], "free": {"x": 1}
    }  # fmt: skip
    assert event["context"]["protocols"] == {
        "sourceId": "website", "omitted": ["other", "from.zip", "stops.$.lat"]
    }  # fmt: skip


async def test_events_26_omitted_keys_stand_in_the_context_and_not_in_the_properties(file: Path) -> None:
    async with planned(file, track={"unplanned_properties": "omit"}) as rig:
        await send(rig, ride_id="r", **{"__proto__": 1, "a b": 2, "c.d": 3})

    [event] = rig.delivered
    assert event["properties"] == {"ride_id": "r"}
    assert event["context"]["protocols"]["omitted"] == ["__proto__", "a b", "c.d"]


async def test_protocols_04_an_offending_property_is_omitted_and_the_event_delivered(file: Path) -> None:
    async with planned(file, track={"violations": "omit"}) as rig:
        await send(rig, ride_id="r", km="far")

    [event] = rig.delivered
    assert event["properties"] == {"ride_id": "r"}
    assert event["context"]["protocols"] == {
        "sourceId": "website",
        "omitted_on_violation": ["km"],
        "violations": [{
            "type": "Invalid Type", "field": "properties.km",
            "description": "Invalid type. Expected: number or null, given: string",
        }],
    }  # fmt: skip


async def test_protocols_05_an_event_is_judged_by_the_version_it_names_or_the_lowest(file: Path) -> None:
    old, new = rule(version=1), rule(version=2, required=["ride_id"])
    async with planned(file, old, new, track={"violations": "block"}) as rig:
        for number, version in enumerate((None, 3.2, 2)):
            context = {"protocols": {"event_version": version}}
            await rig.router.track(
                "Ride Ended",
                user_id="u",
                context=context,
                properties={},
                source="website",
                message_id=f"m{number}",
            )
        await rig.drained()

    assert [event["messageId"] for event in rig.delivered] == ["m0", "m1"]


async def test_protocols_06_the_common_schema_blocks_what_passed_the_standard_controls(file: Path) -> None:
    async with planned(file, RIDE, COMMON, track={"common": "block"}) as rig:
        await send(rig, ride_id="r", currency="USD")
        letters = await dead(rig)

    assert rig.delivered == []
    assert letters == [("common_schema_violation", 'properties.currency must be one of the following: "EUR"')]


async def test_the_common_schema_may_omit_what_breaks_it(file: Path) -> None:
    async with planned(file, RIDE, COMMON, track={"common": "omit"}) as rig:
        await send(rig, ride_id="r", currency="USD")

    assert rig.delivered[0]["properties"] == {"ride_id": "r"}


async def test_the_common_schema_judges_what_the_standard_controls_left(file: Path) -> None:
    async with planned(file, RIDE, COMMON, track={"unplanned_properties": "omit", "common": "block"}) as rig:
        await send(rig, ride_id="r", currency="USD")

    assert rig.delivered[0]["properties"] == {"ride_id": "r"}


async def test_protocols_07_each_violation_becomes_an_event_of_the_chosen_source(file: Path) -> None:
    async with planned(file, forward_violations_to="quality") as rig:
        await send(rig, km="far")

    _, *made = rig.delivered
    assert {one["event"] for one in made} == {"Violation Generated"}
    assert {one["userId"] for one in made} == {"schema-violations"}
    assert {one["forwardedFromProject"] for one in made} == {"website"}
    assert all(one["messageId"].startswith("sch-") for one in made)
    assert sorted(one["properties"]["violationType"] for one in made) == ["Invalid Type", "Required"]
    assert made[0]["properties"].keys() == {
        "appVersion", "eventMessageID", "eventName", "eventSentAt", "eventTimestamp", "eventType", "sourceID",
        "sourceName", "sourceSlug", "trackingPlanID", "trackingPlanName", "violationDescription", "violationField",
        "violationType",
    }  # fmt: skip


async def test_the_same_event_makes_violations_under_the_same_ids(file: Path) -> None:
    found = []
    for _ in range(2):
        async with planned(file, forward_violations_to="quality") as rig:
            await send(rig)
            found.append(rig.delivered[1]["messageId"])

    assert found[0] == found[1]


async def test_protocols_08_a_blocked_event_appears_whole_on_the_chosen_source(file: Path) -> None:
    options = {
        "track": {"violations": "block", "unplanned_properties": "omit"},
        "forward_blocked_to": "quality",
    }
    async with planned(file, **options) as rig:
        await send(rig, other=1)
        counters = await rig.counters()
        letters = await dead(rig)

    [event] = rig.delivered
    assert event["properties"] == {"other": 1}
    assert event["messageId"] != "m1"
    assert event["context"]["protocols"]["eventMessageID"] == "m1"
    assert counters["created_at_source", "quality", "blocked_event"] == 1
    assert [reason for reason, _ in letters] == ["unplanned_and_schema_violation"]


async def test_events_25_an_unplanned_event_under_block_reaches_the_forward_source_only(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}, forward_blocked_to="quality") as rig:
        await send(rig, "Unheard Of")
        segments = await rig.router.storage.books()

    assert [event["event"] for event in rig.delivered] == ["Unheard Of"]
    assert segments.counts()["created_at_source", "quality", "blocked_event"] == 1


async def test_a_blocked_event_is_not_judged_again_where_it_is_forwarded_to(file: Path) -> None:
    file.write_bytes(text(RIDE))
    strict = {
        "plan": "shop",
        "enforcement": {"track": {"unplanned_events": "block"}, "forward_blocked_to": "b"},
    }
    back = {
        "plan": "shop",
        "enforcement": {"track": {"unplanned_events": "block"}, "forward_blocked_to": "website"},
    }
    config = {
        "plans": {"shop": {"file": str(file)}},
        "sources": {"website": {"write_key": "k1", **strict}, "b": {"write_key": "k2", **back}},
    }
    async with running(config) as rig:
        await send(rig, "Unheard Of")

    assert len(rig.delivered) == 1


async def test_an_event_with_omissions_only_is_not_forwarded_as_blocked(file: Path) -> None:
    async with planned(file, track={"unplanned_properties": "omit"}, forward_blocked_to="quality") as rig:
        await send(rig, ride_id="r", other=1)

    assert [event["messageId"] for event in rig.delivered] == ["m1"]


async def test_by_default_everything_passes_and_what_is_wrong_is_written_into_it(file: Path) -> None:
    async with planned(file) as rig:
        await send(rig, km=1, other=1)

    [event] = rig.delivered
    assert event["properties"] == {"km": 1, "other": 1}
    assert event["context"]["protocols"]["violations"][0]["description"] == "properties.ride_id is required"


async def test_an_event_that_keeps_to_its_plan_is_left_as_it_is(file: Path) -> None:
    async with planned(file, track={"unplanned_properties": "omit", "violations": "block"}) as rig:
        await send(rig, ride_id="r", km=None)

    assert rig.delivered[0]["context"] == {}


async def test_what_the_client_wrote_of_protocols_stays(file: Path) -> None:
    async with planned(file) as rig:
        context = {"protocols": {"event_version": 1}, "app": {"version": "2"}}
        await rig.router.track("Ride Ended", user_id="u", context=context, source="website")
        await rig.drained()

    assert rig.delivered[0]["context"]["protocols"]["event_version"] == 1


async def test_traits_are_omitted_and_identify_calls_go_on(file: Path) -> None:
    traits = rule("IDENTIFY", "", part="traits", properties={"age": {"type": "integer"}})
    options = {"identify": {"unplanned_traits": "omit", "violations": "omit"}}
    async with planned(file, traits, **options) as rig:
        await rig.router.identify(user_id="u", traits={"age": "old", "shoe": 43}, source="website")
        await rig.drained()

    [event] = rig.delivered
    assert event["traits"] == {}
    assert event["context"]["protocols"]["omitted"] == ["shoe"]
    assert event["context"]["protocols"]["omitted_on_violation"] == ["age"]


async def test_pages_without_a_rule_are_not_blocked_with_unplanned_track_calls(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}) as rig:
        await rig.router.page("Home", user_id="u", source="website")
        await rig.drained()

    assert len(rig.delivered) == 1


async def test_an_element_of_the_wrong_type_takes_its_property_with_it(file: Path) -> None:
    tags = rule(properties={"tags": {"type": "array", "items": {"type": "string"}}})
    async with planned(file, tags, track={"violations": "omit"}) as rig:
        await send(rig, tags=["a", 1], other=2)

    [event] = rig.delivered
    assert event["properties"] == {"other": 2}
    assert event["context"]["protocols"]["omitted_on_violation"] == ["tags"]


async def test_a_thousand_violations_are_told_in_fifty_and_omitted_all(file: Path) -> None:
    many = rule(patternProperties={"^n": {"type": "string"}})
    async with planned(file, many, track={"violations": "omit"}) as rig:
        await send(rig, **{f"n{number}": number for number in range(1000)})

    [event] = rig.delivered
    assert event["properties"] == {}
    assert len(event["context"]["protocols"]["violations"]) == 50


async def test_thousands_of_unplanned_properties_are_omitted(file: Path) -> None:
    async with planned(file, track={"unplanned_properties": "omit"}) as rig:
        await send(rig, ride_id="r", **{f"n{number}": 1 for number in range(2500)})

    assert rig.delivered[0]["properties"] == {"ride_id": "r"}


@pytest.mark.parametrize("event", ["Order Completed", "Product Viewed", "Application Opened"])
async def test_events_32_a_semantic_event_without_any_of_its_properties_is_accepted(event: str) -> None:
    async with running() as rig:
        await send(rig, event)

    assert [one["event"] for one in rig.delivered] == [event]


async def test_the_sum_of_the_stream_holds_with_blocked_and_forwarded_events(file: Path) -> None:
    options = {"track": {"unplanned_events": "block"}}
    forward = {"forward_blocked_to": "quality", "forward_violations_to": "quality"}
    async with planned(file, **options, **forward) as rig:
        await send(rig, "Unheard Of")
        await send(rig, "Ride Ended")
        await rig.router.audit.look()

        assert rig.router.audit.troubles == []


async def test_a_blocked_event_can_be_sent_again_once_the_plan_has_its_rule(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}) as rig:
        await send(rig, "Unheard Of")
        [letter] = await rig.router.storage.dead_letters(None, 10)
        file.write_bytes(text(RIDE, rule(key="Unheard Of")))
        await rig.router.reload(load(rig.config, registry=rig.router.registry))
        entry = sent_again(msgspec.msgpack.decode(letter.entry, type=Entry), 1_900_000_000_000)
        await rig.router.accept(entry, read_entry(entry))
        await rig.drained()

    assert [event["messageId"] for event in rig.delivered] == ["m1"]


async def test_a_changed_plan_holds_for_the_next_event(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}) as rig:
        file.write_bytes(text(RIDE, rule(key="Unheard Of")))
        done = await rig.router.reload(load(rig.config, registry=rig.router.registry))
        await send(rig, "Unheard Of")

    assert done.sources == ("website",)
    assert len(rig.delivered) == 1


async def test_where_tells_that_an_event_was_blocked_by_its_plan(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}) as rig:
        await send(rig, "Unheard Of")
        config = file.with_name("router.toml")
        store = rig.config["storage"]["path"]
        config.write_text(f'[storage]\npath = "{store}"\n[sources.website]\nwrite_key = "env:NONE"\n')

        said = await asyncio.to_thread(CliRunner().invoke, main, ["where", "m1", "-c", str(config)])

    assert "m1  was blocked by its tracking plan (unplanned)" in said.output


async def test_metrics_show_what_was_filtered_at_the_source_with_its_reason(file: Path) -> None:
    async with planned(file, track={"unplanned_events": "block"}) as rig:
        await send(rig, "Unheard Of")
        storage = rig.router.storage
        shown = rig.router.metrics.text(await storage.facts(), await rig.counters(), await storage.books())

    assert b'reason="unplanned",source="website",step="filtered_at_source"} 1' in shown
