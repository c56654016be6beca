"""The webhook sources at work: a vendor's requests are kept here before they are answered, and then worked off.

    section with a kind that takes requests ──▶ an actor for its lane of the side log ──▶ calls ──▶ inbox

A source that is switched off takes nothing new, and what waits for it is worked off all the same. The lane of a source
that is gone stays as it is, so that a section that comes back goes on from there.
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from router.actors.guard import Foreign
from router.assembly.trying import Around, Trying
from router.config.model import Config, SourceConfig
from router.config.source_plugins import is_webhook
from router.ingestion.receiving import calls_of, numbered
from router.ingestion.webhook_actor import Failed, WebhookActor
from router.ingestion.webhook_rows import entry_of, lane_of, letter_of, request_of
from router.plugins.loading import code_file
from router.plugins.source import Call
from router.plugins.webhook import WebhookRequest, WebhookSource
from router.storage.letters import DeadLetter
from router.storage.side_log import SideEntry
from router.telemetry.happenings import PluginMisbehaved


class Webhooks(Mapping[str, WebhookActor]):
    """The actors of one router's webhook sources, by the name of their source."""

    def __init__(self, around: Around) -> None:
        self._around = around
        self._actors: dict[str, WebhookActor] = {}
        self._served: dict[str, SourceConfig] = {}

    def __getitem__(self, name: str) -> WebhookActor:
        return self._actors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actors)

    def __len__(self) -> int:
        return len(self._actors)

    @property
    def troubles(self) -> dict[str, str]:
        """What is wrong with a source's requests, by its name; those that are well are left out."""
        return {name: actor.trouble for name, actor in self._actors.items() if actor.trouble}

    @property
    def briefs(self) -> dict[str, str]:
        """The same without what anybody sent: for who asks without being an operator."""
        return {name: actor.brief for name, actor in self._actors.items() if actor.brief}

    async def keep(self, source: str, hook: WebhookRequest) -> None:
        """Keep a request durably, and have it worked off; raises StorageError, and then it is not kept."""
        await self._around.storage.side_log.put(
            entry_of(source, replace(hook, received_at=self._around.clock.now()))
        )
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

    def _start(self, section: SourceConfig, config: Config) -> None:
        name = section.name
        owner = lane_of(name)
        assert section.cls is not None  # it takes requests
        plugin = Foreign(owner, str(section.kind), code_file(section.cls))
        runner = _Runner(
            section,
            store_id=self._around.storage.store_id,
            hide=partial(config.without_secrets, section),
            call=partial(self._around.containment.guard.run, plugin),
            http=self._around.http,
            clock=self._around.clock,
            misbehaved=lambda where: self._around.signals.emit(
                PluginMisbehaved(owner, plugin.kind, "blocked", where)
            ),
        )
        actor = WebhookActor(
            name,
            owner,
            plugin=plugin,
            log=self._around.storage.side_log,
            attempt=runner.attempt,
            letter=runner.letter,
            close=runner.close,
            accept=partial(self._around.ingestion.accept, is_ours=True),
            count=self._around.ingestion.count,
            limits=self._around.limits,
            now=self._around.clock.now,
            later=self._around.clock.call_later,
            sleep=self._around.clock.sleep,
            signals=self._around.signals,
            held=self._around.containment.held(owner),
        )
        self._actors[name], self._served[name] = actor, section
        self._around.supervisor.start(actor)

    async def _stop(self, name: str) -> None:
        actor = self._actors.pop(name)
        del self._served[name]
        await self._around.supervisor.end(actor)


class _Runner(Trying):
    """Runs the plugin of one source; it is made when it is first needed."""

    def __init__(self, section: SourceConfig, *, store_id: bytes, **options: Any) -> None:
        super().__init__(section.settings, **options)
        self._section = section
        self._store_id = store_id
        self._plugin: WebhookSource[Any] | None = None

    async def attempt(self, entry: SideEntry) -> Sequence[Call] | Failed:
        """Run it once."""
        plugin = self._made()
        try:
            hook = request_of(entry, self._store_id)
            async with self.limited(plugin.limit()):
                calls = await calls_of(plugin, hook, call=self.call, ask=self.ask)
            return await numbered(hook, calls, self._store_id)
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it costs this request only
            return self.judged(error, plugin.limit())

    def letter(self, entry: SideEntry, failed: Failed) -> DeadLetter:
        """The dead letter of a request that failed."""
        try:
            hook = request_of(entry, self._store_id)
        except msgspec.MsgspecError:  # the letter says so
            hook = WebhookRequest(body=entry.data)
        return letter_of(
            self._section.name,
            entry,
            hook,
            reason=failed.code,
            said=failed.text,
            at=self.clock.now(),
            hide=self.hide,
        )

    def close(self) -> None:
        """Release the plugin."""
        plugin, self._plugin = self._plugin, None
        if plugin is not None:
            try:
                self.call(plugin.close)
            except Exception:  # noqa: BLE001 - it is being left anyway; nothing depends on it any more
                pass

    def _made(self) -> WebhookSource[Any]:
        if self._plugin is None:
            made = self.made(self._section.plugin)
            assert isinstance(made, WebhookSource)  # the configuration was read so
            self._plugin = made
        return self._plugin


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
