"""Changes the configuration of a running router: proven whole before anything of it is applied.

    SIGHUP, a changed file, `router reload` ──▶ load ──▶ prove ──▶ destinations, then sources, then doors

Proven means: the whole file is read and checked as `router check` does, no events would be lost, and every plugin that
is new or changed takes its settings. Destinations change before sources, so that a new source's first event finds
the new destinations born, and traits that new rules look at are kept before these look; source plugins that change
stop before all that and start behind it. Reloads happen one after the other, and none begins once the router stops.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING

from msgspec.structs import replace

from router.actors.actor import Actor
from router.admin.reload import Reloaded
from router.assembly import front
from router.assembly.destinations import AnyDestination
from router.assembly.profiles import with_traits_for
from router.config import lives
from router.config.changes import Changes, changes, without_fixed
from router.config.load import load
from router.config.model import Config
from router.errors import ConfigError, RouterError, StorageError
from router.ingestion.webhook_rows import lane_of
from router.plugins.loading import Loading
from router.plugins.registry import PluginsConfig, Registry
from router.telemetry.happenings import ConfigReloaded, ReloadRefused

if TYPE_CHECKING:
    from router.app import Router


class Reloads(Actor):
    """Reloads a router when it is asked to; any number of requests meanwhile become one more reload."""

    name = "reloads"

    def __init__(self, router: "Router", file: str | None) -> None:
        self._router = router
        self._file = file
        self.then: Callable[[], None] = lambda: None
        """Called when the configuration is another one."""
        self._asked = asyncio.Event()
        self._turn = asyncio.Lock()
        self._is_stopping = False

    def ask(self) -> None:
        """Read the file again soon; what comes of it is told by a signal."""
        self._asked.set()

    async def run(self) -> None:
        """Reload whenever that was asked for."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            await self.reread()

    async def stop(self) -> None:
        """Let a reload that has begun end; no other begins."""
        self._is_stopping = True
        async with self._turn:
            pass

    async def reread(self) -> Reloaded:
        """Read the file again and apply it; says what came of it, also when it is refused."""
        async with self._turn:
            try:
                config, registry = await self._read()
                return await self._apply(config, registry)
            except RouterError as error:
                problems = tuple(error.problems) if isinstance(error, ConfigError) else (str(error),)
                self._router.signals.emit(ReloadRefused(problems))
                return Reloaded(problems=problems)

    async def apply(self, config: Config, registry: Registry) -> Reloaded:
        """Apply a configuration; raises ConfigError or PluginError when it is refused, and then nothing changed."""
        async with self._turn:
            return await self._apply(config, registry)

    async def _read(self) -> tuple[Config, Registry]:
        """Load the file on a thread: plugins may take their time to be imported."""
        if self._file is None:
            raise RouterError("this router was not started from a file; call reload() with a configuration")
        made: list[Registry] = []

        def again(plugins: PluginsConfig) -> Registry:
            made.append(self._router.registry.again(plugins))
            return made[0]

        config = await asyncio.to_thread(load, self._file, registry=again)
        return config, made[0]

    async def _apply(self, config: Config, registry: Registry) -> Reloaded:
        router = self._router
        if self._is_stopping:
            raise RouterError("the router is stopping; start it again with the new configuration")
        old = _as_served(router)
        found = changes(old, config)
        gone = await self._prove(config)
        instances = _instances(config, found)
        await router.plugin_sources.retire(config)
        await router.webhooks.retire(config)
        router.spaces = with_traits_for(config, router.spaces)
        failed = await router.destinations.apply(
            config.destinations,
            changed=instances,
            renamed=found.renamed,
            gone=gone,
            old=old.destinations,
        )
        router.adopt(_without(failed, without_fixed(router.config, config), old, found), registry)
        router.plugin_sources.start(router.config)
        await router.diversions.change(router.config, router.processing)
        router.webhooks.start(router.config)
        front.refit(router)
        with suppress(StorageError):  # otherwise the next start tells of them
            await router.diversions.tell_left_out([lane_of(name) for name in router.webhooks])
        self.then()
        done = _told(found, failed, gone)
        router.signals.emit(
            ConfigReloaded(
                added=done.added,
                removed=done.removed,
                changed=done.changed,
                unchanged=len(done.unchanged),
                sources=done.sources,
                needs_restart=done.needs_restart,
            )
        )
        for name, reason in failed.items():
            router.signals.emit(ReloadRefused((f"destinations.{name}: goes on as it was; {reason}",)))
        return done

    async def _prove(self, config: Config) -> list[str]:
        """Names of the destinations to retire; raises ConfigError where events, or requests, would be lost."""
        if (
            self._router.config.sources and not config.sources
        ):  # a file that is being written may look like that
            where = f"{self._file}: " if self._file else ""
            raise ConfigError([f"{where}sources: none is left; keep one, or stop the router"])
        states = await self._router.storage.destinations()
        head = self._router.stream.head
        found = [
            *lives.objections(config.destinations, states, stream_next=head),
            *lives.lane_objections(config, await self._router.storage.side_log.lanes()),
        ]
        problems = lives.worded(found, file=self._file)
        if problems:
            raise ConfigError(problems)
        return [state.name for state in lives.leaving(config.destinations, states)]


def _instances(config: Config, found: Changes) -> dict[str, AnyDestination]:
    """An instance of the plugin for each destination that is new or changed."""
    made: dict[str, AnyDestination] = {}
    for name in (*found.added, *found.changed):
        with Loading(f"destination {name!r}", f"mend its plugin, or the settings in [destinations.{name}]"):
            made[name] = config.destinations[name].destination()
    return made


def _as_served(router: "Router") -> Config:
    """The running configuration without what could not be started: that is tried again as if it were new."""
    sections = router.config.destinations
    served = {
        name: one for name, one in sections.items() if one.retire is not None or name in router.destinations
    }
    return replace(router.config, destinations=served)


def _without(failed: dict[str, str], config: Config, old: Config, found: Changes) -> Config:
    """The new configuration with the old sections of those that could not be changed over."""
    if not failed:
        return config
    sections = {name: one for name, one in config.destinations.items() if name not in failed}
    for name in failed:
        former = found.renamed.get(name, name)
        if former in old.destinations and name not in found.removed:
            sections[former] = old.destinations[former]
    return replace(config, destinations=sections)


def _told(found: Changes, failed: dict[str, str], gone: list[str]) -> Reloaded:
    return Reloaded(
        added=tuple(name for name in found.added if name not in failed),
        removed=tuple(name for name in gone if name not in failed),
        changed=tuple(name for name in found.changed if name not in failed),
        unchanged=found.unchanged,
        sources=found.sources,
        failed=failed,
        needs_restart=found.needs_restart,
    )
