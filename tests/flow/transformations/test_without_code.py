"""Changes of events that no Python is needed for, in a whole router."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.flow.transformations.test_transformations import rig

RENAMES: Mapping[str, Any] = {
    "steps": {"steps": [{"set": {"event": "B"}, "if": "event = 'A'"}]},
    "segment": {"json": '[{"if":"event = \'A\'","newEventName":"B"}]'},
    "function": {
        "code": "function onTrack(event) { if (event.event === 'A') event.event = 'B'; return event }"
    },
}
KINDS = list(RENAMES)


@pytest.mark.parametrize("kind", KINDS)
async def test_protocols_28_a_rename_at_the_source_is_what_is_kept_and_what_everybody_gets(kind: str) -> None:
    rename = {"kind": kind, "sources": ["website"], "settings": RENAMES[kind]}
    async with rig({"rename": rename}) as one:
        await one.send("A")

        assert [event["event"] for event in one.shelf.events] == ["B"]
        assert one.router.stream.head == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_transformation_of_a_destination_makes_does_not_fit_its_filter(
    kind: str,
) -> None:
    rename = {"kind": kind, "destinations": ["plain"], "settings": RENAMES[kind]}
    only = {"plain": {"kind": "collect", "filter": 'event = "B"'}}
    async with rig({"rename": rename}, destinations=only) as one:
        await one.send("A", "B")

        assert [event["messageId"] for event in one.shelf.events] == ["m-B"]


async def test_protocols_23_a_page_without_a_handler_is_not_delivered() -> None:
    code = "function onTrack(event) { return event }"
    tracks = {"kind": "function", "destinations": ["plain"], "settings": {"code": code}}
    async with rig({"tracks": tracks}) as one:
        await one.router.page("Home", user_id="u1", source="website")
        await one.send("A")
        counters = await one.router.counters()

        assert [event["type"] for event in one.shelf.events] == ["track"]
        assert counters["filtered", "plain", "UNSUPPORTED_EVENT_TYPE"] == 1


async def test_a_function_that_breaks_at_a_source_costs_its_event_only() -> None:
    code = "function onTrack(event) { if (event.event === 'bad') for (;;); return event }"
    slow = {"kind": "function", "sources": ["website"], "settings": {"code": code, "time_limit": 0.1}}
    async with rig({"slow": slow}) as one:
        await one.send("A", "bad", "B")
        (letter,) = await one.letters("(pipeline)")

        assert [event["event"] for event in one.shelf.events] == ["A", "B"]
        assert letter.message_id == "m-bad"


async def test_a_function_whose_file_changed_is_loaded_again(tmp_path: Path) -> None:
    file = tmp_path / "tidy.js"
    file.write_text("function onTrack(event) { event.context.by = 'old'; return event }", encoding="utf-8")
    tidy = {"kind": "function", "destinations": ["plain"], "settings": {"file": str(file)}}
    async with rig({"tidy": tidy}) as one:
        await one.send("A")
        file.write_text(file.read_text(encoding="utf-8").replace("old", "new"), encoding="utf-8")

        await one.router.reload(one.config())
        await one.send("B")

        assert [event["context"]["by"] for event in one.shelf.events] == ["old", "new"]
