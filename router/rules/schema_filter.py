"""A source's integration filter: which of its events do not go to which destinations (protocols 3).

It never overrides what the event says itself: a destination that the integrations object names with true, or with
options, gets it. Storage is not concerned.
"""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from router.events.calls import EMPTY_OBJECT, AnyEvent
from router.events.envelope import Envelope
from router.rules.addressee import Addressee
from router.rules.integrations import said_of

Key = tuple[str, str, str]
"""Source, type and name of an event; the name is empty for a type as a whole."""


class IntegrationFilter(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[[sources.NAME.integration_filters]]`: an event that some destinations do not get."""

    type: Literal["track", "page", "screen", "identify", "group", "alias"] = "track"
    """The type of the call; track by default."""
    event: str = ""
    """The name of the event, or of the page or screen; by default every call of the type."""
    destinations: tuple[str, ...]
    """Who does not get it: names of sections, or the name of a service for every destination of it."""


def switched_off(filters: Mapping[str, Iterable[IntegrationFilter]], to: Addressee) -> frozenset[Key]:
    """What a destination does not get, of the filters of each source."""
    if to.is_storage:
        return frozenset()
    return frozenset(
        (source, one.type, one.event)
        for source, several in filters.items()
        for one in several
        if to.is_named(one.destinations)
    )


class SchemaFilter:
    """Answers for one destination, event by event."""

    def __init__(self, to: Addressee, keys: frozenset[Key]) -> None:
        self._names = to.names
        self._keys = keys

    def allows(self, envelope: Envelope) -> bool:
        """Whether the event may go there."""
        event = envelope.event
        kind, source, keys = event.type, envelope.source, self._keys
        if (source, kind, "") not in keys and (source, kind, _name(event)) not in keys:
            return True
        raw = event.integrations_json
        return raw != EMPTY_OBJECT and said_of(event.integrations, self._names) is True


def _name(event: AnyEvent) -> str:
    name: str | None = getattr(event, "event", None) or getattr(event, "name", None)
    return name or ""
