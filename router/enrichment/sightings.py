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


class Seen(Struct):
    """The events of one key in one step."""

    before: int
    """How many came in steps before, since the router started."""
    look_at: int
    """Into which event of this step it is looked next."""
    count: int = 0
    last_at: int = 0
    paths: list[dict[str, int]] = field(default_factory=list)
    """The properties of each event that was looked into."""
    blocked: dict[str, int] = field(default_factory=dict)
    violations: list[tuple[Violation, int, str]] = field(default_factory=list)
    """Each with the time and the message id of its event."""

    def look(self, event: AnyEvent) -> None:
        """Look into an event, and choose the next one."""
        passed = self.before + self.count
        self.look_at = self.count + (1 if passed < FIRST else EACH - passed % EACH)
        try:
            self.paths.append(observed(getattr(event, "properties", None) or getattr(event, "traits", {})))
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass  # what cannot be read has no properties; the event goes on


class Sightings:
    """Gathers the events of a step."""

    def __init__(self, before: Callable[[Key], int]) -> None:
        """`before` says how many events of a key came so far."""
        self._before = before
        self.found: dict[Key, Seen] = {}

    def see(self, source: str, event: AnyEvent, received_at: int) -> Seen:
        """Note an event as it came, before its plan or anything else changed it."""
        kind = type(event)
        name = event.event if kind is Track else getattr(event, "name", None) or ""  # type: ignore[union-attr]
        key = (source, kind, name)
        seen = self.found.get(key)
        if seen is None:
            before = self._before(key)
            seen = self.found[key] = Seen(before, 1 if before < FIRST else EACH - before % EACH)
        seen.count += 1
        seen.last_at = received_at
        if seen.count == seen.look_at:
            seen.look(event)
        return seen
