"""Transformations change or drop events: of a source before they are kept, of a destination before they are sent."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import pytest

from router import ConfigError, Router, Settings, Track, Transformation, hookimpl, load
from router.events.calls import AnyEvent
from router.plugins.registry import Registry
from router.testing import FakeHttp, ManualClock, Reply, Shelf, collect_plugin


class TrickSettings(Settings, frozen=True):
    """What it does."""

    word: str = "seen"
    """The word that it appends; "seen" by default."""


class Trick(Transformation[TrickSettings, Track]):
    """Does what the event's name says."""

    kind = "trick"
    reason = "tricked"

    def transform(self, event: Track) -> Any:
        match event.event:
            case "drop":
                return None
            case "raise":
                raise KeyError("missing")
            case "rename":
                return event.replace(message_id="other")
            case "none":
                return {}
        said = [*event.properties.get("said", []), self.settings.word]
        return event.replace(properties={**event.properties, "said": said})


class Fussy(Transformation[TrickSettings, Track]):
    """Takes no settings at all."""

    kind = "fussy"
    reason = "Not a code"

    def __init__(self, settings: TrickSettings, *, name: str) -> None:
        raise RuntimeError("not today")

    def transform(self, event: Track) -> Track:
        return event


class Plugin:
    """Registers both."""

    @hookimpl
    def register_transformations(self) -> list[type[Transformation[Any, Any]]]:
        return [Trick, Fussy]


class Rig:
    """A router in memory with two destinations, `plain` and `tricked`."""

    def __init__(
        self, transformations: Mapping[str, Any], clock: ManualClock | None = None, **config: Any
    ) -> None:
        self.shelf = Shelf()
        self.registry = Registry.load().with_plugin(collect_plugin(self.shelf)).with_plugin(Plugin())
        self.sections = {
            "server": {"port": 0},
            "storage": {"kind": "memory"},
            "sources": {"website": {"write_key": "wk"}},
            "destinations": {"plain": {"kind": "collect"}},
            "transformations": transformations,
            **config,
        }
        self.router = Router(self.config(), registry=self.registry, clock=clock)

    def config(self, **changes: Any) -> Any:
        return load({**self.sections, **changes}, registry=self.registry)

    async def send(self, *names: str, source: str = "website") -> None:
        for name in names:
            await self.router.track(name, user_id="u1", message_id=f"m-{name}", source=source)
        await self.router.drained()

    async def letters(self, name: str) -> list[Any]:
        return await self.router.storage.dead_letters(name, 10)


@asynccontextmanager
async def rig(transformations: Mapping[str, Any], **options: Any) -> AsyncIterator[Rig]:
    one = Rig(transformations, **options)
    async with one.router:
        yield one


AT_SOURCE = {"trick": {"kind": "trick", "sources": ["website"]}}


async def test_events_of_a_source_are_kept_as_they_were_changed() -> None:
    async with rig(AT_SOURCE) as one:
        await one.send("A")

        assert [event["properties"] for event in one.shelf.events] == [{"said": ["seen"]}]


async def test_events_of_other_sources_and_types_pass_as_they_are() -> None:
    async with rig(AT_SOURCE) as one:
        await one.send("A", source="embedded")
        await one.router.identify(user_id="u1", source="website")
        await one.router.drained()

        assert "said" not in str(one.shelf.events)


async def test_they_run_in_the_order_of_the_file() -> None:
    two = {
        "second": {"kind": "trick", "sources": ["website"], "settings": {"word": "b"}},
        "first": {"kind": "trick", "sources": ["website"], "settings": {"word": "a"}},
    }
    async with rig(two) as one:
        await one.send("A")

        assert one.shelf.events[0]["properties"]["said"] == ["b", "a"]


async def test_a_dropped_event_is_counted_with_its_reason_and_not_kept() -> None:
    async with rig(AT_SOURCE) as one:
        await one.send("drop", "A")
        counters = await one.router.counters()

        assert [event["event"] for event in one.shelf.events] == ["A"]
        assert counters["filtered_at_source", "website", "tricked"] == 1
        assert counters["successfully_received", "website"] == 2
        assert counters["accepted", "plain"] == 1


@pytest.mark.parametrize("name", ["raise", "rename", "none"])
async def test_a_mistake_costs_its_event_only_and_leaves_a_dead_letter(name: str) -> None:
    async with rig(AT_SOURCE) as one:
        await one.send("A", name, "B")
        counters = await one.router.counters()
        (letter,) = await one.letters("(pipeline)")

        assert [event["event"] for event in one.shelf.events] == ["A", "B"]
        assert letter.message_id == f"m-{name}"
        assert counters["failed_on_ingest", "website", "processing_error"] == 1


