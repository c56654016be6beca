"""The console: a line for each event that can be read, and nothing that could disturb the terminal."""

import msgspec
import pytest

from plugins.destinations.console import Console, ConsoleSettings
from router.events.calls import Alias, AnyEvent, Group, Identify, Page, Screen, Track

COMMON = {
    "message_id": "m1",
    "user_id": "ada",
    "received_at": "2030-05-01T10:00:02.000Z",
    "timestamp": "2030-05-01T10:00:01.250Z",
}
EVENTS: list[tuple[AnyEvent, str]] = [
    (Track(event="Order Completed", **COMMON), "Order Completed"),
    (Identify(**COMMON), "-"),
    (Page(name="Pricing", **COMMON), "Pricing"),
    (Screen(category="Settings", **COMMON), "Settings"),
    (Group(group_id="acme", **COMMON), "acme"),
    (Alias(previous_id="a1", **COMMON), "a1"),
]


@pytest.mark.parametrize(("event", "name"), EVENTS)
async def test_a_line_has_time_type_name_user_and_id(
    event: AnyEvent, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    await Console(ConsoleSettings(), name="screen").deliver([event])

    line = capsys.readouterr().out
    parts = [part.strip() for part in line.split("  ") if part.strip()]
    assert parts == ["10:00:01.250", event.type, name, "ada", "m1"]


async def test_json_prints_the_stored_form(capsys: pytest.CaptureFixture[str]) -> None:
    await Console(ConsoleSettings(format="json"), name="screen").deliver([EVENTS[0][0], EVENTS[1][0]])

    lines = capsys.readouterr().out.splitlines()
    assert [msgspec.json.decode(line)["type"] for line in lines] == ["track", "identify"]


async def test_lines_may_go_to_the_error_stream(capsys: pytest.CaptureFixture[str]) -> None:
    await Console(ConsoleSettings(stream="stderr"), name="screen").deliver([EVENTS[0][0]])

    assert "Order Completed" in capsys.readouterr().err


async def test_a_name_cannot_move_the_cursor_of_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    event = Track(event="\x1b[2Jgone\r\nm2", **COMMON)
    await Console(ConsoleSettings(), name="screen").deliver([event])

    line = capsys.readouterr().out
    assert "\x1b" not in line
    assert line.count("\n") == 1
