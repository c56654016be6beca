"""What must be alike in a batch: the destination's `group_by`, with whatever it raises kept to its event."""

from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from router.actors.guard import Foreign, Guard
from router.events.calls import AnyEvent
from router.plugins.destination import Destination

Group = Callable[[AnyEvent], Hashable]


def grouping(destination: Destination[Any, Any], guard: Guard, foreign: Foreign) -> Group | None:
    """The group of an event at this destination, or None when any events may share a batch."""
    if not destination.groups():
        return None
    call = partial(guard.run, foreign, destination.group_by)

    def group(event: AnyEvent) -> Hashable:
        try:
            found: Hashable = call(event)
            hash(found)
        except Exception:  # noqa: BLE001 - it goes alone, and `requests` says what is wrong with it
            return object()
        return found

    return group
