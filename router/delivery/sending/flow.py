"""One run of a destination's `requests`: every request is sent and settled, until each event has its verdict.

A request without `settles` is a step of the whole batch: where it fails the run is over, for all. One that names its
events is settled alone: when it fails the generator goes on with NoAnswer, which ends it only where it is used. When
the service is not well nothing more is sent; the generator is still run to its end, to learn which events are
complete. Where that cannot be learned an event is tried again, and its finished steps are not sent a second time.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, cast

from msgspec.structs import replace

from router.delivery.classify import Endless, judge_outcome
from router.delivery.sending.steps import Finished, Place, Steps
from router.delivery.verdict import DELIVERED, Attempt, Children, Judgement, Verdict
from router.errors import PluginError
from router.events.calls import AnyEvent
from router.plugins.destination import Requests
from router.plugins.outcome import Outcome
from router.plugins.request import AnswerMissing, NoAnswer, Request

MOST_REQUESTS = 10_000
REQUESTS_PER_EVENT = 100
"""A generator that yields more, by event or in all, would never end."""
SLICE_SECONDS = 0.005
"""So long the generator may run without a real send before others get their turn."""

Send = Callable[[Request, Place], Awaitable[Finished]]


class Flow:
    """One run over one batch. `run` may raise what the generator raises."""

    _all: tuple[str, ...] | None = None
    """The message ids of the batch."""
    _places: dict[str, list[int]] | None = None
    _settled: list[list[Verdict | None]] | None = None
    """For each event the verdicts of the requests that settle it; None for one that was not sent."""
    _stop: tuple[Verdict, list[int]] | None = None
    _asked_again: frozenset[str] = frozenset()
    """Message ids of events that the author, having read the answers, wants to try again."""

    def __init__(
        self,
        flow: Requests,
        events: Sequence[AnyEvent],
        *,
        send: Send,
        steps: Steps,
        call: Callable[..., Any],
    ) -> None:
        """`call(function, …)` calls the plugin's code."""
        self._flow = flow
        self._events = events
        self._send = send
        self._steps = steps
        self._call = call
        self._numbers: dict[tuple[str, ...], int] = {}
        self._refused: list[list[int]] = []
        """Events that were refused together, and may be taken apart."""
        self._finished: list[tuple[Place, Request, Finished]] = []
        self._sent_at = time.monotonic()

    async def run(self) -> Attempt:
        """Send everything that is described."""
        attempt: Attempt | None = None
        try:
            attempt = await self._run()
            return attempt
        finally:
            if self._steps or attempt is None or attempt.verdict is not DELIVERED or attempt.each is not None:
                self._remember(attempt)
            self._call(self._flow.close)  # it may have something to clean up

    async def _run(self) -> Attempt:
        step, call = self._flow.send, self._call
        answer: Any = None
        most = min(MOST_REQUESTS, REQUESTS_PER_EVENT * max(1, len(self._events)))
        for _ in range(most + 1):
            try:
                request = call(step, answer)
            except StopIteration as end:
                return self._ended(end.value)
            except AnswerMissing as missing:
                return self._broken_off(missing.answer)
            if not isinstance(request, Request):
                raise PluginError(f"requests() yielded {type(request).__name__} instead of a Request")
            whole, answer = await self._settle(request)
            if whole is not None:
                return Attempt(whole)
        raise Endless(f"requests() yielded more than {most} requests for {len(self._events)} events")

    async def _settle(self, request: Request) -> tuple[Verdict | None, Any]:
        """Send a request, or take what is remembered of it: a verdict that ends all, and an answer to go on with."""
        indexes = None if request.settles is None else self._indexes(request.settles)
        place = self._place(request)
        finished = self._steps.recall(place, request) if self._steps else None
        if finished is None:
            if self._stop is not None:
                self._note(indexes, None)
                await self._give_way()
                return None, NoAnswer()
            finished = await self._send(request, place)
            self._sent_at = time.monotonic()
            self._finished.append((place, request, finished))
        else:
            await self._give_way()
        verdict = finished.verdict
        if verdict is DELIVERED:
            if indexes:
                self._note(indexes, verdict)
            return None, finished.answer
        if indexes is None:
            return verdict, None
        self._note(indexes, verdict)
        if verdict.judgement.stops_batch:
            self._stop = (verdict, indexes)
        elif len(indexes) > 1:
            self._refused.append(indexes)
        return None, _missing(verdict, indexes)

    def _note(self, indexes: list[int] | None, verdict: Verdict | None) -> None:
        if self._settled is None:
            self._settled = [[] for _ in self._events]
        for index in range(len(self._events)) if indexes is None else indexes:
            self._settled[index].append(verdict)

    async def _give_way(self) -> None:
        if time.monotonic() - self._sent_at > SLICE_SECONDS:
            await asyncio.sleep(0)
            self._sent_at = time.monotonic()

    # --- which request this is ------------------------------------------------------------------------

    def _place(self, request: Request) -> Place:
        if not request.settles:
            if self._all is None:
                self._all = tuple([event.message_id for event in self._events])
            ids = self._all
        else:
            ids = tuple([event.message_id for event in request.settles])
        number = self._numbers.get(ids, 0)
        self._numbers[ids] = number + 1
        return Place(ids, number)

    def _indexes(self, settles: Sequence[AnyEvent]) -> list[int]:
        if self._places is None:
            self._places = {}
            for index, event in enumerate(self._events):
                self._places.setdefault(event.message_id, []).append(index)
        found: list[int] = []
        for event in settles:
            if event.message_id not in self._places:
                raise PluginError(f"a request settles an event that is not in its batch: {event.message_id}")
            found += self._places[event.message_id]
        return sorted(set(found))

    # --- what follows ---------------------------------------------------------------------------------

    def _ended(self, outcomes: Sequence[Outcome] | None) -> Attempt:
        """The generator came to its end: every event is known completely."""
        words = None if outcomes is None else judged(outcomes, self._events)
        if words is not None:
            pairs = zip(self._events, words, strict=True)
            self._asked_again = frozenset([event.message_id for event, word in pairs if _is_open(word)])
        if self._settled is None:
            return Attempt(DELIVERED, words) if self._stop is None else Attempt(self._stop[0])
        if self._stop is not None and not self._stop[1]:
            return Attempt(self._stop[0])
        for index, word in enumerate(words or ()):
            self._settled[index].append(word)
        each = [_worst(verdicts) for verdicts in self._settled]
        apart = {index for group in self._refused for index in group}
        for index in apart:
            if each[index] is not None and not each[index].judgement.stops_batch:  # type: ignore[union-attr]
                each[index] = None
        if self._stop is not None:
            return Attempt(self._stop[0], each)
        return Attempt(DELIVERED, each, _parts(self._refused))

    def _broken_off(self, answer: NoAnswer) -> Attempt:
        """The generator used an answer that does not exist: what would have followed is not known."""
        everyone = range(len(self._events))
        if self._stop is not None:
            verdict, guilty = self._stop
            each = [verdict if index in guilty else None for index in everyone]
            return Attempt(verdict, each if guilty else None)
        verdict, guilty = cast("_Missing", answer).cause
        rest = [index for index in everyone if index not in guilty]
        if not rest or not guilty:
            worst = _worst(self._settled[guilty[0]]) if len(guilty) == 1 and self._settled else None
            return Attempt(worst or verdict)
        if len(guilty) == 1:
            assert self._settled is not None  # the request that failed was noted
            dead = _worst(self._settled[guilty[0]])
            return Attempt(DELIVERED, [dead if index in guilty else None for index in everyone], [rest])
        return Attempt(DELIVERED, [None for _ in everyone], [*_parts([guilty]), rest])

    def _remember(self, attempt: Attempt | None) -> None:
        """Keep the finished steps of events that are tried again, and forget those of events that are not.

        Where the author asks for another try, the answers are what was wrong: fed back they would only say the same.
        """
        still_open = self._open_ids(attempt)
        asked_again = self._asked_again
        if self._steps:
            for ids, count in self._numbers.items():
                if still_open.isdisjoint(ids) or not asked_again.isdisjoint(ids):
                    for number in range(count):
                        self._steps.forget(Place(ids, number))
        is_halved = (
            len(self._events) > 1 and attempt is not None and not attempt.verdict.judgement.stops_batch
        )
        for place, request, finished in self._finished:
            is_final = finished.verdict.judgement is Judgement.DELIVERED or (
                _is_refused(finished.verdict) and len(place.ids) == 1
            )
            in_other_company = is_halved and not request.settles
            is_wanted = asked_again.isdisjoint(place.ids) and not still_open.isdisjoint(place.ids)
            if is_final and is_wanted and not in_other_company:
                self._steps.keep(place, request, finished)

    def _open_ids(self, attempt: Attempt | None) -> set[str]:
        """The message ids of events that are tried again; without an attempt, of all."""
        if attempt is None:
            verdicts: Sequence[Verdict | None] = [None] * len(self._events)
        elif attempt.each is not None:
            verdicts = attempt.each
        elif len(self._events) > 1 and _is_refused(attempt.verdict):
            verdicts = [None] * len(self._events)  # it is bisected
        else:
            verdicts = [attempt.verdict] * len(self._events)
        pairs = zip(self._events, verdicts, strict=True)
        return {event.message_id for event, verdict in pairs if _is_open(verdict)}


