"""Whether `context.ip` is filled from the connection (tracking-api 9)."""

from typing import Any, Protocol

from router.storage.entry import Door

CLIENT_DOORS = frozenset(door for door in Door if len(door.value) == 1 or door.value.startswith("pixel/"))
"""Doors that only clients use: the short paths and the pixel."""
CLIENT_CHANNELS = frozenset({"browser", "mobile"})
CLIENT_LIBRARIES = frozenset(
    {
        "analytics.js",
        "analytics-ios",
        "analytics-android",
        "analytics-swift",
        "analytics-kotlin",
        "analytics-flutter",
        "analytics-react-native",
        "@segment/analytics-react-native",
        "Analytics-CSharp",
    }
)
"""Libraries that run at the end user's, whatever path they post to."""


class Hints(Protocol):
    """What of `context` decides."""

    @property
    def direct(self) -> Any:
        """`context.direct`: true asks for the address."""

    @property
    def channel(self) -> Any:
        """`context.channel`."""

    @property
    def library(self) -> Any:
        """`context.library`."""


def collects_ip(door: Door, channel: str | None, hints: Hints) -> bool:
    """Whether the caller's address is the end user's, so that it belongs into an event that has none."""
    if door in CLIENT_DOORS or hints.direct is True:
        return True
    if channel in CLIENT_CHANNELS or hints.channel in CLIENT_CHANNELS:
        return True
    library = hints.library
    return isinstance(library, dict) and library.get("name") in CLIENT_LIBRARIES
