"""Schema controls of a source that has no tracking plan: events and traits that are not wanted (protocols 3)."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from router.events.calls import AnyEvent, Group, Identify, Page, Screen, Track

EVENT_SETTING = "event_setting"
"""The reason code of an event that is blocked here."""


class SchemaControls(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a source may not send. By default nothing is blocked."""

    block_events: tuple[str, ...] = ()
    """Exact names of track calls that are dropped, e.g. ["Mouse Moved"]."""
    block_pages: tuple[str, ...] = ()
    """Exact names of page calls that are dropped."""
    block_screens: tuple[str, ...] = ()
    """Exact names of screen calls that are dropped."""
    block_traits: tuple[str, ...] = ()
    """Traits that are taken out of identify calls, e.g. ["ssn", "address.street"]; the call itself goes on."""
    block_group_traits: tuple[str, ...] = ()
    """Traits that are taken out of group calls; the call itself goes on."""

    def __bool__(self) -> bool:
        return any(getattr(self, name) for name in self.__struct_fields__)


class Control:
    """The controls of one source, ready for its events."""

    def __init__(self, controls: SchemaControls) -> None:
        self._blocked = {
            Track: frozenset(controls.block_events),
            Page: frozenset(controls.block_pages),
            Screen: frozenset(controls.block_screens),
        }
        self._traits = {Identify: controls.block_traits, Group: controls.block_group_traits}

    def __call__(self, event: AnyEvent) -> AnyEvent | None:
        """The event, perhaps without some traits; None when it is blocked."""
        if isinstance(event, (Identify, Group)):
            traits = event.traits
            for trait in self._traits[type(event)]:
                traits = _without(traits, trait)
            return event if traits is event.traits else event.replace(traits=traits)
        name: Any = event.event if isinstance(event, Track) else getattr(event, "name", None)
        return None if name in self._blocked.get(type(event), ()) else event


def _without(value: Any, name: str) -> Any:
    """`value` without the member of that name; a dotted one may lead into objects. The same object if there is none."""
    if not isinstance(value, Mapping):
        return value
    if name in value:
        return {key: member for key, member in value.items() if key != name}
    first, dot, rest = name.partition(".")
    if not dot or first not in value:
        return value
    inner = _without(value[first], rest)
    return value if inner is value[first] else {**value, first: inner}
