"""An insert function that asks others, as the engine sees it: somebody to send for, whose requests say what goes on."""

from collections.abc import Sequence
from typing import Any

from router.delivery.transforming import TRANSFORMATION_ERROR
from router.errors import PluginError
from router.events.calls import AnyEvent
from router.plugins.chain import MANY, Made, checked
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching
from router.plugins.settings import Settings, Size
from router.plugins.transformation import Transformation

_ANY = Size(1 << 30)


class InsertFunction(Destination[Settings, AnyEvent]):
    """What it made of an event, or why that goes no further, stands in `made` once its requests came to their end.

    It has the secrets of the transformation, so that they are hidden, and no credentials.
    """

    def __init__(self, transformation: Transformation[Any, Any]) -> None:
        super().__init__(transformation.settings, name=transformation.name)
        self.kind = transformation.kind  # type: ignore[misc]  # it is the transformation that has one
        self.transformation = transformation
        self.batching = Batching(max_events=MANY if transformation.asks_together() else 1, max_bytes=_ANY)
        self.event_types = transformation.event_types  # type: ignore[method-assign]
        self.made: dict[int, Made] = {}
        """By the identity of the event; who sent for it takes it out."""

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """What the transformation asks about `events`."""
        ends = yield from self.transformation.asking(events)
        return [self._word(event, end) for event, end in zip(events, ends, strict=True)]

    def _word(self, event: AnyEvent, end: Made | Outcome) -> Outcome:
        if isinstance(end, Outcome):
            return end
        try:
            self.made[id(event)] = checked(self.transformation, event, end)
        except PluginError as error:  # this event is not what it was; trying again makes no other one
            return Outcome("rejected", TRANSFORMATION_ERROR, detail=str(error))
        return Outcome.delivered()