class _Missing(NoAnswer):
    """The answer of a request that failed."""

    cause: tuple[Verdict, list[int]]


def _missing(verdict: Verdict, indexes: list[int]) -> _Missing:
    answer = _Missing()
    answer.cause = (verdict, indexes)
    return answer


def plain(requests: Sequence[Request]) -> Requests:
    """A list of requests as a generator, to be run with `directly`: there is no plugin's code in it."""
    for request in requests:  # noqa: UP028 - answers cannot be sent into a list
        yield request
    return None


def directly(function: Callable[..., Any], *arguments: Any) -> Any:
    """Call what needs no guard."""
    return function(*arguments)


def judged(outcomes: Sequence[Outcome], events: Sequence[AnyEvent]) -> list[Verdict]:
    """An author's word on each event; raises PluginError when it is not that."""
    if not isinstance(outcomes, Sequence) or isinstance(outcomes, (str, bytes)):
        raise PluginError(f"expected one Outcome for each event or None, got {type(outcomes).__name__}")
    if len(outcomes) != len(events):
        raise PluginError(f"{len(outcomes)} outcomes for {len(events)} events")
    for outcome in outcomes:
        if not isinstance(outcome, Outcome):
            raise PluginError(f"expected an Outcome for each event, got {type(outcome).__name__}")
    return [judge_outcome(outcome) for outcome in outcomes]


