"""Which events of the stream a destination takes: the one place where that is decided.

Today: the event's source and its type. Device mode (`_metadata.bundled`), consent, the integrations object and
filters are decided here too as they come: each is another reason with which an event is filtered.
"""

from collections.abc import Iterable, Sequence

from msgspec import Struct

from router.events.calls import AnyEvent
from router.events.envelope import Envelope

UNSUPPORTED_EVENT_TYPE = "UNSUPPORTED_EVENT_TYPE"


class Routed(Struct, frozen=True):
    """A piece of the stream, divided."""

    taken: Sequence[Envelope]
    filtered: Sequence[tuple[Envelope, str]] = ()
    """Events that end here, each with its reason code."""
    unconnected: Sequence[Envelope] = ()
    """Events of sources that are not connected; they are no events of this destination and are not counted."""


class Route:
    """Divides the stream for one destination."""

    def __init__(self, sources: frozenset[str] | None, types: Iterable[type[AnyEvent]]) -> None:
        self._sources = sources
        self._types = frozenset(types)
        self._takes_all = sources is None and self._types >= frozenset(AnyEvent.__args__)

    def divide(self, envelopes: Sequence[Envelope]) -> Routed:
        """Divide `envelopes`, which stay in order."""
        if self._takes_all:
            return Routed(envelopes)
        types, sources = self._types, self._sources
        connected = envelopes if sources is None else [one for one in envelopes if one.source in sources]
        taken = [one for one in connected if type(one.event) in types]
        filtered = [(one, UNSUPPORTED_EVENT_TYPE) for one in connected if type(one.event) not in types]
        unconnected = () if sources is None else [one for one in envelopes if one.source not in sources]
        return Routed(taken, filtered, unconnected)
