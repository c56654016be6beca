"""The webhook sources at work: a vendor's requests are kept here before they are answered, and then worked off.

    section with a kind that takes requests ──▶ an actor for its lane of the side log ──▶ calls ──▶ inbox

A source that is switched off takes nothing new, and what waits for it is worked off all the same. The lane of a source
that is gone stays as it is, so that a section that comes back goes on from there.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from router.actors.guard import Foreign, ForeignCodeBlocked
from router.actors.supervisor import Supervisor
from router.config.model import Config, SourceConfig
from router.config.source_plugins import is_webhook
from router.containment import Containment
from router.delivery.classify import NetworkError, UnusableRequest, judge_answer, judge_error
from router.delivery.clock import Clock
from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import outgoing
from router.delivery.sending.secrecy import Secrecy
from router.delivery.verdict import Judgement
from router.errors import Rejected, RetryLater
from router.ingestion.actor import Ingestion
from router.ingestion.hook_actor import Failed, HookActor, NotReady
from router.ingestion.hook_rows import entry_of, hook_of, lane_of, letter_of, source_of
from router.ingestion.receiving import calls_of, numbered
from router.plugins.loading import code_file
from router.plugins.request import Answer, Request
from router.plugins.source import Call
from router.plugins.webhook import Hook, WebhookSource
from router.rules.request import Limits
from router.storage.letters import DeadLetter
from router.storage.side_log import SideEntry
from router.storage.store import Storage
from router.telemetry.happenings import HooksLeftOut, PluginMisbehaved
from router.telemetry.signals import Signals

TIMED_OUT = "FUNCTION_TIMEOUT"
_AGAIN = (Judgement.RETRY, Judgement.THROTTLED, Judgement.SNOOZE)


class Hooks(Mapping[str, HookActor]):
    """The actors of one router's webhook sources, by the name of their source."""

    def __init__(
        self,
        storage: Storage,
        *,
        ingestion: Ingestion,
        http: HttpClient,
        limits: Callable[[], Limits],
        supervisor: Supervisor,
        signals: Signals,
        clock: Clock,
        containment: Containment,
    ) -> None:
        self._storage = storage
        self._ingestion = ingestion
        self._http = http
        self._limits = limits
        self._supervisor = supervisor
        self._signals = signals
        self._clock = clock
        self._containment = containment
        self._actors: dict[str, HookActor] = {}
        self._served: dict[str, SourceConfig] = {}

    def __getitem__(self, name: str) -> HookActor:
        return self._actors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actors)

    def __len__(self) -> int:
        return len(self._actors)

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong with a source's requests, by its name; those that are well are left out."""
        return {name: actor.trouble for name, actor in self._actors.items() if actor.trouble}

    async def keep(self, source: str, hook: Hook) -> None:
        """Keep a request durably, and have it worked off; raises StorageError, and then it is not kept."""
        await self._storage.side_log.put(entry_of(source, replace(hook, received_at=self._clock.now())))
        self.look(source)

    def look(self, source: str) -> None:
        """Something new waits for a source."""
        if source in self._actors:
            self._actors[source].look()

    async def retire(self, config: Config) -> None:
        """Stop those that `config` does not have, or has otherwise; what is being kept is kept before."""
        wanted = taking(config)
        gone = [name for name, one in self._served.items() if not _is_same(one, wanted.get(name))]
        await asyncio.gather(*(self._stop(name) for name in gone))

    def start(self, config: Config) -> None:
        """Start those of `config` that do not run yet."""
        for name, section in taking(config).items():
            if name not in self._actors:
                self._start(section, config)

    async def tell_left_out(self, config: Config) -> None:
        """Name the lanes that nobody reads."""
        known = {lane_of(name) for name in taking(config)}
        for lane in await self._storage.side_log.lanes():
            if lane.name not in known:
                source = source_of(lane.name) or lane.name
                remedy = f"add [sources.{source}] again, with enabled = false if nothing new is to come"
                self._signals.emit(HooksLeftOut(source, lane.waiting, remedy))

    def _start(self, section: SourceConfig, config: Config) -> None:
        name = section.name
        owner = lane_of(name)
        assert section.cls is not None  # it takes requests
        plugin = Foreign(owner, str(section.kind), code_file(section.cls))
        runner = _Runner(
            section,
            config,
            call=partial(self._containment.guard.run, plugin),
            http=self._http,
            clock=self._clock,
            store_id=self._storage.store_id,
            misbehaved=lambda where: self._signals.emit(
                PluginMisbehaved(owner, plugin.kind, "blocked", where)
            ),
        )
        actor = HookActor(
            name,
            owner,
            plugin=plugin,
            log=self._storage.side_log,
            attempt=runner.attempt,
            letter=runner.letter,
            close=runner.close,
            accept=self._ingestion.accept,
            count=self._ingestion.count,
            limits=self._limits,
            now=self._clock.now,
            later=self._clock.call_later,
            sleep=self._clock.sleep,
            signals=self._signals,
            held=self._containment.held(owner),
        )
        self._actors[name], self._served[name] = actor, section
        self._supervisor.start(actor)

    async def _stop(self, name: str) -> None:
        actor = self._actors.pop(name)
        del self._served[name]
        await self._supervisor.end(actor)


