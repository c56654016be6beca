"""One attempt: runs the plugin on some events, sends what it describes, and judges what comes back."""

import asyncio
from collections.abc import AsyncIterator, Generator, Sequence
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Struct

from router.delivery.classify import judge_answer, judge_error, judge_outcome
from router.delivery.clock import Clock
from router.delivery.http import HttpClient
from router.delivery.rate import RateLimit
from router.delivery.secrecy import Secrecy
from router.delivery.verdict import DELIVERED, Judgement, Verdict
from router.errors import PluginError
from router.events.calls import AnyEvent
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.request import Answer, Request

STEPS_KEPT = 1000
"""Attempts whose finished steps are remembered; of older ones every step is sent again."""
OPEN_SECONDS = 60.0
"""How long a plugin may take to get ready."""


class Attempt(Struct, frozen=True):
    """What an attempt says: one verdict for all events, or one for each."""

    verdict: Verdict
    each: Sequence[Verdict] | None = None


class _Exchange(Struct):
    """The last request of an attempt and its answer, for the dead letter."""

    request: Request | None = None
    answer: Answer | None = None


class Sender:
    """Sends for one destination. Finished steps of an attempt that failed later are not sent again."""

    def __init__(
        self, destination: Destination[Any, Any], *, http: HttpClient, rate: RateLimit, clock: Clock
    ) -> None:
        self._destination = destination
        self._http = http
        self._rate = rate
        self._clock = clock
        self._timeout = float(destination.retry.timeout)
        self._secrecy = Secrecy(destination.settings)
        self._speaks_http = destination.speaks_http()
        self._steps: dict[tuple[str, ...], list[Answer]] = {}
        self._opening = asyncio.Lock()
        self._is_open = False

    async def attempt(self, events: Sequence[AnyEvent]) -> Attempt:
        """Try to deliver `events`; never raises what the plugin or the network raised."""
        exchange = _Exchange()
        try:
            if not self._is_open:
                await self._open()
            if self._speaks_http:
                outcomes = await self._request(events, exchange)
            else:
                await self._rate.wait()
                async with self._limit(self._timeout):
                    outcomes = await self._destination.deliver(events)
            if isinstance(outcomes, Verdict):
                return Attempt(self._explained(outcomes, exchange))
            if outcomes is None:
                return Attempt(DELIVERED)
            if len(outcomes) != len(events):
                raise PluginError(f"{len(outcomes)} outcomes for {len(events)} events")
            return Attempt(
                DELIVERED, [self._explained(judge_outcome(outcome), exchange) for outcome in outcomes]
            )
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is judged, and harms its events only
            return Attempt(self._explained(judge_error(error), exchange))

    async def close(self) -> None:
        """Close the destination, if it was opened."""
        if self._is_open:
            self._is_open = False
            try:
                async with self._limit(self._timeout):
                    await self._destination.close()
            except Exception:  # noqa: BLE001 - it is being left anyway; nothing depends on it any more
                pass

    async def _open(self) -> None:
        async with self._opening:
            if not self._is_open:
                async with self._limit(OPEN_SECONDS):
                    await self._destination.open()
                self._is_open = True

    async def _request(
        self, events: Sequence[AnyEvent], exchange: _Exchange
    ) -> Sequence[Outcome] | Verdict | None:
        described = self._destination.requests(events)
        if isinstance(described, Request):
            raise PluginError("requests() must yield its Request, or return a list of them")
        flow: Requests = described if isinstance(described, Generator) else _flow(described)
        key = tuple([event.message_id for event in events])
        finished = self._steps.pop(key, None) or []
        done = 0
        answer: Answer | None = None
        try:
            while True:
                request = next(flow) if answer is None else flow.send(answer)
                if not isinstance(request, Request):
                    raise PluginError(f"requests() yielded {type(request).__name__} instead of a Request")
                if done < len(finished):
                    answer = finished[done]
                else:
                    exchange.request, exchange.answer = request, None
                    answer = exchange.answer = await self._send(request)
                    verdict = judge_answer(answer, now=self._clock.time())
                    if verdict.judgement is not Judgement.DELIVERED and answer.status not in request.accepts:
                        return verdict
                    finished.append(answer)
                done += 1
        except StopIteration as end:
            finished = []
            outcomes: Sequence[Outcome] | None = end.value
            return outcomes
        finally:
            if finished and key:
                self._remember(key, finished)
            flow.close()

    async def _send(self, request: Request) -> Answer:
        await self._rate.wait()
        async with self._limit(self._timeout):
            return await self._http.send(request)

    def _remember(self, key: tuple[str, ...], finished: list[Answer]) -> None:
        self._steps[key] = finished
        if len(self._steps) > STEPS_KEPT:
            del self._steps[next(iter(self._steps))]

    @asynccontextmanager
    async def _limit(self, seconds: float) -> AsyncIterator[None]:
        """Raise TimeoutError after `seconds` of the router's clock."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as limit:
            timer = self._clock.call_later(seconds, lambda: limit.reschedule(loop.time()))
            try:
                yield
            finally:
                timer.cancel()

    def _explained(self, verdict: Verdict, exchange: _Exchange) -> Verdict:
        """The verdict with the texts that a dead letter keeps; only failures have them."""
        if verdict.judgement is Judgement.DELIVERED:
            return verdict
        request = self._secrecy.request(exchange.request) if exchange.request is not None else ""
        answer = verdict.answer
        if exchange.answer is not None and not answer:
            answer = self._secrecy.answer(exchange.answer)
        return Verdict(verdict.judgement, verdict.code, verdict.after, request, self._secrecy.hide(answer))


def _flow(requests: Sequence[Request]) -> Requests:
    """A plain list as a generator."""
    for request in requests:  # noqa: UP028 - answers cannot be sent into a list
        yield request
    return None
