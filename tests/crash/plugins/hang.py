"""A plugin for the drill: holds the loop for good, whatever interrupts it."""

from collections.abc import Sequence
from typing import NoReturn

from router import Accept, AnyEvent, Destination, Settings, SourcePlugin, hookimpl


class HangSettings(Settings, frozen=True):
    """None."""


class Hang(Destination[HangSettings, AnyEvent]):
    """Take an event and never come back."""

    kind = "hang"

    async def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Hang."""
        hang()


class HangingSource(SourcePlugin[HangSettings]):
    """Begin to read and never come back."""

    kind = "hang"

    async def run(self, accept: Accept) -> None:
        """Hang."""
        hang()


def hang() -> NoReturn:
    """Hold the loop."""
    while True:
        try:
            while True:
                pass
        except BaseException:
            continue


@hookimpl
def register_destinations() -> list[type[Destination[HangSettings, AnyEvent]]]:
    """Register the plugin that hangs."""
    return [Hang]


@hookimpl
def register_sources() -> list[type[SourcePlugin[HangSettings]]]:
    """Register the source that hangs."""
    return [HangingSource]