def _worst(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """The worst of several; what is not over yet comes before what is, so that no child is lost."""
    if len(verdicts) < 2:
        return verdicts[0] if verdicts else DELIVERED
    waiting = [one for one in verdicts if one is not None and _is_open(one)]
    refused = [one for one in verdicts if one is not None and _is_refused(one)]
    if waiting:
        worst = waiting[0]
    elif None in verdicts:
        return None
    else:
        worst = refused[0] if refused else DELIVERED
    delivered = len(verdicts) - len(waiting) - len(refused) - verdicts.count(None)
    dead = tuple([one.code for one in (*refused, *waiting)]) + (worst.code,) * verdicts.count(None)
    return replace(worst, children=Children(delivered, dead))


def _is_refused(verdict: Verdict) -> bool:
    return verdict.judgement in (Judgement.REFUSED, Judgement.TOO_LARGE)


def _is_open(verdict: Verdict | None) -> bool:
    """Whether an event is tried again."""
    return verdict is None or not (verdict.judgement is Judgement.DELIVERED or _is_refused(verdict))


def _parts(groups: Sequence[list[int]]) -> list[list[int]]:
    """The halves of events that were refused together; an event of several groups goes with the first."""
    parts: list[list[int]] = []
    taken: set[int] = set()
    for group in groups:
        free = [index for index in group if index not in taken]
        taken.update(free)
        middle = len(free) // 2
        parts += [part for part in (free[:middle], free[middle:]) if part]
    return parts
