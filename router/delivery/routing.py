"""Which events of the stream a destination takes: the one place where that is decided.

Today: the event's source, its type and the destination's filter. Device mode (`_metadata.bundled`), consent and the
integrations object are decided here too as they come: each is another reason with which an event is filtered.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from router.events.calls import AnyEvent
from router.events.envelope import Envelope

UNSUPPORTED_EVENT_TYPE = "UNSUPPORTED_EVENT_TYPE"
FILTERED_BY_RULES = "FILTERED_BY_RULES"
Accepts = Callable[[AnyEvent], bool]
"""A destination's filter: whether it wants the event."""


class Routed(Struct, frozen=True):
    """A piece of the stream, divided."""

    taken: Sequence[Envelope]
    filtered: Sequence[tuple[Envelope, str]] = ()
    """Events that end here, each with its reason code."""
    unconnected: Sequence[Envelope] = ()
    """Events of sources that are not connected; they are no events of this destination and are not counted."""


class Route:
    """Divides the stream for one destination."""

    def __init__(
        self,
        sources: frozenset[str] | None,
        types: Iterable[type[AnyEvent]],
        accepts: Accepts | None = None,
    ) -> None:
        self._sources = sources
        self._types = frozenset(types)
        self._accepts = accepts
        self._takes_every_type = self._types >= frozenset(AnyEvent.__args__)

    def divide(self, envelopes: Sequence[Envelope]) -> Routed:
        """Divide `envelopes`, which stay in order."""
        types, sources, accepts = self._types, self._sources, self._accepts
        taken = envelopes
        filtered: list[tuple[Envelope, str]] = []
        unconnected: Sequence[Envelope] = ()
        if sources is not None:
            taken = [one for one in envelopes if one.source in sources]
            unconnected = [one for one in envelopes if one.source not in sources]
        if not self._takes_every_type:
            filtered = [(one, UNSUPPORTED_EVENT_TYPE) for one in taken if type(one.event) not in types]
            taken = [one for one in taken if type(one.event) in types]
        if accepts is not None:
            wanted = [accepts(one.event) for one in taken]
            filtered += [
                (one, FILTERED_BY_RULES)
                for one, is_wanted in zip(taken, wanted, strict=True)
                if not is_wanted
            ]
            taken = [one for one, is_wanted in zip(taken, wanted, strict=True) if is_wanted]
        return Routed(taken, filtered, unconnected)
