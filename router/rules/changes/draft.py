"""An event while it is changed: nothing of the original is touched, and nothing is copied before it must be."""

from typing import Any

from msgspec import UNSET

from router.events.calls import AnyEvent
from router.rules.changes.place import Place


class Draft:
    """Changes of one event. Reads see what was written; `finish` makes the changed event."""

    __slots__ = ("_changes", "event")

    def __init__(self, event: AnyEvent) -> None:
        self.event = event
        self._changes: dict[str, Any] = {}

    def read(self, place: Place) -> Any:
        """The value there, or UNSET where there is none."""
        found = self._changes.get(place.attribute, UNSET)
        if found is UNSET:
            found = getattr(self.event, place.attribute, UNSET)
        for key in place.keys:
            if found.__class__ is not dict or key not in found:
                return UNSET
            found = found[key]
        return UNSET if found is None and not place.keys else found

    def write(self, place: Place, value: Any) -> None:
        """Put `value` there; objects on the way are made, what is no object on the way gives way to one.

        A top-level field holds text: another value is written as text, and one that has none is left out. Where the
        type of event has no such field nothing happens.
        """
        if not hasattr(self.event, place.attribute):
            return
        if place.keys:
            tree = self._own(place.attribute)
            for key in place.keys[:-1]:
                inner = tree.get(key)
                tree[key] = tree = dict(inner) if isinstance(inner, dict) else {}
            tree[place.keys[-1]] = value
        elif isinstance(value, str | int | float) and not isinstance(value, bool) and value != "":
            self._changes[place.attribute] = str(value)

    def remove(self, place: Place) -> Any:
        """Take the value away and return it, or UNSET where there is none."""
        found = self.read(place)
        if found is UNSET:
            return UNSET
        if place.keys:
            tree = self._own(place.attribute)
            for key in place.keys[:-1]:
                tree[key] = tree = dict(tree[key])
            del tree[place.keys[-1]]
        elif place.attribute != "event":  # a track call without a name is none
            self._changes[place.attribute] = None
        return found

    def replace(self, attribute: str, value: Any) -> None:
        """Put a whole open object in the place of another."""
        if hasattr(self.event, attribute):
            self._changes[attribute] = value

    def finish(self) -> AnyEvent:
        """The changed event; the original when nothing was changed."""
        return self.event.replace(**self._changes) if self._changes else self.event

    def _own(self, attribute: str) -> dict[str, Any]:
        """The open object, copied once so that it may be changed at its top."""
        own: dict[str, Any] | None = self._changes.get(attribute)
        if own is None:
            own = self._changes[attribute] = dict(getattr(self.event, attribute))
        return own
