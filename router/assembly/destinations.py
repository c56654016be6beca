"""The destinations at work: one delivery actor each, started, stopped, changed and retired in one place.

    no section ──▶ born ──▶ served ──▶ retire = "drain" ──▶ nothing waits ──▶ retired
                              │  ▲                                              ▲  │
                              │  └── section without `retire` again ────────────│──┘  (after a gap, which is said)
                              └── section removed, or retire = "expire" ────────┘

Whoever changes the destinations does it one after the other: what a reload, a stop and a retirement that completes
itself do to one destination never mixes.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from typing import Any

from msgspec.structs import replace

from router.actors.supervisor import Supervisor
from router.assembly.containment import Containment
from router.assembly.drain import Drain
from router.assembly.progress import Progress
from router.config import lives
from router.config.model import DestinationConfig
from router.config.terms import terms_of
from router.delivery.actor import DeliveryActor
from router.delivery.clock import Clock
from router.delivery.failure_log import FailureLog, Write
from router.delivery.fetching import Recall
from router.delivery.sending.http import HttpClient
from router.delivery.terms import Terms
from router.errors import ConfigError, RouterError, StorageError
from router.events.envelope import Envelope
from router.plugins.destination import Destination
from router.plugins.loading import Loading
from router.replay.backfill import birth
from router.replay.target import Target
from router.storage.bounded import BoundedStream
from router.storage.follower import Stream
from router.storage.segment import decode_segment
from router.storage.store import DestinationState, Storage
from router.telemetry.conservation import pending
from router.telemetry.happenings import DestinationLeftOut, DestinationRetired, DestinationReturned
from router.telemetry.signals import Signals

AnyDestination = Destination[Any, Any]


class Destinations(Mapping[str, DeliveryActor]):
    """The delivery actors of one router, by the name of their destination."""

    def __init__(
        self,
        storage: Storage,
        stream: Stream,
        *,
        supervisor: Supervisor,
        progress: Progress,
        http: HttpClient,
        signals: Signals,
        clock: Clock,
        failures: Write,
        containment: Containment,
    ) -> None:
        """`failures` takes the lines of destinations that have a failure log; `containment` watches the plugins."""
        self._containment = containment
        self._storage = storage
        self._stream = stream
        self._supervisor = supervisor
        self._progress = progress
        self._http = http
        self._signals = signals
        self._clock = clock
        self._failures = failures
        self._actors: dict[str, DeliveryActor] = {}
        self._drains: dict[str, Drain] = {}
        self._integrations: dict[str, str] = {}
        """What events call each of them."""
        self._changing = asyncio.Lock()
        self.targets: dict[str, Target] = {}
        """Those that events can be replayed into."""
        self.arrived: Callable[[], object] = lambda: None
        """Told that `targets` has a new one."""
        self.leaving: Callable[[str], Awaitable[None]] = _nobody
        """Told before one is served no longer; what uses its actor has ended when this returns."""

    def __getitem__(self, name: str) -> DeliveryActor:
        return self._actors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actors)

    def __len__(self) -> int:
        return len(self._actors)

    async def start_all(
        self, configured: Mapping[str, DestinationConfig], *, file: str | None = None
    ) -> None:
        """Start those that are configured; retire those that are not any more, unless events wait for them.

        Raises ConfigError where a section asks for what would lose events.
        """
        states = await self._storage.destinations()
        objections = list(lives.objections(configured, states, stream_next=self._stream.head))
        waiting = {one.destination: one for one in objections if one.is_left_out}
        if len(waiting) < len(objections):
            raise ConfigError(lives.worded((one for one in objections if not one.is_left_out), file=file))
        for one in waiting.values():
            self._signals.emit(DestinationLeftOut(one.destination, one.events, one.remedy))
        for state in lives.leaving(configured, states):
            if state.name not in waiting:
                await self._complete(state.name)
        for config in configured.values():
            await self.start(config)

    async def start(self, config: DestinationConfig) -> None:
        """Serve a destination from where the store left it, or retire it, as its section says."""
        async with self._changing:
            await self._start(config, config.destination())

    async def stop(self, name: str) -> None:
        """Let what is in flight end, settle it, and serve the destination no longer; its row stays as it is."""
        async with self._changing:
            await self._stop(name)

    async def apply(
        self,
        new: Mapping[str, DestinationConfig],
        *,
        changed: Mapping[str, AnyDestination],
        renamed: Mapping[str, str],
        gone: Iterable[str],
        old: Mapping[str, DestinationConfig],
    ) -> dict[str, str]:
        """Change over from the sections `old` to `new`; destinations that are not named are not touched.

        `changed` has an instance of the plugin for each that is added or changed, `renamed` the former names among
        them, `gone` is retired, and what waits for it expires. One that cannot be started goes on as it was: the
        answer has its name and the reason. Destinations do not wait for each other.
        """
        failed: dict[str, str] = {}

        async def change(name: str, destination: AnyDestination) -> None:
            former = renamed.get(name, name)
            await self._stop(former)
            try:
                with Loading(f"destination {name!r}", "mend its settings or its plugin"):
                    await self._start(new[name], destination)
            except RouterError as error:
                failed[name] = str(error)
                if former in old:
                    await put_back(name, old[former])

        async def put_back(name: str, section: DestinationConfig) -> None:
            try:
                await self._start(_heir(section, name), section.destination())
            except RouterError as error:
                failed[name] += f"; what served it before cannot be started either: {error}"

        async def remove(name: str) -> None:
            await self._stop(name)
            try:
                await self._complete(name)
            except StorageError as error:  # nothing is lost: its events wait until a later start or reload
                failed[name] = str(error)

        async with self._changing:
            await asyncio.gather(
                *(change(name, destination) for name, destination in changed.items()),
                *(remove(name) for name in gone),
            )
        return failed

    def actor(
        self,
        config: DestinationConfig,
        state: DestinationState,
        destination: AnyDestination,
        stream: Stream,
        terms: Terms,
    ) -> DeliveryActor:
        """An actor, not started, that delivers `stream` from `state` on to an instance of the plugin."""
        return DeliveryActor(
            destination,
            state=state,
            stream=stream,
            settle=self._storage.settle,
            policies=config.policies,
            http=self._http,
            signals=self._signals,
            clock=self._clock,
            terms=terms,
            recall=self._recall(state.name),
            auth=config.auth,
            guard=self._containment.guard,
            held=self._containment.held(state.name),
            failures=FailureLog(state.name, self._failures, self._clock.now) if config.failure_log else None,
        )

    # --- one destination, while nobody else changes any ----------------------------------------------

    async def _start(self, config: DestinationConfig, destination: AnyDestination) -> None:
        name = config.name
        known = await self._known(config.renamed_from, name)
        if config.retire is not None:
            await self._retire(config, destination, known)
            return
        at = None
        if known is None and config.backfill is not None:
            at = await birth(
                self._storage, name, config.backfill, now=self._clock.now(), signals=self._signals
            )
        state = await self._storage.born(name, config.kind, at, renamed_from=config.renamed_from)
        if known is not None and known.is_retired and known.until is not None and state.birth > known.until:
            self._signals.emit(DestinationReturned(name, state.birth - known.until))
        terms = self._terms(config)
        actor = self.actor(config, state, destination, self._stream, terms)
        self._serve(actor, state)
        self.targets[name] = Target(
            name=name,
            plugin=destination,
            terms=terms,
            policies=config.policies,
            live=actor,
        )
        self.arrived()

    async def _retire(
        self, config: DestinationConfig, destination: AnyDestination, known: DestinationState | None
    ) -> None:
        if known is None or known.is_retired:
            return
        name = config.name
        state = await self._storage.conclude(name)
        if config.retire == "expire" or not pending(state.standing, self._stream.head):
            await self._complete(name)
            return
        until = self._stream.head if state.until is None else state.until
        drain = Drain(name, until, finish=self._drained, signals=self._signals, clock=self._clock)
        self._drains[name] = drain
        self._supervisor.start(drain, is_last_to_stop=True)
        stream = BoundedStream(self._stream, until)
        self._serve(self.actor(config, state, destination, stream, self._terms(config)), state)

    def _terms(self, config: DestinationConfig) -> Terms:
        integration = self._integrations[config.name] = config.addressee.names[0]
        called = self._integrations
        return terms_of(
            config,
            siblings=lambda: [one for one in called if called[one] == integration],
            guard=self._containment.guard,
        )

    def _serve(self, actor: DeliveryActor, state: DestinationState) -> None:
        self._actors[state.name] = actor
        floor = min([state.cursor.floor, *(row.position for row in state.parked)])
        self._progress.follow(state.name, floor)
        self._supervisor.start(actor, is_last_to_stop=True)

    async def _stop(self, name: str) -> None:
        drain = self._drains.pop(name, None)
        if drain is not None:
            await self._supervisor.end(drain)
        await self._end_actor(name)

    async def _end_actor(self, name: str) -> None:
        if self.targets.pop(name, None) is not None:
            await self.leaving(name)
        actor = self._actors.pop(name, None)
        if actor is not None:
            await self._supervisor.end(actor)
            self._progress.forget(name)
            self._integrations.pop(name, None)

    async def _drained(self, name: str) -> None:
        """A drain is over and says so itself; it is not ended here, for it would wait for itself."""
        async with self._changing:
            await self._end_actor(name)
            await self._complete(name)
            self._drains.pop(name, None)

    async def _complete(self, name: str) -> None:
        known = await self._known(None, name)
        if known is not None and not known.is_retired:
            self._signals.emit(DestinationRetired(name, await self._storage.retire(name)))

    async def _known(self, former: str | None, name: str) -> DestinationState | None:
        states = {state.name: state for state in await self._storage.destinations()}
        return states.get(name) or states.get(former or name)

    def _recall(self, name: str) -> Recall:
        async def recall(position: int) -> Envelope | None:
            """A parked event whose segment was trimmed: it was copied into its row before."""
            row = await self._storage.parked_at(name, position)
            return decode_segment(row.kept)[0] if row and row.kept else None

        return recall


async def _nobody(name: str) -> None:
    """Nobody uses the actors of others."""


def _heir(section: DestinationConfig, name: str) -> DestinationConfig:
    """A section under which a row that has got another name by now gets its former one back."""
    return section if section.name == name else replace(section, renamed_from=name)
