"""A plugin for the drill: holds the loop for good, whatever interrupts it."""

from collections.abc import Sequence

from router import AnyEvent, Destination, Settings, hookimpl


class HangSettings(Settings, frozen=True):
    """None."""


class Hang(Destination[HangSettings, AnyEvent]):
    """Take an event and never come back."""

    kind = "hang"

    async def deliver(self, events: Sequence[AnyEvent]) -> None:
        """Hang."""
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
