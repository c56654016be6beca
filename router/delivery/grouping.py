"""What must be alike in a batch: the destination's `group_by`, with whatever it raises kept to its event."""

from collections.abc import Callable, Hashable
from typing import Any

from router.events.calls import AnyEvent
from router.plugins.destination import Destination

Group = Callable[[AnyEvent], Hashable]


def grouping(
    destination: Destination[Any, Any], call: Callable[..., Any], tell: Callable[[Exception], None]
) -> Group | None:
    """The group of an event at this destination, or None when any events may share a batch.

    `call(function, argument)` calls the plugin's code, and `tell` hears what it raises.
    """
    if not destination.groups():
        return None

    def group(event: AnyEvent) -> Hashable:
        try:
            found: Hashable = call(destination.group_by, event)
            hash(found)
        except Exception as error:  # noqa: BLE001 - it goes alone, and `requests` says what is wrong with it
            tell(error)
            return object()
        return found

    return group
