"""What the integrations object of an event says of a destination (events 5, protocols 4).

    named key, else `All`, else what the destination says of itself

Warehouses have a switch of their own under `Warehouses`, and storage of raw events is not concerned at all.
"""

from collections.abc import Mapping
from typing import Any

from router.events.calls import EMPTY_OBJECT, AnyEvent, Event, decode_open_json
from router.rules.addressee import Addressee
from router.rules.answers import Answers

SPECIAL = frozenset({"All", "Segment.io", "Warehouses"})
"""Keys that name no destination."""


def says(value: Any) -> bool | None:
    """Whether a value in the object means yes or no; null means nothing."""
    if value is None:
        return None
    return not (value is False or value == 0 or value == "false")


def said_of(integrations: Mapping[str, Any], names: tuple[str, ...]) -> bool | None:
    """What the object says of a destination by one of its names; None when it does not name it."""
    for name in names:
        if (said := says(integrations.get(name))) is not None:
            return said
    return None


def allows(integrations: Mapping[str, Any], to: Addressee) -> bool:
    """Whether an event with this object may go to the destination."""
    if to.category == "raw":
        return True
    if to.category == "warehouse":
        return _loads(integrations.get("Warehouses"), to)
    said = said_of(integrations, to.names)
    if said is None:
        said = says(integrations.get("All"))
    return to.is_enabled if said is None else said


def _loads(switch: Any, to: Addressee) -> bool:
    """What `Warehouses` says: a list of ids decides, else `all`; by default every warehouse loads the event."""
    if not isinstance(switch, Mapping):
        return says(switch) is not False
    ids = switch.get("warehouseIds")
    if isinstance(ids, list):
        return to.id in ids
    return says(switch.get("all")) is not False


def options(event: Event, names: tuple[str, ...]) -> Mapping[str, Any]:
    """The options that the event has for a destination; empty when it has none."""
    if event.integrations_json == EMPTY_OBJECT:
        return {}
    found = (event.integrations.get(name) for name in names)
    return next((one for one in found if isinstance(one, dict)), {})


def only(to: Addressee) -> Mapping[str, Any]:
    """The object of an event that is meant for this destination alone, as that of a replay is."""
    if to.category == "warehouse":
        return {"All": False, "Warehouses": {"warehouseIds": [to.id]}}
    return {"All": False, to.names[0]: True}


class Integrations:
    """Answers for one destination, event by event."""

    def __init__(self, to: Addressee) -> None:
        self._usual = allows({}, to)
        self._answers = Answers(lambda text: allows(_decoded(text), to))

    def allow(self, event: AnyEvent) -> bool:
        """Whether the event may go there."""
        raw = event.integrations_json
        return self._usual if raw == EMPTY_OBJECT else self._answers.of(raw)


class UnknownIntegrations:
    """Finds events that name a destination which nobody knows; mostly a typing error of whoever sends them."""

    def __init__(self, known: frozenset[str]) -> None:
        """`known` are the names of every destination that an event may mean."""
        every = known | SPECIAL
        self._answers = Answers(lambda text: not every.issuperset(_decoded(text)))

    def are_in(self, event: AnyEvent) -> bool:
        """Whether the event names one."""
        raw = event.integrations_json
        return raw != EMPTY_OBJECT and self._answers.of(raw)


def _decoded(text: bytes) -> Mapping[str, Any]:
    found = decode_open_json(text) if text else None
    return found if isinstance(found, dict) else {}
