"""One delivery actor on a stream in memory, with a recorder instead of a store and a clock that obeys."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from msgspec import Raw

from router.delivery.actor import DeliveryActor
from router.delivery.sending.http import HttpClient
from router.errors import StoreUnavailable
from router.events.calls import AnyEvent, Identify, Track, decode_event
from router.events.envelope import Envelope
from router.plugins.destination import Destination, Requests
from router.plugins.policies import Batching, Concurrency, Policies, Retry
from router.plugins.request import Request
from router.plugins.settings import Duration, Secret, Settings
from router.storage.cursor import Cursor
from router.storage.follower import Stream
from router.storage.letters import DeadLetter, Parked
from router.storage.outcome import Run
from router.storage.store import DestinationState, Settlement, StoredSegment
from router.telemetry.happenings import CursorMoved
from router.telemetry.signals import Signal, Signals
from router.testing.clock import ManualClock

STARTED_AT = "2030-03-17T17:46:40.000Z"


def envelope(position: int, user: str | None = None, source: str = "website", **fields: Any) -> Envelope:
    """A track event `m<position>` of a user of its own, unless told otherwise."""
    event: AnyEvent = Track(
        event=f"E{position}",
        message_id=f"m{position}",
        user_id=user or f"u{position}",
        received_at=STARTED_AT,
        timestamp=STARTED_AT,
        properties_json=Raw(b'{"n":%d}' % position),
        **fields,
    )
    return Envelope(position, source, decode_event(event.json), 1_900_000_000_000)


def identify(position: int, user: str) -> Envelope:
    """An identify event."""
    event = Identify(message_id=f"m{position}", user_id=user, received_at=STARTED_AT, timestamp=STARTED_AT)
    return Envelope(position, "website", event, 1_900_000_000_000)


class HookSettings(Settings, frozen=True):
    """Where the test's service is."""

    url: str
    token: Secret = Secret("s3cr3t-token")


class Hook(Destination[HookSettings, Track | Identify]):
    """One request for a batch: the message ids, a line each."""

    kind = "hook"

    def requests(self, events: Sequence[Track | Identify]) -> Requests | Sequence[Request]:
        """The ids of the events."""
        ids = ",".join([event.message_id for event in events])
        headers = {"X-Token": self.settings.token.reveal()}
        return [Request.post(self.settings.url, body=f'"{ids}"'.encode(), headers=headers)]


