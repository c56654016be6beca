"""The source plugins at work: one actor each, started, stopped and changed in one place.

    section with a kind ──▶ enabled, of this region ──▶ an actor reads, from the cursor in <store>.sources/NAME.json

The cursor of a source that is gone stays, so that a section that comes back goes on from there.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from router.actors.guard import Foreign
from router.actors.supervisor import Supervisor
from router.assembly.containment import Containment
from router.config.model import Config, SourceConfig
from router.delivery.clock import Clock
from router.delivery.sending.secrecy import Secrecy
from router.ingestion.actor import Ingestion
from router.ingestion.source_actor import SourceActor
from router.ingestion.source_cursor import SourceCursor
from router.plugins.loading import code_file
from router.plugins.settings import Duration
from router.plugins.source import SourcePlugin
from router.rules.request import Limits
from router.telemetry.signals import Signals


class Sources(Mapping[str, SourceActor]):
    """The actors of one router's source plugins, by the name of their source."""

    def __init__(
        self,
        *,
        folder: Path | None,
        ingestion: Ingestion,
        limits: Callable[[], Limits],
        supervisor: Supervisor,
        signals: Signals,
        clock: Clock,
        containment: Containment,
    ) -> None:
        """Cursors are kept in `folder`, or in memory without one."""
        self._folder = folder
        self._ingestion = ingestion
        self._limits = limits
        self._supervisor = supervisor
        self._signals = signals
        self._clock = clock
        self._containment = containment
        self._actors: dict[str, SourceActor] = {}
        self._served: dict[str, SourceConfig] = {}
        self._cursors: dict[str, SourceCursor] = {}

    def __getitem__(self, name: str) -> SourceActor:
        return self._actors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actors)

    def __len__(self) -> int:
        return len(self._actors)

    @property
    def troubles(self) -> dict[str, str]:
        """Why a plugin reads nothing now, by the name of its source; those that are well are left out."""
        return {name: actor.trouble for name, actor in self._actors.items() if actor.trouble}

    async def retire(self, config: Config) -> None:
        """Stop those that `config` does not have, or has otherwise; what is being kept is kept before."""
        wanted = reading(config)
        gone = [name for name, one in self._served.items() if not _is_same(one, wanted.get(name))]
        await asyncio.gather(*(self._stop(name) for name in gone))

    def start(self, config: Config) -> None:
        """Start those of `config` that do not run yet."""
        for name, section in reading(config).items():
            if name not in self._actors:
                self._start(section, config)

    def _start(self, section: SourceConfig, config: Config) -> None:
        name = section.name
        secrecy = Secrecy(section.settings) if section.settings is not None else None
        cursor = self._cursors.setdefault(name, SourceCursor(self._folder and self._folder / f"{name}.json"))
        owner = f"source {name}"
        actor = SourceActor(
            name,
            plugin=Foreign(owner, str(section.kind), code_file(section.cls) if section.cls else ""),
            make=partial(_made, section),
            interval=_interval(section),
            cursor=cursor,
            accept=self._ingestion.accept,
            count=self._ingestion.count,
            limits=self._limits,
            guard=self._containment.guard,
            sleep=self._clock.sleep,
            signals=self._signals,
            hide=lambda text: secrecy.hide(config.without_secrets(section, text)) if secrecy else text,
            held=self._containment.held(owner),
        )
        self._actors[name], self._served[name] = actor, section
        self._supervisor.start(actor)

    async def _stop(self, name: str) -> None:
        actor = self._actors.pop(name)
        del self._served[name]
        await self._supervisor.end(actor)


def reading(config: Config) -> dict[str, SourceConfig]:
    """The sources whose plugin is to run: enabled, and of the region that this router serves."""
    return {
        name: one
        for name, one in config.sources.items()
        if is_reading(one) and one.enabled and one.region in (None, config.server.region)
    }


def is_reading(source: SourceConfig) -> bool:
    """Whether a source has a plugin that reads."""
    return source.cls is not None and issubclass(source.cls, SourcePlugin)


def cursors_of(store: str) -> Path:
    """The folder of the cursors, beside the store."""
    return Path(f"{store}.sources")


def _made(section: SourceConfig) -> SourcePlugin[Any]:
    plugin = section.plugin()
    assert isinstance(plugin, SourcePlugin)  # the configuration was read so
    return plugin


def _is_same(one: SourceConfig, other: SourceConfig | None) -> bool:
    """Whether an actor that reads for `one` reads for `other` just as well."""
    return other is not None and (
        (one.cls, one.settings, _interval(one)) == (other.cls, other.settings, _interval(other))
    )


def _interval(section: SourceConfig) -> float:
    if section.interval is not None:
        return float(section.interval)
    declared: Duration = section.cls.interval  # type: ignore[union-attr]  # it reads
    return float(declared)
