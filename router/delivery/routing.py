"""Which events of the stream a destination takes: the one place where that is decided.

Today: the event's source and type, the destination's filter and its triggers. Device mode (`_metadata.bundled`),
consent and the integrations object are decided here too as they come: each is another reason for filtering.
"""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct

from router.events.calls import AnyEvent
from router.events.envelope import Envelope

UNSUPPORTED_EVENT_TYPE = "UNSUPPORTED_EVENT_TYPE"
FILTERED_BY_RULES = "FILTERED_BY_RULES"
NO_MATCHING_MAPPING = "NO_MATCHING_MAPPING"
Accepts = Callable[[AnyEvent], bool]
"""A destination's filter, or its triggers: whether it wants the event."""


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
        wants: Accepts | None = None,
    ) -> None:
        self._sources = sources
        self._types = frozenset(types)
        self._choices: list[tuple[Accepts, str]] = []
        if accepts is not None:
            self._choices.append((accepts, FILTERED_BY_RULES))
        if wants is not None:
            self._choices.append((_unless_it_raises(wants), NO_MATCHING_MAPPING))
        self._takes_every_type = self._types >= frozenset(AnyEvent.__args__)

    def divide(self, envelopes: Sequence[Envelope]) -> Routed:
        """Divide `envelopes`, which stay in order."""
        types, sources = self._types, self._sources
        taken = envelopes
        filtered: list[tuple[Envelope, str]] = []
        unconnected: Sequence[Envelope] = ()
        if sources is not None:
            taken = [one for one in envelopes if one.source in sources]
            unconnected = [one for one in envelopes if one.source not in sources]
        if not self._takes_every_type:
            filtered = [(one, UNSUPPORTED_EVENT_TYPE) for one in taken if type(one.event) not in types]
            taken = [one for one in taken if type(one.event) in types]
        for accepts, reason in self._choices:
            wanted = [accepts(one.event) for one in taken]
            pairs = list(zip(taken, wanted, strict=True))
            filtered += [(one, reason) for one, is_wanted in pairs if not is_wanted]
            taken = [one for one, is_wanted in pairs if is_wanted]
        return Routed(taken, filtered, unconnected)


def _unless_it_raises(wants: Accepts) -> Accepts:
    """A plugin's triggers, which may raise anything: then the event is taken, and fails by itself."""

    def choose(event: AnyEvent) -> bool:
        try:
            return wants(event)
        except Exception:  # noqa: BLE001 - what the plugin then does with the event is judged
            return True

    return choose
