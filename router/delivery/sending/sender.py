"""One attempt: runs the plugin on some events, sends what it describes, and judges what comes back."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.actors.guard import Foreign, ForeignCodeBlocked, Guard, Guarded
from router.delivery.classify import Endless, judge_answer, judge_error
from router.delivery.clock import Clock
from router.delivery.sending.flow import Flow, directly, judged, plain
from router.delivery.sending.http import HttpClient, compress
from router.delivery.sending.leftovers import Leftovers
from router.delivery.sending.outgoing import Outgoing, outgoing
from router.delivery.sending.rate import RateLimit
from router.delivery.sending.secrecy import Secrecy
from router.delivery.sending.signing import sign
from router.delivery.sending.steps import Finished, Place, Steps
from router.delivery.sending.tokens import Tokens
from router.delivery.verdict import DELIVERED, Attempt, Judgement, Verdict
from router.errors import PluginError
from router.events.calls import AnyEvent
from router.plugins.auth import Auth, AwsAuth, OAuth2
from router.plugins.destination import Destination, Requests
from router.plugins.loading import code_file
from router.plugins.request import Answer, Request

CLOSE_SECONDS = 1.0
"""How long tasks that a plugin left behind may take to end."""
OPEN_SECONDS = 60.0
"""How long a plugin may take to get ready."""
_SAFE = ("GET", "HEAD", "OPTIONS")
"""Methods that change nothing: they need no idempotency key."""


class _Exchange(Struct):
    """The last request of an attempt and its answer, for the dead letter."""

    request: Request | None = None
    answer: Answer | None = None


class Sender:
    """Sends for one destination. Finished steps of an attempt that failed later are not sent again."""

    def __init__(
        self,
        destination: Destination[Any, Any],
        *,
        http: HttpClient,
        rate: RateLimit,
        clock: Clock,
        auth: Auth | None = None,
        guard: Guard | None = None,
        misbehaved: Callable[[str, str], None] = lambda fault, where: None,
    ) -> None:
        """`auth` goes before what the destination declares, `guard` is the one that the watchdog knows, and
        `misbehaved(fault, where)` is told what a plugin does to others."""
        self._destination = destination
        self._http = http
        self._rate = rate
        self._clock = clock
        self._timeout = float(destination.retry.timeout)
        self._secrecy = Secrecy(destination.settings, auth)
        self._speaks_http = destination.speaks_http()
        self._header = destination.idempotency_header
        self._auth = auth
        self._tokens: Tokens | None = None
        self._steps = Steps()
        self._opening = asyncio.Lock()
        self._is_open = False
        self.foreign = Foreign(destination.name, destination.kind, code_file(type(destination)))
        """The plugin, as the guard and the operator know it."""
        self._misbehaved = misbehaved
        self._left: set[asyncio.Task[Any]] = set()
        self.guard = guard or Guard()
        self.call: Callable[..., Any] = partial(self.guard.run, self.foreign)

    def beside(self, destination: Destination[Any, Any]) -> "Sender":
        """A sender over the same connections for somebody else: it has none of the credentials, nor the rate limit."""
        rate = RateLimit(None, self._clock)
        return Sender(destination, http=self._http, rate=rate, clock=self._clock, guard=self.guard)

    async def attempt(self, events: Sequence[AnyEvent]) -> Attempt:
        """Try to deliver `events`; never raises what the plugin or the network raised."""
        exchange = _Exchange()
        try:
            if not self._is_open:
                await self._open()
            if self._speaks_http:
                return self._worded(await self._request(tuple(events), exchange), exchange)
            await self._rate.wait()
            outcomes = await self._deliver(tuple(events))
            if outcomes is None:
                return Attempt(DELIVERED)
            return self._worded(Attempt(DELIVERED, judged(outcomes, events)), exchange)
        except Exception as error:  # noqa: BLE001 - whatever a plugin raises is judged, and harms its events only
            self.tell(error)
            return Attempt(self._explained(judge_error(error), exchange))

    def tell(self, error: Exception) -> None:
        """Say it when what the plugin did harms others than its events."""
        if isinstance(error, ForeignCodeBlocked):
            self._misbehaved("blocked", str(error))
        elif isinstance(error, Endless):
            self._misbehaved("endless", self.foreign.file)

    async def close(self) -> None:
        """Close the destination, if it was opened, and end the tasks that it left behind."""
        for task in self._left:
            task.cancel()
        if self._left:
            await asyncio.wait(self._left, timeout=CLOSE_SECONDS)
        if self._is_open:
            self._is_open = False
            try:
                async with self._limit(self._timeout):
                    await Guarded(self.call, self._destination.close())
            except Exception:  # noqa: BLE001 - it is being left anyway; nothing depends on it any more
                pass

    async def _open(self) -> None:
        async with self._opening:
            if not self._is_open:
                self._declare()
                async with self._limit(OPEN_SECONDS):
                    await Guarded(self.call, self._destination.open())
                self._is_open = True

    def _declare(self) -> None:
        """Ask the destination how it signs, unless the operator said it."""
        auth = self._auth or self.call(self._destination.auth)
        if auth is None:
            return
        if not isinstance(auth, Auth):
            raise PluginError(f"auth() returned {type(auth).__name__} instead of one of the kinds of Auth")
        self._auth = auth
        self._secrecy.cover(auth)
        if isinstance(auth, OAuth2) and self._tokens is None:
            self._tokens = Tokens(auth, http=self._http, clock=self._clock, secrecy=self._secrecy)

    async def _deliver(self, events: Sequence[AnyEvent]) -> Any:
        """What the plugin's own way to deliver says."""
        leftovers = Leftovers(self.call)
        try:
            delivering = leftovers.run(self._destination.deliver, events)
            if not isinstance(delivering, Coroutine):
                raise PluginError("deliver() must be `async def`")
            async with self._limit(self._timeout):
                return await Guarded(leftovers.run, delivering)
        finally:
            for task in leftovers.left():
                if not self._left:
                    self._misbehaved("left_tasks", _line_of(task))
                self._left.add(task)
                task.add_done_callback(self._left.discard)

    # --- requests -------------------------------------------------------------------------------------

    async def _request(self, events: Sequence[AnyEvent], exchange: _Exchange) -> Attempt:
        described = self.call(self._destination.requests, events)
        call = self.call
        if isinstance(described, (list, tuple)):
            flow: Requests = plain(described)
            call = directly
        elif isinstance(described, Generator):
            flow = described
        else:
            raise PluginError("requests() must yield its Request, or return a list of them")
        send = partial(self._send, exchange)
        return await Flow(flow, events, send=send, steps=self._steps, call=call).run()

    async def _send(self, exchange: _Exchange, request: Request, place: Place) -> Finished:
        """Send one request and judge its answer, or what came instead of one."""
        exchange.request, exchange.answer = request, None
        try:
            answer = exchange.answer = await self._exchange(request, place)
        except Exception as error:  # noqa: BLE001 - also what cannot be encoded or signed harms its events only
            return Finished(self._explained(judge_error(error), exchange), None)
        verdict = judge_answer(answer, now=self._clock.time())
        if verdict is DELIVERED or answer.status in request.accepts:
            return Finished(DELIVERED, answer)
        return Finished(self._explained(verdict, exchange), answer)

    async def _exchange(self, request: Request, place: Place) -> Answer:
        """Send a request; where tokens are used a 401 leads to a new token and one repetition."""
        await self._rate.wait()
        tokens = self._tokens
        token = ""
        async with self._limit(self._timeout):
            ready = self._ready(request, place)
            if self._auth is not None:
                token = await tokens.current() if tokens is not None else ""
                await self._sign(ready, self._auth, token)
            answer = await self._http.send(ready)
        if tokens is None or answer.status != 401 or 401 in request.accepts:
            return answer
        async with self._limit(self._timeout):
            token = await tokens.renewed(token)
        await self._rate.wait()
        async with self._limit(self._timeout):
            ready = self._ready(request, place)
            sign(ready, tokens.auth, now=self._clock.time(), token=token)
            return await self._http.send(ready)

    def _ready(self, request: Request, place: Place) -> Outgoing:
        ready = outgoing(request)
        if self._header is not None and request.method not in _SAFE and not ready.has(self._header):
            ready.headers[self._header] = place.idempotency_key
        return ready

    async def _sign(self, ready: Outgoing, auth: Auth, token: str) -> None:
        if ready.compress and isinstance(auth, AwsAuth):
            await compress(ready)  # it signs the bytes as they are sent
        sign(ready, auth, now=self._clock.time(), token=token)

    # --- words ----------------------------------------------------------------------------------------

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

    def _worded(self, attempt: Attempt, exchange: _Exchange) -> Attempt:
        """The attempt with the texts that a dead letter keeps."""
        if attempt.each is None:
            return attempt
        each = [None if one is None else self._explained(one, exchange) for one in attempt.each]
        return Attempt(attempt.verdict, each, attempt.again)

    def _explained(self, verdict: Verdict, exchange: _Exchange) -> Verdict:
        """The verdict with the texts that a dead letter keeps; only failures have them, and each gets them once."""
        if verdict.judgement is Judgement.DELIVERED or verdict.request:
            return verdict
        request = self._secrecy.request(exchange.request) if exchange.request is not None else ""
        answer = verdict.answer
        if exchange.answer is not None and not answer:
            answer = self._secrecy.answer(exchange.answer)
        return replace(verdict, request=request, answer=self._secrecy.hide(answer))


def _line_of(task: "asyncio.Task[Any]") -> str:
    """Where a task stands."""
    frames = task.get_stack(limit=1)
    return f"{frames[0].f_code.co_filename}:{frames[0].f_lineno}" if frames else task.get_name()
