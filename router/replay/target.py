"""A destination that events can be replayed into."""

from typing import Any

from msgspec import Struct

from router.delivery.actor import DeliveryActor
from router.delivery.terms import Terms
from router.plugins.destination import Destination
from router.plugins.policies import Policies


class Target(Struct, frozen=True, eq=False):
    """What a replay has to know of it."""

    name: str
    plugin: Destination[Any, Any]
    terms: Terms
    """On which terms it takes events."""
    policies: Policies
    live: DeliveryActor | None = None
    """Who serves it; None when no router runs."""
