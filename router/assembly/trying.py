"""One try of a plugin that works on entries of the side log: its requests are sent, and what it raises is judged."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, TypeVar

from msgspec import Struct

from router.actors.guard import ForeignCodeBlocked
from router.actors.supervisor import Supervisor
from router.assembly.containment import Containment
from router.delivery.classify import NetworkError, UnusableRequest, judge_answer, judge_error
from router.delivery.clock import Clock
from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import outgoing
from router.delivery.sending.secrecy import Secrecy
from router.delivery.verdict import Judgement
from router.errors import PluginError, Rejected, RetryLater
from router.ingestion.actor import Ingestion
from router.ingestion.webhook_actor import Failed, NotReady
from router.plugins.request import Answer, Request
from router.plugins.settings import Settings
from router.rules.request import Limits
from router.storage.store import Storage
from router.telemetry.signals import Signals

T = TypeVar("T")
TIMED_OUT = "FUNCTION_TIMEOUT"
_AGAIN = (Judgement.RETRY, Judgement.THROTTLED, Judgement.SNOOZE, Judgement.CREDENTIALS)


class Around(Struct, frozen=True):
    """What actors that work off the side log need of the router."""

    storage: Storage
    ingestion: Ingestion
    http: HttpClient
    limits: Callable[[], Limits]
    supervisor: Supervisor
    signals: Signals
    clock: Clock
    containment: Containment


class Trying:
    """What all tries of one plugin have in common."""

    def __init__(
        self,
        settings: Settings | None,
        *,
        hide: Callable[[str], str],
        call: Callable[..., Any],
        http: HttpClient,
        clock: Clock,
        misbehaved: Callable[[str], None],
    ) -> None:
        """`call(function, …)` calls the plugin's code, and `misbehaved(where)` is told where it held the loop."""
        self._secrecy = Secrecy(settings) if settings is not None else None
        self._hide = hide
        self._call = call
        self.clock = clock
        self._http = http
        self._misbehaved = misbehaved

    def call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call the plugin's code; what would end a task from within becomes an error of the plugin."""
        try:
            return self._call(function, *arguments)
        except (asyncio.CancelledError, GeneratorExit) as error:
            raise PluginError(f"it raised {type(error).__name__}; raise an error instead") from None

    async def ask(self, request: Request) -> Answer:
        """Send a request of the plugin; raises RetryLater or Rejected."""
        return await asked(self._http, request, now=self.clock.time())

    def made(self, make: Callable[[], T]) -> T:
        """A new instance of the plugin; raises NotReady."""
        try:
            plugin: T = self.call(make)
        except Exception as error:
            raise NotReady(self.hide(f"its plugin cannot be made: {error}")) from error
        return plugin

    def judged(self, error: Exception, seconds: float) -> Failed:
        """What follows from what a try raised; it had so many seconds."""
        if isinstance(error, ForeignCodeBlocked):
            self._misbehaved(str(error))
        if isinstance(error, TimeoutError):
            return Failed(TIMED_OUT, f"it took longer than {seconds:g} s", is_final=False)
        verdict = judge_error(error)
        is_final = not (verdict.judgement in _AGAIN or isinstance(error, ForeignCodeBlocked))
        return Failed(verdict.code, self.hide(verdict.answer), is_final, verdict.after)

    def hide(self, text: str) -> str:
        """The text without secrets."""
        return self._hide(self._secrecy.hide(text) if self._secrecy is not None else text)

    @asynccontextmanager
    async def limited(self, seconds: float) -> AsyncIterator[None]:
        """Raise TimeoutError after `seconds` of the router's clock."""
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(None) as limit:
            timer = self.clock.call_later(seconds, lambda: limit.reschedule(loop.time()))
            try:
                yield
            finally:
                timer.cancel()


async def asked(http: HttpClient, request: Request, *, now: float) -> Answer:
    """Send a request of a plugin; raises RetryLater or Rejected, where there is no answer for it."""
    try:
        answer = await http.send(outgoing(request))
    except (NetworkError, UnusableRequest, OSError) as error:
        verdict = judge_error(error)
    else:
        verdict = judge_answer(answer, now=now)
        if verdict.judgement is Judgement.DELIVERED or answer.status in request.accepts:
            return answer
    shown = f"{request.method} {request.url} ended with {verdict.code} {verdict.answer}".strip()
    is_unusable = verdict.judgement is Judgement.CREDENTIALS and not verdict.code.isdigit()
    if is_unusable or verdict.judgement in (Judgement.REFUSED, Judgement.TOO_LARGE):
        raise Rejected(verdict.code, detail=shown)
    raise RetryLater(verdict.code, after=verdict.after, detail=shown)
