"""The router: what exists, who supervises whom, and how it starts and stops.

    doors ──▶ Ingestion ──▶ inbox ──▶ Enrichment ──▶ Identity ──▶ stream ──▶ one DeliveryActor per destination

It starts from the end of the road, so that nothing is accepted that cannot be kept, and stops from the beginning,
so that what was accepted still flows.
"""

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Self

from router.actors.mailbox import Mailbox
from router.actors.supervisor import Supervisor
from router.actors.watchdog import Stuck
from router.admin.address import socket_path
from router.admin.door import AdminDoor
from router.admin.privacy import Privacy, told
from router.admin.reload import Reloaded
from router.assembly import front
from router.assembly.containment import Containment
from router.assembly.desk import desk_of
from router.assembly.destinations import Destinations
from router.assembly.diversions import Diversions
from router.assembly.processing import processing_of
from router.assembly.profiles import ComputedToday, spaces_of
from router.assembly.progress import Progress
from router.assembly.reload import Reloads
from router.assembly.sources import Sources, cursors_of
from router.assembly.trying import Around
from router.assembly.webhooks import Webhooks
from router.config.addressing import integration_names
from router.config.model import Config
from router.config.watch import FileWatch
from router.delivery.clock import Clock, SystemClock
from router.delivery.sending.http import HttpClient
from router.embedding import Embedding
from router.enrichment.actor import Enrichment
from router.enrichment.inventory import Inventory
from router.errors import ActorFailed, RouterError, StorageError
from router.events.source import EMBEDDED_SOURCE, Source
from router.events.step import Step
from router.identity.actor import Identity
from router.identity.editing import Editing
from router.identity.resolver import Resolver
from router.identity.timekeeper import Timekeeper
from router.ingestion.actor import Ingestion
from router.ingestion.webhook_rows import lane_of
from router.plugins.registry import Registry
from router.replay.keeper import Replays
from router.rules.integrations import UnknownIntegrations
from router.rules.request import Limits, Received, read_entry
from router.storage.entry import Entry
from router.storage.follower import Stream
from router.storage.inbox import Inbox
from router.storage.profile_follower import ProfileLog
from router.storage.segment import decode_segment
from router.storage.store import Storage
from router.telemetry.audit import Audit
from router.telemetry.failure_logs import FailureLogs
from router.telemetry.happenings import ActorRestarted, RouterStarted, RouterStopping
from router.telemetry.metrics import Metrics
from router.telemetry.recorder import Recorder
from router.telemetry.signals import Observer, Signals

STOP_SECONDS = 15.0
"""What the actors may take to stop; the process promises twenty seconds."""


