"""What one step adds to the inventory, void unless the step is committed."""

from collections.abc import Callable

import msgspec
from msgspec import Struct, field

from router.events.calls import AnyEvent, Event, Track
from router.rules.observing import observed
from router.rules.plan.violation import Violation

Key = tuple[str, type[Event], str]
"""Source, type and name of an event."""
LONGEST_NAME = 200
FIRST, EACH = 32, 128
"""It is looked into the first events of a name, and from then on into one of so many."""


class Turns(Struct):
    """How often a key came since the router started; it decides into which events it is looked."""

    count: int = 0


class Seen(Struct):
    """The events of one key in one step."""

    turns: Turns
    count: int = 0
    last_at: int = 0
    paths: list[dict[str, int]] = field(default_factory=list)
    """The properties of each event that was looked into."""
    blocked: dict[str, int] = field(default_factory=dict)
    violations: list[tuple[Violation, int, str]] = field(default_factory=list)
    """Each with the time and the message id of its event."""


class Sightings:
    """Gathers the events of a step."""

    def __init__(self, turns: Callable[[Key], Turns]) -> None:
        self._turns = turns
        self.found: dict[Key, Seen] = {}

    def see(self, source: str, event: AnyEvent, received_at: int) -> Seen:
        """Note an event as it came, before its plan or anything else changed it."""
        name = event.event if isinstance(event, Track) else getattr(event, "name", None) or ""
        key = (source, type(event), name)
        seen = self.found.get(key)
        if seen is None:
            seen = self.found[key] = Seen(self._turns(key))
        seen.count += 1
        seen.last_at = received_at
        turns = seen.turns
        turns.count += 1
        if turns.count <= FIRST or not turns.count % EACH:
            _look(event, seen)
        return seen


def _look(event: AnyEvent, seen: Seen) -> None:
    try:
        seen.paths.append(observed(getattr(event, "properties", None) or getattr(event, "traits", {})))
    except (msgspec.DecodeError, ValueError, RecursionError):
        pass  # what cannot be read has no properties; the event goes on