class Recorder:
    """Takes settlements as a store does, and checks each against the equation of conservation."""

    def __init__(self) -> None:
        self.settlements: list[Settlement] = []
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.cursor = Cursor()
        self.parked: dict[int, Parked] = {}
        self.letters: list[DeadLetter] = []
        self.runs: list[Run] = []
        self.failures = 0
        """So many settlements fail first."""

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Record them."""
        await asyncio.sleep(0)
        if self.failures:
            self.failures -= 1
            raise StoreUnavailable("the disk is away")
        for one in settlements:
            self.settlements.append(one)
            self.counts.update(one.counts)
            self.cursor = one.cursor
            self.parked.update({row.position: row for row in one.park})
            for position in one.unpark:
                self.parked.pop(position, None)
            self.letters += one.dead_letters
            self.runs += one.record.runs if one.record else ()
            assert self.accepted == self.ended + len(self.parked), "conservation"

    def count(self, name: str, reason: str | None = None) -> int:
        """A counter, summed over reasons unless one is named."""
        return sum(
            n for key, n in self.counts.items() if key[0] == name and (reason is None or key[2:] == (reason,))
        )

    @property
    def accepted(self) -> int:
        """Events that counted as accepted."""
        return self.count("accepted")

    @property
    def ended(self) -> int:
        """Events that met an end."""
        return sum(self.count(name) for name in ("delivered", "filtered", "dead", "expired"))

    def attempts(self, position: int) -> int:
        """Attempts recorded for an event."""
        return next(run.attempts for run in self.runs if run.first <= position < run.first + run.count)


class Rig:
    """The actor and what surrounds it."""

    def __init__(self, make: Callable[[], Destination[Any, Any]], policies: Policies, **options: Any) -> None:
        self.make = make
        self.policies = policies
        self.options = options
        self.clock = ManualClock()
        self.signals = Signals()
        self.seen: list[Signal] = []
        self.signals.observe(self.seen.append)
        self.store = Recorder()
        self.segments: list[StoredSegment] = []
        self.envelopes: dict[int, Envelope] = {}
        self.stream = Stream(self._read, self._decode, head=0, tail_bytes=1 << 20, cache_bytes=1 << 20)
        self.http = HttpClient()
        self.actor: DeliveryActor
        self._task: asyncio.Task[None] | None = None

    def publish(self, *envelopes: Envelope) -> None:
        """Add one batch to the stream."""
        self.envelopes.update({one.position: one for one in envelopes})
        self.stream.publish(envelopes, envelopes[-1].position + 1)

    def publish_users(self, *users: str) -> None:
        """Add one batch with an event of each of these users."""
        first = self.stream.head
        self.publish(*[envelope(first + index, user) for index, user in enumerate(users)])

    def start(self) -> None:
        """Start an actor from what the recorder holds."""
        state = DestinationState("crm", "hook", 0, self.store.cursor, tuple(self.store.parked.values()))
        options = {"uniform": lambda low, high: high, **self.options}
        self.actor = DeliveryActor(
            self.make(),
            state=state,
            stream=self.stream,
            settle=self.store.settle,
            policies=self.policies,
            http=self.http,
            signals=self.signals,
            clock=self.clock,
            **options,
        )
        self._task = asyncio.create_task(self.actor.run())

    async def kill(self) -> None:
        """End the actor as a crash does: nothing is finished."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])

    async def stop(self) -> None:
        """End the actor as the supervisor does."""
        if self._task is not None:
            await self.actor.stop()
            await self._task

    async def until(self, condition: Callable[[], bool], *, step: float = 0.0, timeout: float = 10) -> None:
        """Wait until the condition holds; `step` moves the clock by so much whenever everybody waits for it."""
        async with asyncio.timeout(timeout):
            while not condition():
                if self._task is not None and self._task.done():
                    self._task.result()
                    raise AssertionError("the actor ended")
                if step and self.clock.next_due is not None and not self.actor.status.in_flight:
                    self.clock.advance(step)
                await asyncio.sleep(0)

    async def finished(self, count: int, *, step: float = 0.0) -> None:
        """Wait until `count` events met an end and that is recorded."""
        await self.until(lambda: self.store.ended >= count, step=step)

    def of(self, kind: type[Signal]) -> list[Any]:
        """Every signal of a kind."""
        return [one for one in self.seen if type(one) is kind]

    @property
    def moves(self) -> list[CursorMoved]:
        """Every move of the cursor."""
        return self.of(CursorMoved)

    async def _read(self, position: int, max_bytes: int) -> list[StoredSegment]:
        await asyncio.sleep(0)
        pieces = [start for start in range(0, self.stream.head, 10) if start + 10 > position][:2]
        return [StoredSegment(start, min(10, self.stream.head - start), b"%d" % start) for start in pieces]

    def _decode(self, data: bytes) -> list[Envelope]:
        first = int(data)
        return [self.envelopes[one] for one in range(first, first + 10) if one in self.envelopes]


def policies(**changes: Any) -> Policies:
    """Policies for tests: one event a request, one at a time."""
    plain = {
        "batching": Batching(max_events=1),
        "concurrency": Concurrency(max=1),
        "retry": Retry(give_up=Duration(4 * 3600)),
    }
    return Policies(**{**plain, **changes})


@asynccontextmanager
async def rig(make: Callable[[], Destination[Any, Any]], **options: Any) -> AsyncIterator[Rig]:
    """A running actor; options of `Policies` and of the actor by name."""
    fields = set(Policies.__struct_fields__)
    feeding = policies(**{key: value for key, value in options.items() if key in fields})
    one = Rig(make, feeding, **{key: value for key, value in options.items() if key not in fields})
    one.start()
    try:
        yield one
    finally:
        await one.kill()
        await one.http.close()
