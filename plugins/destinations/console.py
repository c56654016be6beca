"""Print events to the terminal, to see at once what arrives."""

import sys
from collections.abc import Sequence
from typing import Literal, TextIO

from router import AnyEvent, Batching, Destination, Settings, hookimpl

WIDTHS = {"type": 8, "name": 32}


class ConsoleSettings(Settings, frozen=True):
    """How a line looks and where it goes."""

    format: Literal["line", "json"] = "line"
    """"line" (default) prints time, type, name, user and message id; "json" prints the whole event."""
    stream: Literal["stdout", "stderr"] = "stdout"
    """Which stream of the process is written to; stdout by default."""


class Console(Destination[ConsoleSettings, AnyEvent]):
    """Print one line for each event.

    track: the event's name is shown. identify: the user is shown. page, screen: the name, or else the category, is
    shown. group: the group id is shown. alias: the previous id is shown.
    """

    kind = "console"
    sample = 'settings.format = "line"\n'
    batching = Batching(max_events=500)

    async def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Print `events`."""
        if self.settings.format == "json":
            lines = [event.json.decode() for event in events]
        else:
            lines = [_line(event) for event in events]
        stream = self._stream()
        stream.write("\n".join(lines) + "\n")
        stream.flush()

    def _stream(self) -> TextIO:
        return sys.stdout if self.settings.stream == "stdout" else sys.stderr


def _line(event: AnyEvent) -> str:
    user = event.user_id or event.anonymous_id or "-"
    parts = (
        event.timestamp[11:23],
        event.type.ljust(WIDTHS["type"]),
        _name(event).ljust(WIDTHS["name"]),
        user,
        event.message_id,
    )
    return _printable("  ".join(parts))


def _name(event: AnyEvent) -> str:
    """What the event is about."""
    for field in ("event", "name", "category", "group_id", "previous_id"):
        value = getattr(event, field, None)
        if value:
            return str(value)
    return "-"


def _printable(text: str) -> str:
    """The text without anything that could move the terminal's cursor; it comes from strangers."""
    return "".join(letter if letter.isprintable() else "�" for letter in text)


@hookimpl
def register_destinations() -> list[type[Destination[ConsoleSettings, AnyEvent]]]:
    """Register the console."""
    return [Console]
