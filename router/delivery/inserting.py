"""Attempts that ask before they send: insert functions that use `fetch` run here, on a batch that is about to leave.

What they let through is sent; what they drop is filtered, what they refuse dies, and what has no answer is tried
again, each by itself. Of one user nothing overtakes what is to be tried again. What a function made of an event is
kept until that has met its end: where the destination fails afterwards, the function is not called once more.
"""

from collections.abc import Sequence

from router.delivery.flight import Keys
from router.delivery.grouping import Group
from router.delivery.sending.insert_functions import Inserted, InsertFunctions, halves
from router.delivery.sending.inserted import InsertedEvents
from router.delivery.sending.sender import Sender
from router.delivery.state import keys_by
from router.delivery.terms import Terms
from router.delivery.verdict import DELIVERED, Attempt, Judgement, Verdict
from router.events.calls import AnyEvent, Event
from router.plugins.policies import Policies

_ENDS = (Judgement.DELIVERED, Judgement.REFUSED, Judgement.TOO_LARGE, Judgement.FILTERED)


def inserting(sender: Sender, terms: Terms, policies: Policies, group: Group | None) -> "Sender | Inserting":
    """`sender`, behind the insert functions of `terms` that ask; alone where there are none."""
    if not terms.asking:
        return sender
    functions = InsertFunctions(terms.asking, beside=sender, policies=policies)
    return Inserting(functions, sender, keys=keys_by(policies.ordering), group=group)


class Inserting:
    """Runs the functions, then tries to deliver."""

    def __init__(
        self, functions: InsertFunctions, sender: Sender, *, keys: Keys, group: Group | None = None
    ) -> None:
        """`keys` are those whose order is kept, `group` what must be alike in a batch when it is sent."""
        self._functions = functions
        self._sender = sender
        self._keys = keys
        self._group = group
        self._kept = InsertedEvents()

    async def attempt(self, events: Sequence[AnyEvent]) -> Attempt:
        """Try to deliver `events`."""
        inserted = await self._inserted(events)
        ends = inserted.ends
        going, behind = ([], []) if inserted.stop is not None else self._divided(events, ends)
        sent = Attempt(DELIVERED)
        if going:
            sent = await self._sender.attempt([ends[place] for place in going])  # type: ignore[misc]
        attempt = sent if len(going) == len(events) else self._merged(events, inserted, going, behind, sent)
        self._remember(events, ends, attempt)
        return attempt

    async def close(self) -> None:
        """Close the destination."""
        await self._sender.close()

    async def _inserted(self, events: Sequence[AnyEvent]) -> Inserted:
        """What the functions make of `events`, without those that they made something of before."""
        inserted = Inserted([self._kept.recall(event) for event in events])
        places = [place for place, end in enumerate(inserted.ends) if end is None]
        if places:
            inserted.take(places, await self._functions.run([events[place] for place in places]))
        return inserted

    def _divided(
        self, events: Sequence[AnyEvent], ends: Sequence[AnyEvent | Verdict | None]
    ) -> tuple[list[int], list[int]]:
        """Places of the events that are sent now, and of those that come after others of the same user or group."""
        if self._group is None and all(isinstance(end, Event) for end in ends):
            return list(range(len(ends))), []
        going: list[int] = []
        behind: list[int] = []
        held: set[str] = set()
        for place, (event, end) in enumerate(zip(events, ends, strict=True)):
            if isinstance(end, Verdict) and end.judgement in _ENDS:
                continue
            keys = self._keys(event)
            if isinstance(end, Event) and held.isdisjoint(keys) and self._fits(end, going, ends):
                going.append(place)
                continue
            held.update(keys)
            if isinstance(end, Event):
                behind.append(place)
        return going, behind

    def _fits(self, made: AnyEvent, going: Sequence[int], ends: Sequence[AnyEvent | Verdict | None]) -> bool:
        """Whether an event is still of one group with those that are sent: a function may have changed that."""
        if self._group is None or not going:
            return True
        first = ends[going[0]]
        return isinstance(first, Event) and self._group(made) == self._group(first)

    def _merged(
        self,
        events: Sequence[AnyEvent],
        inserted: Inserted,
        going: list[int],
        behind: list[int],
        sent: Attempt,
    ) -> Attempt:
        """What became of all events of a batch of which only some were sent."""
        each = [None if isinstance(end, Event) else end for end in inserted.ends]
        verdict = sent.verdict if inserted.stop is None else inserted.stop
        again: list[list[int]] = []
        if sent.each is not None:
            again = [[going[index] for index in part] for part in sent.again]
            for place, one in zip(going, sent.each, strict=True):
                each[place] = one
        elif len(going) == 1 or verdict.judgement is Judgement.DELIVERED or verdict.judgement.stops_batch:
            for place in going:
                each[place] = verdict
        else:
            again = halves(going)
        if verdict.judgement.stops_batch:
            self._fail_before(events, each, verdict)
            return Attempt(verdict, each)
        behind = sorted([*behind, *self._postponed(events, each)])
        return Attempt(DELIVERED, each, [*again, *inserted.again, *([behind] if behind else [])])

    def _fail_before(self, events: Sequence[AnyEvent], each: list[Verdict | None], verdict: Verdict) -> None:
        """An event that was not tried fails with a later one of its user, or that would be tried again before it."""
        failed: set[str] = set()
        for place in range(len(each) - 1, -1, -1):
            one, keys = each[place], self._keys(events[place])
            if one is None and not failed.isdisjoint(keys):
                one = each[place] = verdict
            if one is not None and one.judgement not in _ENDS:
                failed.update(keys)

    def _postponed(self, events: Sequence[AnyEvent], each: list[Verdict | None]) -> list[int]:
        """An event that is to be tried again is not so before earlier ones of its user: those come at once."""
        found: list[int] = []
        pending: set[str] = set()
        for place, one in enumerate(each):
            keys = self._keys(events[place])
            if one is None:
                pending.update(keys)
            elif one.judgement not in _ENDS and not pending.isdisjoint(keys):
                each[place] = None
                pending.update(keys)
                found.append(place)
        return found

    def _remember(
        self, events: Sequence[AnyEvent], ends: Sequence[AnyEvent | Verdict | None], attempt: Attempt
    ) -> None:
        verdicts: Sequence[Verdict | None] = attempt.each or [attempt.verdict] * len(events)
        is_halved = attempt.each is None and len(events) > 1 and attempt.verdict is not DELIVERED
        for event, end, verdict in zip(events, ends, verdicts, strict=True):
            if verdict is not None and verdict.judgement in _ENDS and not is_halved:
                self._kept.forget(event)
            elif isinstance(end, Event):
                self._kept.keep(event, end)
