"""The destinations at work: one delivery actor each, started and stopped in one place."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from router.actors.supervisor import Supervisor
from router.config.model import DestinationConfig
from router.delivery.actor import DeliveryActor, Recall
from router.delivery.clock import Clock
from router.delivery.http import HttpClient
from router.events.envelope import Envelope
from router.plugins.destination import Destination
from router.progress import Progress
from router.storage.follower import Stream
from router.storage.segment import decode_segment
from router.storage.store import DestinationState, Storage
from router.telemetry.signals import Signals


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
    ) -> None:
        self._storage = storage
        self._stream = stream
        self._supervisor = supervisor
        self._progress = progress
        self._http = http
        self._signals = signals
        self._clock = clock
        self._actors: dict[str, DeliveryActor] = {}

    def __getitem__(self, name: str) -> DeliveryActor:
        return self._actors[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actors)

    def __len__(self) -> int:
        return len(self._actors)

    async def start(self, config: DestinationConfig) -> DeliveryActor:
        """Serve a destination from where the store left it; its birth is committed first."""
        state = await self._storage.born(config.name, config.kind, None)
        actor = self.actor(config, state, config.destination(), self._stream)
        self._actors[config.name] = actor
        self._progress.follow(config.name, state.cursor.floor)
        self._supervisor.start(actor, is_last_to_stop=True)
        return actor

    async def stop(self, name: str) -> None:
        """Let what is in flight end, settle it, and serve the destination no longer; its row stays as it is."""
        actor = self._actors.pop(name, None)
        if actor is not None:
            await self._supervisor.end(actor)
            self._progress.forget(name)

    async def stop_all(self, names: Iterable[str]) -> None:
        """Stop several destinations; they do not wait for each other."""
        await asyncio.gather(*(self.stop(name) for name in names))

    def actor(
        self,
        config: DestinationConfig,
        state: DestinationState,
        destination: Destination[Any, Any],
        stream: Stream,
    ) -> DeliveryActor:
        """An actor, not started, that delivers `stream` from `state` on to an instance of the plugin."""
        return DeliveryActor(
            destination,
            state=state,
            stream=stream,
            settle=self._storage.settle,
            sources=config.sources,
            policies=config.policies,
            http=self._http,
            signals=self._signals,
            clock=self._clock,
            recall=self._recall(state.name),
        )

    def _recall(self, name: str) -> Recall:
        async def recall(position: int) -> Envelope | None:
            """A parked event whose segment was trimmed: it was copied into its row before."""
            rows = await self._storage.parked(name)
            kept = [row.kept for row in rows if row.position == position and row.kept]
            return decode_segment(kept[0])[0] if kept else None

        return recall
