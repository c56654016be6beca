"""The step at which an event leaves for a function that asks others: nothing in processing waits for an answer."""

from typing import Any

from router.enrichment.processing import Aside, Diversion
from router.events.calls import AnyEvent
from router.plugins.dropped import Dropped
from router.plugins.transformation import Transformation

DIVERTED = "diverted"
"""The durable counter of events that left, by source."""
_PREFIX = "function "
_OF = " of "


def lane_of_function(transformation: str, source: str) -> str:
    """The lane in which events of a source wait for a function; their dead letters have it for a destination."""
    return f"{_PREFIX}{transformation}{_OF}{source}"


def function_of(lane: str) -> tuple[str, str] | None:
    """The function and the source of such a lane; None for any other name. Neither name has a blank in it."""
    name, of, source = lane.removeprefix(_PREFIX).partition(_OF)
    return (name, source) if lane.startswith(_PREFIX) and of else None


class Diverting:
    """Takes the events of one source out that a transformation handles."""

    def __init__(self, transformation: Transformation[Any, Any], source: str) -> None:
        self._types = frozenset(transformation.event_types())
        self._diversion = Diversion(
            DIVERTED, lane=lane_of_function(transformation.name, source), step=transformation.name
        )

    def __call__(self, event: AnyEvent, aside: Aside) -> AnyEvent | Dropped:
        """Where the event goes."""
        return self._diversion if type(event) in self._types else event
