"""Transformations in the order of the configuration, made once and run for each event."""

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any

from router.actors.guard import Foreign, Guard
from router.errors import PluginError
from router.events.calls import AnyEvent, Event, keep_profile
from router.plugins.dropped import Dropped
from router.plugins.loading import code_file
from router.plugins.transformation import Transformation

MANY = 100
"""So many events a transformation takes at once, at most."""


Made = AnyEvent | Dropped
"""An event as it comes out, or why it does not."""


class Chain:
    """Runs events through all of them; a dropped event sees no further one."""

    def __init__(
        self, transformations: Iterable[Transformation[Any, Any]], *, guard: Guard | None = None
    ) -> None:
        """With a `guard`, one that holds the loop is interrupted: that costs its event."""
        self._steps = [(_watched(one, guard), frozenset(one.event_types()), one) for one in transformations]
        self._is_for_many = any(one.takes_many() for _, _, one in self._steps)

    def apply(self, event: AnyEvent) -> Made:
        """The event as it comes out, or why it does not; raises whatever a transformation raises, and PluginError."""
        for transform, types, one in self._steps:
            if type(event) in types:
                made = checked(one, event, transform(event))
                if isinstance(made, Dropped):
                    return made
                event = made
        return event

    def apply_all(self, events: Sequence[AnyEvent]) -> Sequence[Made | Exception]:
        """The same for many events; what is raised for one of them stands in its place."""
        if not self._is_for_many:
            return [_tried(self.apply, event) for event in events]
        found: list[Made | Exception] = list(events)
        for transform, types, one in self._steps:
            places = [index for index, event in enumerate(found) if type(event) in types]
            for start in range(0, len(places), MANY):
                some = places[start : start + MANY]
                taken: list[Any] = [found[index] for index in some]
                made = (
                    one.transform_all(taken)
                    if one.takes_many()
                    else [_tried(transform, event) for event in taken]
                )
                result: Any
                for index, event, result in zip(some, taken, made, strict=True):
                    if type(result) is type(event) and result.message_id == event.message_id:
                        found[index] = result  # nearly always
                    else:
                        found[index] = _tried(partial(checked, one, event), result)
        return found


def _watched(one: Transformation[Any, Any], guard: Guard | None) -> Callable[[Any], Any]:
    if guard is None or one.is_bounded:
        return one.transform
    foreign = Foreign(f"transformation {one.name}", one.kind, code_file(type(one)))
    return partial(guard.run, foreign, one.transform)


def _tried(function: Callable[[Any], Made | None], argument: Any) -> Made | Exception:
    if isinstance(argument, Exception):
        return argument
    try:
        return function(argument)  # type: ignore[return-value]  # a None is looked at by `checked`
    except Exception as error:  # noqa: BLE001 - a transformation may raise anything; it harms its event only
        return error


def checked(one: Transformation[Any, Any], event: AnyEvent, made: Any) -> Made:
    """What a transformation made of an event, if it kept the contract; raises PluginError where it did not."""
    if made is None:
        return Dropped(one.reason)
    if isinstance(made, Dropped):
        return made
    if type(made) is not type(event) or made.message_id != event.message_id:
        raise PluginError(f"transformation {one.name!r} {_wrong(made, event)}")
    return keep_profile(event, made)


def _wrong(made: object, event: AnyEvent) -> str:
    if isinstance(made, Event) and type(made) is not type(event):
        return f"made a {made.type} event of a {event.type} event; leave the type as it is"
    if isinstance(made, Event):
        return "changed the message id, by which an event that comes again is known; leave it as it is"
    return (
        f"returned {type(made).__name__} instead of an event or None; return the event, or event.replace(…)"
    )
