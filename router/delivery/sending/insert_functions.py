"""Runs a destination's insert functions on a batch, from the first one that asks others on.

Events are asked about side by side, each by itself, or together where the function wants that. Where somebody asked
has no answer nothing more is asked now: the batch stops as it does when the destination itself is not well.
"""

import asyncio
import time
from collections import deque
from collections.abc import Iterable, Sequence
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from router.delivery.classify import PLUGIN_ERROR
from router.delivery.sending.flow import SLICE_SECONDS
from router.delivery.sending.insert_function import InsertFunction
from router.delivery.sending.sender import Sender
from router.delivery.transforming import TRANSFORMATION_ERROR
from router.delivery.verdict import Judgement, Verdict
from router.events.calls import AnyEvent, Event
from router.plugins.chain import Chain, Made
from router.plugins.dropped import Dropped
from router.plugins.policies import Policies
from router.plugins.transformation import Transformation

LANES = 8
"""So many events of a batch, or hundreds of them, are asked about at once."""
_NOTHING_MADE = Verdict(
    Judgement.BROKEN, PLUGIN_ERROR, answer="it says that all is well, and not what goes on"
)


class Inserted(Struct):
    """What became of each event of a batch."""

    ends: list[AnyEvent | Verdict | None]
    """As it goes on, or why it does not, or None where that is not known yet."""
    again: list[list[int]] = field(default_factory=list)
    """Places of events that are to be asked about again at once, in these parts."""
    stop: Verdict | None = None
    """Why nothing more is asked, or sent, now."""

    def take(self, places: Sequence[int], other: "Inserted") -> None:
        """Take over what became of the events at these places."""
        for place, end in zip(places, other.ends, strict=True):
            self.ends[place] = end
        self.again += [[places[index] for index in part] for part in other.again]
        self.stop = self.stop or other.stop


class InsertFunctions:
    """All of one destination, in their order."""

    def __init__(
        self, transformations: Iterable[Transformation[Any, Any]], *, beside: Sender, policies: Policies
    ) -> None:
        """They are sent for over the connections of the sender that is `beside`, and with the timeout of `policies`."""
        self._steps = [
            _Asking(one, beside, policies) if one.asks() else _Plain(one, beside) for one in transformations
        ]

    async def run(self, events: Sequence[AnyEvent]) -> Inserted:
        """What becomes of `events`."""
        inserted = Inserted(list(events))
        for step in self._steps:
            places = [place for place, end in enumerate(inserted.ends) if isinstance(end, Event)]
            if inserted.stop is not None:
                for place in places:  # they are not through yet
                    inserted.ends[place] = None
                break
            inserted.take(places, await step.run([inserted.ends[place] for place in places]))  # type: ignore[misc]
        return inserted


class _Plain:
    """One that asks nobody, behind one that does."""

    def __init__(self, one: Transformation[Any, Any], beside: Sender) -> None:
        self._chain = Chain([one], guard=beside.guard)

    async def run(self, events: Sequence[AnyEvent]) -> Inserted:
        return Inserted([_end(made) for made in self._chain.apply_all(events)])


class _Asking:
    """One that asks."""

    def __init__(self, one: Transformation[Any, Any], beside: Sender, policies: Policies) -> None:
        self._function = InsertFunction(one)
        self._function.retry = policies.retry
        self._sender = beside.beside(self._function)
        self._types = frozenset(one.event_types())
        self._most = self._function.batching.max_events
        self._ran_at = 0.0

    async def run(self, events: Sequence[AnyEvent]) -> Inserted:
        inserted = Inserted(list(events))
        places = [place for place, event in enumerate(events) if type(event) in self._types]
        for place in places:
            inserted.ends[place] = None
        parts = deque(places[start : start + self._most] for start in range(0, len(places), self._most))
        self._ran_at = time.monotonic()
        if len(parts) == 1:
            await self._lane(parts, events, inserted)
        else:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(min(LANES, len(parts))):
                    tasks.create_task(self._lane(parts, events, inserted))
        return inserted

    async def _lane(self, parts: deque[list[int]], events: Sequence[AnyEvent], inserted: Inserted) -> None:
        while parts and inserted.stop is None:
            places = parts.popleft()
            inserted.take(places, await self._ask([events[place] for place in places]))
            if time.monotonic() - self._ran_at > SLICE_SECONDS:
                await asyncio.sleep(0)
                self._ran_at = time.monotonic()

    async def _ask(self, events: Sequence[AnyEvent]) -> Inserted:
        attempt = await self._sender.attempt(events)
        verdict, count = attempt.verdict, len(events)
        made = [self._function.made.pop(id(event), None) for event in events]
        if attempt.each is not None:
            each, again = attempt.each, [list(part) for part in attempt.again]
        elif count == 1 or verdict.judgement is Judgement.DELIVERED or verdict.judgement.stops_batch:
            each, again = [verdict] * count, []
        else:
            each, again = [None] * count, halves(list(range(count)))
        ends = [_ended(one, thing) for one, thing in zip(each, made, strict=True)]
        return Inserted(ends, again, _early(verdict) if verdict.judgement.stops_batch else None)


def halves(places: list[int]) -> list[list[int]]:
    """Events that were refused together, to be taken apart."""
    middle = len(places) // 2
    return [part for part in (places[:middle], places[middle:]) if part]


def _ended(verdict: Verdict | None, made: Made | None) -> AnyEvent | Verdict | None:
    if verdict is None:
        return None
    if verdict.judgement is not Judgement.DELIVERED:
        return _early(verdict)
    return _early(_NOTHING_MADE) if made is None else _end(made)


def _end(made: Made | Exception) -> AnyEvent | Verdict:
    if isinstance(made, Dropped):
        return Verdict(Judgement.FILTERED, made.reason.upper(), is_inserting=True)
    if isinstance(made, Exception):
        answer = f"{type(made).__name__}: {made}"
        return Verdict(Judgement.REFUSED, TRANSFORMATION_ERROR, answer=answer, is_inserting=True)
    return made


def _early(verdict: Verdict) -> Verdict:
    """What is asked is no child of the event at its destination."""
    return replace(verdict, children=None, is_inserting=True)
