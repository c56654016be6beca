"""Transformations in the order of the configuration, made once and run for each event."""

from collections.abc import Iterable
from typing import Any

from router.errors import PluginError
from router.events.calls import AnyEvent, Event
from router.plugins.dropped import Dropped as Dropped
from router.plugins.transformation import Transformation


class Chain:
    """Runs an event through all of them; a dropped event sees no further one."""

    def __init__(self, transformations: Iterable[Transformation[Any, Any]]) -> None:
        self._steps = [(one.transform, frozenset(one.event_types()), one) for one in transformations]

    def apply(self, event: AnyEvent) -> AnyEvent | Dropped:
        """The event as it comes out, or why it does not; raises whatever a transformation raises, and PluginError."""
        given = event.message_id
        for transform, types, one in self._steps:
            if type(event) in types:
                made = transform(event)
                if made is None:
                    return Dropped(one.reason)
                if isinstance(made, Dropped):
                    return made
                if type(made) is not type(event) or made.message_id != given:
                    raise PluginError(f"transformation {one.name!r} {_wrong(made, event)}")
                event = made
        return event


def _wrong(made: object, event: AnyEvent) -> str:
    if isinstance(made, Event) and type(made) is not type(event):
        return f"made a {made.type} event of a {event.type} event; leave the type as it is"
    if isinstance(made, Event):
        return "changed the message id, by which an event that comes again is known; leave it as it is"
    return (
        f"returned {type(made).__name__} instead of an event or None; return the event, or event.replace(…)"
    )