class _Runner:
    """Runs the plugin of one source; it is made when it is first needed."""

    def __init__(
        self,
        section: SourceConfig,
        config: Config,
        *,
        call: Callable[..., Any],
        http: HttpClient,
        clock: Clock,
        store_id: bytes,
        misbehaved: Callable[[str], None],
    ) -> None:
        self._section = section
        self._secrecy = Secrecy(section.settings) if section.settings is not None else None
        self._config = config
        self._call = call
        self._http = http
        self._clock = clock
        self._store_id = store_id
        self._misbehaved = misbehaved
        self._plugin: WebhookSource[Any] | None = None

    async def attempt(self, entry: SideEntry) -> Sequence[Call] | Failed:
        """Run it once."""
        plugin = self._made()
        try:
            hook = hook_of(entry, self._store_id)
            async with self._limit(plugin.limit()):
                calls = await calls_of(plugin, hook, call=self._call, ask=self._ask)
            return numbered(hook, calls, self._store_id)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it costs this request only
            return self._judged(error)

    def letter(self, entry: SideEntry, failed: Failed) -> DeadLetter:
        """The dead letter of a request that failed."""
        try:
            hook = hook_of(entry, self._store_id)
        except msgspec.MsgspecError:  # the letter says so
            hook = Hook(body=entry.data)
        return letter_of(
            self._section.name,
            entry,
            hook,
            reason=failed.code,
            said=failed.text,
            at=self._clock.now(),
            hide=self._hide,
        )

    def close(self) -> None:
        """Release the plugin."""
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            try:
                self._call(plugin.close)
            except Exception:  # noqa: BLE001 - it is being left anyway; nothing depends on it any more
                pass

    def _made(self) -> WebhookSource[Any]:
        if self._plugin is None:
            try:
                made = self._call(self._section.plugin)
            except Exception as error:
                raise NotReady(self._hide(f"its plugin cannot be made: {error}")) from error
            assert isinstance(made, WebhookSource)  # the configuration was read so
            self._plugin = made
        return self._plugin

    async def _ask(self, request: Request) -> Answer:
        return await asked(self._http, request, now=self._clock.time())

    def _judged(self, error: Exception) -> Failed:
        if isinstance(error, ForeignCodeBlocked):
            self._misbehaved(str(error))
        if isinstance(error, TimeoutError):
            said = f"it took longer than {self._made().limit():g} s"
            return Failed(TIMED_OUT, said, is_final=False)
        verdict = judge_error(error)
        is_final = not (
            verdict.judgement in _AGAIN
            or verdict.judgement is Judgement.CREDENTIALS
            or isinstance(error, ForeignCodeBlocked)
        )
        return Failed(verdict.code, self._hide(verdict.answer), is_final, verdict.after)

    def _hide(self, text: str) -> str:
        if self._secrecy is not None:
            text = self._secrecy.hide(text)
        return self._config.without_secrets(self._section, text)

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


def taking(config: Config) -> dict[str, SourceConfig]:
    """The sources that take a vendor's requests, also those that are switched off; of the region of this router."""
    return {
        name: one
        for name, one in config.sources.items()
        if is_webhook(one) and one.region in (None, config.server.region)
    }


def _is_same(one: SourceConfig, other: SourceConfig | None) -> bool:
    """Whether an actor that works for `one` works for `other` just as well."""
    return other is not None and (one.cls, one.settings) == (other.cls, other.settings)