AT_DESTINATION = {
    "transformations": {"trick": {"kind": "trick", "destinations": ["crm"]}},
}


@asynccontextmanager
async def with_crm(clock: ManualClock | None = None) -> AsyncIterator[tuple[Rig, FakeHttp]]:
    async with FakeHttp() as service:
        destinations = {
            "plain": {"kind": "collect"},
            "crm": {"kind": "webhook", "settings": {"url": service.url}},
        }
        async with rig(AT_DESTINATION["transformations"], destinations=destinations, clock=clock) as one:
            yield one, service


async def test_a_destination_gets_what_its_transformation_made_and_others_what_was_kept() -> None:
    async with with_crm() as (one, service):
        await one.send("A")

        assert service.requests[0].json()["properties"] == {"said": ["seen"]}
        assert "said" not in str(one.shelf.events)


async def test_what_is_dropped_for_a_destination_is_counted_there() -> None:
    async with with_crm() as (one, service):
        await one.send("drop", "A")
        counters = await one.router.counters()

        assert [request.json()["event"] for request in service.requests] == ["A"]
        assert counters["filtered", "crm", "TRICKED"] == 1
        assert counters["delivered", "plain"] == 2


@pytest.mark.parametrize("name", ["raise", "rename", "none"])
async def test_a_mistake_for_a_destination_costs_its_event_there_only(name: str) -> None:
    async with with_crm() as (one, service):
        await one.send("A", name, "B")
        (letter,) = await one.letters("crm")

        assert [request.json()["event"] for request in service.requests] == ["A", "B"]
        assert (letter.message_id, letter.reason) == (f"m-{name}", "TRANSFORMATION_ERROR")
        assert len(one.shelf.events) == 3


async def test_an_event_that_is_tried_again_is_transformed_once() -> None:
    async with with_crm(ManualClock()) as (one, service):
        clock = one.router.clock
        assert isinstance(clock, ManualClock)
        service.script(Reply(status=503))
        await one.router.track("A", user_id="u1")
        while len(service.requests) < 2:
            if service.requests and not one.router.destinations["crm"].status.in_flight:
                clock.advance(1)
            await asyncio.sleep(0)
        await one.router.drained()

        assert [request.json()["properties"]["said"] for request in service.requests] == [["seen"]] * 2


async def test_a_reload_changes_transformations_of_sources_and_destinations() -> None:
    async with with_crm() as (one, service):
        changed = {
            "trick": {"kind": "trick", "destinations": ["crm"], "settings": {"word": "new"}},
            "more": {"kind": "trick", "sources": ["website"], "settings": {"word": "kept"}},
        }
        await one.send("A")
        await one.router.reload(one.config(transformations=changed))
        await one.send("B")

        assert [request.json()["properties"]["said"] for request in service.requests] == [
            ["seen"],
            ["kept", "new"],
        ]


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"kind": "trick"}, "needs either sources or destinations"),
        ({"kind": "trick", "sources": ["website"], "destinations": ["plain"]}, "needs either"),
        ({"kind": "trick", "sources": []}, "is empty: it would never run"),
        ({"kind": "trick", "sources": ["webiste"]}, 'there is no source "webiste"; did you mean "website"?'),
        ({"kind": "trick", "destinations": ["x"]}, 'there is no destination "x"'),
        ({"kind": "trick", "sources": "website"}, "must be a list of names"),
        (
            {"kind": "trik", "sources": ["website"]},
            'offers the transformation kind "trik"; did you mean "trick"?',
        ),
        ({"sources": ["website"]}, "kind: is missing"),
        ({"kind": "trick", "sources": ["website"], "word": 1}, "word: is not a known key"),
        (
            {"kind": "trick", "sources": ["website"], "settings": {"wrod": 1}},
            "settings.wrod: is not a known key",
        ),
        ({"kind": "fussy", "sources": ["website"]}, "RuntimeError: not today"),
        ({"kind": "fussy", "sources": ["website"]}, "no reason code"),
        (7, "must be a section"),
    ],
)
def test_what_is_wrong_with_a_section_is_said(section: Any, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Rig({"mine": section})

    assert any("transformations.mine" in line and problem in line for line in caught.value.problems), (
        caught.value
    )


def test_an_event_may_be_changed_with_decoded_json() -> None:
    event: AnyEvent = Track(event="A", message_id="m", received_at="x", timestamp="x")

    assert event.replace(properties={"a": 1}, context={"b": 2}).json == (
        b'{"type":"track","event":"A","messageId":"m","context":{"b":2},"integrations":{},"receivedAt":"x",'
        b'"timestamp":"x","properties":{"a":1}}'
    )
