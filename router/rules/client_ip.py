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
    return is_end_users(channel, hints.channel, hints.library)


def is_end_users(channel: str | None, context_channel: Any, library: Any) -> bool:
    """Whether an event comes from a browser or an app, by its channel or by `context.channel` and `.library`."""
    if channel in CLIENT_CHANNELS or _is_among(context_channel, CLIENT_CHANNELS):
        return True
    return isinstance(library, dict) and _is_among(library.get("name"), CLIENT_LIBRARIES)


def _is_among(value: Any, names: frozenset[str]) -> bool:
    return isinstance(value, str) and value in names
