"""Keeps what a plugin does wrong to itself: a watch over the loop and over memory, and notes of plugins that hung."""

from collections.abc import Iterator, Mapping

from router.actors.guard import Foreign, Guard
from router.actors.watchdog import Stuck, Watchdog
from router.config.model import Config
from router.delivery.actor import DeliveryActor
from router.delivery.clock import Clock
from router.delivery.growth import GrowthWatch
from router.delivery.stuck import HungPlugin, note_stuck, read_stuck, stuck_file
from router.ingestion.source_actor import SourceActor
from router.ingestion.webhook_actor import WebhookActor
from router.telemetry.happenings import LoopBlocked, PluginHeld, PluginMisbehaved
from router.telemetry.metrics import resident_bytes
from router.telemetry.signals import Signals


class Containment:
    """What one router has against its plugins."""

    def __init__(self, config: Config, *, signals: Signals, clock: Clock, on_stuck: Stuck | None) -> None:
        """`on_stuck` ends the process when a plugin hangs for good; without it the plugin is only named."""
        self.guard = Guard()
        """Under which all code of plugins runs."""
        self._plugins = config.plugins
        self._notes = None if config.storage.kind == "memory" else stuck_file(config.storage.path)
        self._signals = signals
        self._clock = clock
        self._on_stuck = on_stuck

    def watchdog(self) -> Watchdog:
        """A watchdog for the running loop."""
        return Watchdog(
            lambda seconds, where: self._signals.emit(LoopBlocked(seconds, where)),
            guard=self.guard,
            stuck=self._stuck if self._on_stuck else None,
            stuck_after=float(self._plugins.stop_after),
        )

    def growth(
        self,
        destinations: Mapping[str, DeliveryActor],
        sources: Mapping[str, SourceActor],
        hooks: Mapping[str, WebhookActor],
    ) -> GrowthWatch | None:
        """A watch over the memory that the plugins of all three keep, unless it is switched off."""
        if not self._plugins.growth_limit:
            return None
        return GrowthWatch(
            lambda: {one.file: one for one in _plugins(destinations, sources, hooks)},
            resident=resident_bytes,
            limit=self._plugins.growth_limit,
            found=lambda plugin, where: self._signals.emit(
                PluginMisbehaved(plugin.owner, plugin.kind, "grew", where)
            ),
            clock=self._clock,
        )

    def held(self, owner: str) -> str:
        """Why what `owner` names must not run, or nothing: its plugin hung, and the note of it is still there."""
        if self._notes is None:
            return ""
        hung = read_stuck(self._notes).get(owner)
        if hung is None:
            return ""
        self._signals.emit(PluginHeld(owner, hung.plugin, hung.where, str(self._notes)))
        return f"the plugin hung at {hung.where}; mend it, remove {self._notes} and start again"

    def _stuck(self, plugin: Foreign, where: str) -> None:
        """Leave a note for the next start, and have the process ended. On the watchdog's thread: the loop hangs."""
        try:
            if self._notes is not None:
                note_stuck(self._notes, HungPlugin(plugin.owner, plugin.kind, where, self._clock.now()))
        finally:
            if self._on_stuck is not None:
                self._on_stuck(plugin, where)


def _plugins(
    destinations: Mapping[str, DeliveryActor],
    sources: Mapping[str, SourceActor],
    hooks: Mapping[str, WebhookActor],
) -> Iterator[Foreign]:
    yield from (delivery.plugin for delivery in destinations.values())
    yield from (source.plugin for source in sources.values())
    yield from (hook.plugin for hook in hooks.values())