class Router(Embedding):
    """One router on the running loop: `async with Router(load("router.toml")) as router: …`.

    Nothing of it is global: two routers may live in one process, each with a store of its own. Starting raises
    ConfigError or StorageError; an error that stops it later resolves `failed`, and leaving the block raises it.
    """

    def __init__(
        self,
        config: Config,
        *,
        registry: Registry | None = None,
        signals: Signals | None = None,
        clock: Clock | None = None,
        storage: Storage | None = None,
        processes: bool = True,
        file: str | None = None,
        http: HttpClient | None = None,
        doors: bool = True,
        on_stuck: Stuck | None = None,
    ) -> None:
        """`processes=False` only accepts: what comes stays in the inbox until a router that processes opens it.

        `file` is what `config` was read from: it is watched, and read again when it changes or that is asked for.
        `http` sends for the destinations; the router closes it. With `doors=False` calls come from this program
        alone: no socket is opened, and the loop is not watched. `on_stuck` is called, on a thread of its own, when a
        plugin hangs for good, and is expected to end the process: the plugin's destination then starts paused.
        """
        self._file = file
        self._processes = processes
        self.signals = signals or Signals()
        self.clock = clock or SystemClock()
        self._containment = Containment(config, signals=self.signals, clock=self.clock, on_stuck=on_stuck)
        self.computed = ComputedToday()
        self.adopt(config, registry or Registry.load(config.plugins))
        self.storage = storage or self._make_storage()
        self.metrics = Metrics()
        self._http = http or HttpClient()
        self.has_doors = doors
        self._stack = AsyncExitStack()

    # --- life -----------------------------------------------------------------------------------------

    async def __aenter__(self) -> Self:
        try:
            await self._start()
        except BaseException:
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(self, *error: object) -> None:
        failure = self.failure
        self.signals.emit(RouterStopping(str(failure) if failure else "asked to"))
        await self._stack.aclose()
        if failure is not None:
            raise failure

    async def _start(self) -> None:
        """Start from the end of the road; whatever was started is stopped in the opposite order."""
        observers: list[Observer] = [self.metrics, *self.registry.observers()]
        for observer in observers:
            self._stack.callback(self.signals.observe(observer))
        await self.storage.open()
        self._stack.push_async_callback(self.storage.close)
        self.inbox = Inbox(self.storage, read_entry)
        await self.inbox.open()
        facts = await self.storage.facts()
        self.stream = Stream(
            self.storage.read_stream,
            decode_segment,
            head=facts.stream_next,
            tail_bytes=self.config.storage.tail_bytes,
            cache_bytes=self.config.storage.cache_bytes,
        )
        self.progress = Progress(self.inbox, self.stream, self.signals, clock=self.clock.monotonic)
        self._stack.callback(self.progress.end)
        self._stack.push_async_callback(self._http.close)
        failure_logs = FailureLogs(
            Path(self.config.logging.failure_logs), now=self.clock.now, signals=self.signals
        )
        self._stack.push_async_callback(failure_logs.flush)
        self._supervisor = Supervisor(restarted=self._restarted, clock=self.clock.monotonic)
        self._stack.push_async_callback(self._supervisor.stop, timeout=STOP_SECONDS)
        self._supervisor.start(failure_logs)
        self.destinations = Destinations(
            self.storage,
            self.stream,
            supervisor=self._supervisor,
            progress=self.progress,
            http=self._http,
            signals=self.signals,
            clock=self.clock,
            failures=failure_logs.write,
            containment=self._containment,
        )
        if self.has_doors:  # before a plugin runs, which might hang at once
            watchdog = self._containment.watchdog()
            watchdog.start()
            self._stack.callback(watchdog.stop)
        await self.destinations.start_all(self.config.destinations, file=self._file)
        self.inventory = Inventory(self.storage, sleep=self.clock.sleep)
        await self.inventory.open()
        self._supervisor.start(self.inventory)
        self._start_stages(facts.latest_received_at)
        self.audit = Audit(self.storage.books, sleep=self.clock.sleep, signals=self.signals)
        self._supervisor.start(self.audit)
        self._supervisor.start(Recorder(self.storage, now=self.clock.now, sleep=self.clock.sleep))
        await self._start_replays()
        await self._start_sources()
        self._watch_config()
        if self.has_doors:
            await self._open_doors()
        self.signals.emit(RouterStarted(self.url))

    async def _open_doors(self) -> None:
        self.doors = front.doors(self)
        if self.mounted_at is None:
            await self.doors.server.open(self.config.server.host, self.config.server.port)
        self._stack.push_async_callback(self.doors.server.close)
        await self._open_admin_door()
        if (
            growth := self._containment.growth(self.destinations, self.plugin_sources, self.webhooks)
        ) is not None:
            self._supervisor.start(growth)

    def _watch_config(self) -> None:
        self.reloads = Reloads(self, self._file)
        self._supervisor.start(self.reloads)
        if self._file is not None:
            watch = FileWatch(self._file, lambda: self.config, self.reloads.ask, signals=self.signals)
            self._supervisor.start(watch)
            self.reloads.then = watch.look_again

    def _start_stages(self, latest: int) -> None:
        steps: Mailbox[Step] = Mailbox(max_events=1, max_bytes=1)
        enrichment = Enrichment(
            self.inbox,
            self.storage,
            steps,
            lambda: self.sources,
            self.inventory,
            lambda: self.processing,
            lambda: self._unknown,
        )
        self.profile_log = ProfileLog(self.storage.profiles)
        self.identity = Identity(
            self.storage,
            self.inbox,
            self.stream,
            steps,
            generation=lambda: enrichment.generation,
            committed=enrichment.committed,
            failed=enrichment.rewind,
            signals=self.signals,
            resolver=Resolver(
                self.storage.profiles,
                self.storage.store_id,
                lambda: self.spaces,
                memory_bytes=lambda: self.config.identity.memory if self.config.identity else 0,
            ),
            changed=self.profile_log.told,
        )
        self.profiles = Editing(
            self.identity, self.storage.profiles, now=self.clock.now, signals=self.signals
        )
        self.ingestion = Ingestion(
            self.storage, self.inbox, now=self.clock.now, latest=latest, signals=self.signals
        )
        timekeeper = Timekeeper(
            self.storage.profiles,
            self.inbox,
            self.ingestion.accept,
            needed=self.computed.is_any,
            now=self.clock.now,
            sleep=self.clock.sleep,
        )
        stages = (self.identity, enrichment, self.ingestion, timekeeper)
        for actor in stages if self._processes else (self.ingestion,):
            self._supervisor.start(actor)

    async def _open_admin_door(self) -> None:
        if self.config.storage.kind == "memory":
            return  # there is no file that it could stand beside
        path = socket_path(self.config.storage.path)
        door = AdminDoor(path, desk_of(self), stream=self.stream, signals=self.signals)
        try:
            await door.start()
        except OSError as error:
            raise StorageError(f"the admin door cannot open beside the store: {error}") from None
        self._stack.push_async_callback(door.stop)

    async def _start_replays(self) -> None:
        """After the destinations that they send to."""
        self.replays = Replays(
            self.storage,
            self.stream,
            self.destinations.targets,
            supervisor=self._supervisor,
            http=self._http,
            signals=self.signals,
            clock=self.clock,
        )
        await self.replays.open()
        self.destinations.arrived, self.destinations.leaving = self.replays.arrived, self.replays.leaving
        self._supervisor.start(self.replays)

    async def _start_sources(self) -> None:
        """After whatever they feed, so that they stop before it."""
        is_lasting = self.config.storage.kind != "memory"
        self.plugin_sources = Sources(
            folder=cursors_of(self.config.storage.path) if is_lasting else None,
            ingestion=self.ingestion,
            limits=lambda: self.limits,
            supervisor=self._supervisor,
            signals=self.signals,
            clock=self.clock,
            containment=self._containment,
        )
        self.plugin_sources.start(self.config)
        around = Around(
            self.storage, self.ingestion, self._http, lambda: self.limits, self._supervisor, self.signals, self.clock,
            self._containment,
        )  # fmt: skip
        self.webhooks, self.diversions = Webhooks(around), Diversions(around)
        self.webhooks.start(self.config)
        self.diversions.start(self.config, self.processing)
        await self.diversions.tell_left_out([lane_of(name) for name in self.webhooks])

    def _make_storage(self) -> Storage:
        kind = self.config.storage.kind
        if kind not in self.registry.storages:
            raise RouterError(
                f"[storage] kind = {kind!r} is not known; known are {', '.join(self.registry.storages)}"
            )
        storage: Storage = self.registry.storages[kind](
            self.config.storage, signals=self.signals, clock=self.clock.time
        )
        return storage

    def _restarted(self, actor: str, error: BaseException) -> None:
        self.signals.emit(ActorRestarted(actor, f"{type(error).__name__}: {error}"))

    async def reload(self, config: Config, *, registry: Registry | None = None) -> Reloaded:
        """Change over to another configuration; raises ConfigError or PluginError when it is refused.

        Then nothing changed. Destinations whose section is the same are not touched, the others finish what is in
        flight and go on from there. The answer names what could not be changed, and what needs a restart.
        """
        return await self.reloads.apply(config, registry or self.registry)

    def adopt(self, config: Config, registry: Registry) -> None:
        """Go by `config` from now on: its sources, its limits. `reload` is what also changes the destinations."""
        self.config = config
        self.registry = registry
        self.processing = processing_of(config, signals=self.signals, guard=self._containment.guard)
        self.spaces = spaces_of(config)
        self.computed.follow(self.spaces)
        self._unknown = UnknownIntegrations(
            integration_names(config.destinations.values(), registry.destinations.values())
        )
        self.sources: Mapping[str, Source] = {
            EMBEDDED_SOURCE: Source(name=EMBEDDED_SOURCE, write_key=""),
            **config.sources,
        }

    async def accept(self, entry: Entry, received: Received) -> None:
        """Keep a request durably; raises StorageError when that is not possible."""
        await self.ingestion.accept(entry, received)

    # --- what it tells --------------------------------------------------------------------------------

    def privacy(self) -> Privacy:
        """Which fields probably hold personal data, and which have a colour."""
        section = self.config.privacy
        colours = None if section is None else section.colours
        return told(self.inventory.findings.rows(), colours, now=self.clock.now())

    @property
    def limits(self) -> Limits:
        """What a request, a batch and an event may weigh."""
        server = self.config.server
        return Limits(event_bytes=server.event_limit, batch_bytes=server.batch_limit)

    @property
    def url(self) -> str:
        """Where the doors are, e.g. `http://127.0.0.1:8080`; empty without doors.

        Of a mounted router it is what clients are told, or the path below which it stands.
        """
        if not self.has_doors:
            return ""
        if self.mounted_at is not None:
            return self.config.server.public_url or self.mounted_at
        host = self.config.server.host
        shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
        return f"http://{shown}:{self.doors.server.port}"

    @property
    def failed(self) -> "asyncio.Future[ActorFailed]":
        """Gets the reason when the router cannot go on; then leave the block."""
        return self._supervisor.failed

    @property
    def failure(self) -> ActorFailed | None:
        """Why the router cannot go on, if that is so."""
        is_told = (
            self.failed.done() and not self.failed.cancelled()
        )  # whoever awaited it may have been cancelled
        return self.failed.result() if is_told else None

    async def counters(self) -> dict[tuple[str, ...], int]:
        """Every counter, also what no commit has carried yet."""
        counts = await self.storage.counters()
        for name, amount in self.ingestion.uncommitted_counts.items():
            counts[name] = counts.get(name, 0) + amount
        return counts

    async def drained(self, *, replays: bool = False) -> None:
        """Return once every accepted event is finished at every destination; `replays` waits for those too."""
        await self.progress.drained()
        while not await self.diversions.worked_off():
            await self.progress.drained()
        if replays:
            await self.replays.idle()
