"""On which terms a destination takes events: all that the operator, and nobody else, decides about that."""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from router.events.calls import AnyEvent
from router.plugins.chain import Chain
from router.plugins.transformation import Transformation
from router.rules.addressee import Addressee
from router.rules.device_mode import Siblings
from router.rules.filters.compiled import DestinationFilters
from router.rules.schema_filter import Key

Accepts = Callable[[AnyEvent], bool]
"""Whether a destination wants an event."""


class Terms(Struct, frozen=True, kw_only=True, eq=False):
    """What stands between the stream and a destination; by default it gets every event as it is."""

    sources: frozenset[str] | None = None
    """Names of the connected sources, None for all of them."""
    to: Addressee = Addressee(id="", names=())
    """How events call the destination."""
    siblings: Siblings = tuple
    """The destinations that events call by the same name, as far as that is known."""
    categories: frozenset[str] = frozenset()
    """What an end user has to consent to."""
    switched_off: frozenset[Key] = frozenset()
    """Events that their sources do not send there."""
    accepts: Accepts | None = None
    """The destination's `filter`."""
    filters: DestinationFilters | None = None
    """Its destination filters."""
    chain: Chain | None = None
    """Its transformations, before its triggers look at an event."""
    insert: Chain | None = None
    """Its insert functions, behind the triggers, up to the first one that asks others."""
    asking: tuple[Transformation[Any, Any], ...] = ()
    """Those from that one on: they run when a batch is sent, for nothing but this destination may wait for them."""


EVERYTHING = Terms()
