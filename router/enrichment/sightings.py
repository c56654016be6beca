"""What one step adds to the inventory, void unless the step is committed."""

from collections.abc import Callable, Set

import msgspec
from msgspec import Raw, Struct, field

from router.enrichment.findings import Finds
from router.events.calls import AnyEvent, Event, Track
from router.rules.observing import observed
from router.rules.plan.violation import Violation

Key = tuple[str, type[Event], str]
"""Source, type and name of an event."""
LONGEST_NAME = 200
"""Of longer names of events and properties only the beginning is kept: much is remembered by name."""
FIRST, EACH = 32, 128
"""It is looked into the first events of a name, and from then on into one of so many."""
KEYS_OF = 16
"""Of so many events of a name in each step the keys are compared with those that are known, and it is looked into one
that has another: a rare property is seen at once while events come one by one, and when they come in thousands
this costs nothing that counts."""
_keys = msgspec.json.Decoder(dict[str, Raw]).decode


class Seen(Struct):
    """The events of one key in one step."""

    key: Key
    before: int
    """How many came in steps before, since the router started."""
    look_at: int
    """Into which event of this step it is looked next."""
    known: Set[str] | None = None
    """Names of properties that were listed in steps before; None where no more of them are listed."""
    own: set[str] = field(default_factory=set)
    """More of them, of this step."""
    has_new_key: bool = False
    """Whether the event that came last has a property that none had before."""
    count: int = 0
    last_at: int = 0
    paths: list[dict[str, int]] = field(default_factory=list)
    """The properties of each event that was looked into."""
    blocked: dict[str, int] = field(default_factory=dict)
    violations: list[tuple[Violation, int, str]] = field(default_factory=list)
    """Each with the time and the message id of its event."""

    @property
    def came(self) -> int:
        """How many came, the last one among them, since the router started."""
        return self.before + self.count

    def note(self, event: AnyEvent, received_at: int) -> None:
        """Note one more event, and look into it if it is its turn, or if it has a property that none had before."""
        self.count += 1
        self.last_at = received_at
        self.has_new_key = self.count <= KEYS_OF and self._brings_key(event)
        if self.count == self.look_at:
            self.look_at += 1 if self.came < FIRST else EACH - self.came % EACH
        elif not self.has_new_key:
            return
        try:
            self.paths.append(observed(getattr(event, "properties", None) or getattr(event, "traits", {})))
        except (msgspec.DecodeError, ValueError, RecursionError):
            pass  # what cannot be read has no properties; the event goes on

    def _brings_key(self, event: AnyEvent) -> bool:
        raw = getattr(event, "properties_json", None) or getattr(event, "traits_json", None)
        if self.known is None or not raw:
            return False
        try:
            new = _keys(raw).keys() - self.known - self.own
        except msgspec.DecodeError:
            return False
        if new:  # properties are listed by their beginning
            new = {one[:LONGEST_NAME] for one in new} - self.known - self.own
        self.own |= new
        return bool(new)


class Sightings:
    """Gathers the events of a step."""

    def __init__(
        self, before: Callable[[Key], int], known: Callable[[Key], Set[str] | None], finds: Finds
    ) -> None:
        """`before` says how many events of a key came so far, and `known` which properties they had."""
        self._before = before
        self._known = known
        self.found: dict[Key, Seen] = {}
        self.finds = finds
        """The fields with personal data that were found in them."""

    def see(self, source: str, event: AnyEvent, received_at: int) -> Seen:
        """Note an event as it came, before its plan or anything else changed it."""
        kind = type(event)
        name = event.event if kind is Track else getattr(event, "name", None) or ""  # type: ignore[union-attr]
        key = (source, kind, name[:LONGEST_NAME])
        seen = self.found.get(key)
        if seen is None:
            before = self._before(key)
            first = 1 if before < FIRST else EACH - before % EACH
            seen = self.found[key] = Seen(key, before, first, self._known(key))
        seen.note(event, received_at)
        return seen
