"""What the events of one source go through before they are kept: steps in a fixed order, compiled once.

    stored form ─▶ privacy ─▶ tracking plan or schema ─▶ enrichments ─▶ transformations ─▶ kept

A step is a plain call. It hands on the event, a changed copy of it, or why it goes no further; what else comes of
the event (events for other sources, counts) it leaves in `Aside`. Nothing in here waits (engine 8), and nothing is
visible before the commit: a step that is prepared twice must come to the same end.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct, field

from router.events.calls import AnyEvent
from router.plugins.dropped import Dropped
from router.rules.plan.violation import Violation

if TYPE_CHECKING:
    from router.enrichment.detection import Detection
    from router.enrichment.privacy_guard import PrivacyGuard


class Created(Struct, frozen=True):
    """An event that the router makes of another one; it is kept as it is, and goes through no steps."""

    source: str
    """The source that it appears on."""
    event: AnyEvent
    """Its message id derives from the event it comes from, so that it is the same each time."""
    reason: str
    """What it is counted under."""


class Aside(Struct):
    """What comes of an event beside the event itself; void when the event fails."""

    source: str
    received_at: int
    created: list[Created] = field(default_factory=list)
    counts: Counter[tuple[str, ...]] = field(default_factory=Counter)
    violations: Sequence[Violation] = ()
    """In what the event differs from its tracking plan; the inventory adds them up."""
    stopped: AnyEvent | None = None
    """The event as it met the step that dropped it: what privacy took out of it is not shown to those who watch."""


class Diversion(Dropped, frozen=True, kw_only=True):
    """The event leaves for a function that asks others, and comes back behind it."""

    lane: str
    """Where it waits in the side log."""
    step: str
    """The name of the function's section."""


ProcessingStep = Callable[[AnyEvent, Aside], AnyEvent | Dropped]
"""One step; raises whatever it likes, which costs this event only."""


class Processing:
    """The steps of one source."""

    def __init__(
        self,
        steps: Iterable[ProcessingStep],
        *,
        guard: "PrivacyGuard | None" = None,
        detection: "Detection | None" = None,
        places: Mapping[str, int] | None = None,
        otherwise: int = 0,
        diversions: Mapping[str, str] | None = None,
    ) -> None:
        """`places` says where an event goes on that comes back from a function; from one that is gone, `otherwise`."""
        self.diversions = diversions or {}
        """The functions that ask others, each with the lane in which events wait for it."""
        self._steps: Sequence[ProcessingStep] = tuple(steps)
        self._places = places or {}
        self._otherwise = otherwise
        self.guard = guard
        """What keeps personal data out of everything that is made of a call."""
        self.detection = detection
        """What looks for more of it in what came."""

    def apply(self, event: AnyEvent, aside: Aside) -> AnyEvent | Dropped:
        """The event as it comes out of the last step, or why it does not get there."""
        return self._apply(self._steps, event, aside)

    def apply_behind(self, step: str, event: AnyEvent, aside: Aside) -> AnyEvent | Dropped:
        """The same for an event that comes back from the function of this name."""
        place = self._places.get(step, self._otherwise)
        return self._apply(self._steps[place:], event, aside)

    def _apply(self, steps: Sequence[ProcessingStep], event: AnyEvent, aside: Aside) -> AnyEvent | Dropped:
        for step in steps:
            made = step(event, aside)
            if isinstance(made, Dropped):
                aside.stopped = event
                return made
            event = made
        return event
