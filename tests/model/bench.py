"""A store, a stream and one delivery actor on a loop whose time is free; each may crash by itself."""

import asyncio
import random
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

from router.delivery.actor import DeliveryActor
from router.delivery.sending.http import HttpClient
from router.errors import StorageError, StoreUnavailable
from router.events.envelope import Envelope
from router.plugins.destination import Destination
from router.plugins.policies import Policies
from router.storage.entry import Door, Entry
from router.storage.follower import Stream
from router.storage.hashing import message_hash
from router.storage.memory.store import MemoryStorage
from router.storage.segment import decode_segment, encode_segment
from router.storage.store import Commit, SegmentDraft, Settlement, Storage
from router.telemetry.conservation import Conservation, conservation
from router.telemetry.signals import Signals
from tests.simulation.chronicle import Chronicle
from tests.simulation.clock import WorldClock
from tests.simulation.disk import Disk, broken, make_template, new_file
from tests.simulation.loop import VirtualLoop

NAME = "crm"
WINDOW = 20
"""How far the actor may be ahead of what it settled; small, so that it is met."""


class Stores(ABC):
    """Makes the store that is tested, and hurts it."""

    @abstractmethod
    def open(self) -> Storage:
        """The store as it is found at a start; not open yet."""

    @abstractmethod
    def crash(self) -> None:
        """Lose everything that is not durable; what is asked of the store from now on fails."""

    @abstractmethod
    def fail(self, is_failing: bool) -> None:
        """Whether writes fail."""

    def connected(self) -> AbstractContextManager[Any]:
        """The context in which a store is opened."""
        return nullcontext()


class _Moody(MemoryStorage):
    """A store in memory that takes a moment and may refuse to write."""

    def __init__(self) -> None:
        super().__init__(store_id=bytes(16))
        self.is_failing = False

    async def settle(self, settlements: Sequence[Settlement]) -> None:
        """Record them, unless the disk is away."""
        await asyncio.sleep(0.001)
        if self.is_failing:
            raise StoreUnavailable("the disk is away")
        await super().settle(settlements)
        await asyncio.sleep(0.001)


class MemoryStores(Stores):
    """Durable is what the verbs have done."""

    def __init__(self) -> None:
        self._store = _Moody()

    def open(self) -> Storage:
        """The same object: it holds what was committed."""
        return self._store

    def crash(self) -> None:
        """What is on its way is cancelled with the loop's tasks."""

    def fail(self, is_failing: bool) -> None:
        """Whether settling fails."""
        self._store.is_failing = is_failing


class SqliteStores(Stores):
    """The real file."""

    def __init__(self, folder: Path) -> None:
        self._path, self._template = folder / "router.db", folder / "new.db"
        if not self._template.exists():
            asyncio.run(make_template(self._template))
        new_file(self._template, self._path)
        self._disk = Disk(self._path, random.Random(0), slowest=0.002)

    def open(self) -> Storage:
        """A new store on the file."""
        error = self._disk.error
        self._disk = Disk(self._path, random.Random(0), slowest=0.002)
        self._disk.error = error
        self._disk.failing = frozenset({"settle"})
        return self._disk.storage(Chronicle())

    def crash(self) -> None:
        """Pull the plug."""
        self._disk.die()

    def fail(self, is_failing: bool) -> None:
        """Whether settling fails."""
        self._disk.error = broken if is_failing else None

    def connected(self) -> AbstractContextManager[Any]:
        """The disk of the moment."""
        return self._disk.connected()


class Bench:
    """What the state machine works on. Every verb returns when nothing can happen without time passing."""

    def __init__(
        self, stores: Stores, make: type[Destination[Any, Any]], policies: Policies, http: HttpClient
    ) -> None:
        self.loop = VirtualLoop()
        self.clock = WorldClock()
        self.storage: Storage
        self.stream: Stream
        self.actor: DeliveryActor
        self.stores = stores
        self._make = make
        self._policies = policies
        self._http = http
        self._running: asyncio.Task[None] | None = None
        self._run(self._start())

    # --- what a rule may do ---------------------------------------------------------------------------

    def append(self, events: Sequence[Envelope]) -> None:
        """Commit events to the stream and show them to the actor."""
        self._run(self._append(events))

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self._run(asyncio.sleep(seconds))

    def crash_actor(self) -> None:
        """End the actor in the middle of things and run it again, as its supervisor does."""
        self._run(self._crash_actor())

    def crash(self) -> None:
        """Kill the process and start another one."""
        self.stores.crash()
        self.loop.end_tasks()
        self._run(self._close())
        self._run(self._start())

    def restart(self) -> None:
        """Stop as SIGTERM does, and start again."""
        self._run(self._stop())
        self._run(self._close())
        self._run(self._start())

    def close(self) -> None:
        """End everything."""
        self.stores.fail(False)
        self.loop.end_tasks()
        self._run(self._close())
        self.loop.close()

    # --- what it tells --------------------------------------------------------------------------------

    @property
    def balance(self) -> Conservation:
        """The sum of the destination, from the store."""
        return self._run(self._balance())

    def state(self) -> Any:
        """What the store knows of the destination."""
        return self._run(self._state())

    def letters(self) -> set[str]:
        """The message ids of all dead letters."""
        return {one.message_id for one in self._run(self.storage.dead_letters(NAME, 1_000_000))}

    def last_letters(self) -> list[str]:
        """The reasons and answers of the newest dead letters, for a report."""
        letters = self._run(self.storage.dead_letters(NAME, 3))
        return [f"{one.message_id} {one.reason} {one.answer[:200]}" for one in letters]

    @property
    def failure(self) -> BaseException | None:
        """What the actor ended with, if it did."""
        task = self._running
        return task.exception() if task is not None and task.done() and not task.cancelled() else None

    # --- the inside -----------------------------------------------------------------------------------

    def _run(self, coroutine: Any) -> Any:
        asyncio.set_event_loop(self.loop)
        try:
            return self.loop.run_until_complete(coroutine)
        finally:
            asyncio.set_event_loop(None)

    async def _start(self) -> None:
        self.storage = self.stores.open()
        with self.stores.connected():
            await self.storage.open()
        facts = await self.storage.facts()
        self.stream = Stream(
            self.storage.read_stream,
            decode_segment,
            head=facts.stream_next,
            tail_bytes=2_000,
            cache_bytes=2_000,
        )
        state = await self.storage.born(NAME, "fickle", 0)
        self.actor = DeliveryActor(
            self._make(self._make.settings_type()(), name=NAME),
            state=state,
            stream=self.stream,
            settle=self.storage.settle,
            policies=self._policies,
            http=self._http,
            signals=Signals(),
            clock=self.clock,
            uniform=lambda low, high: high,
            window=WINDOW,
        )
        self._running = self.loop.create_task(self.actor.run(), name="actor")  # the bench is its owner
        await asyncio.sleep(0)

    async def _stop(self) -> None:
        await self.actor.stop()
        assert self._running is not None
        await self._running

    async def _close(self) -> None:
        try:
            await self.storage.close()
        except StorageError:
            pass  # it was killed

    async def _crash_actor(self) -> None:
        assert self._running is not None
        self._running.cancel()
        await asyncio.wait([self._running])
        self._running = self.loop.create_task(self.actor.run(), name="actor")
        await asyncio.sleep(0)

    async def _append(self, events: Sequence[Envelope]) -> None:
        facts = await self.storage.facts()
        entry = Entry("website", Door.BATCH, events[0].received_at, len(events), b"{}")
        position = await self.storage.append([entry], {})
        first = events[0].position
        data = encode_segment(first, events, store_id=self.storage.store_id)
        hashes = b"".join(message_hash(bytes(16), "default", one.event.message_id) for one in events)
        segment = SegmentDraft(first, len(events), data, hashes, events[-1].received_at)
        assert await self.storage.commit(Commit(facts.inbox_cursor, position + len(events), segment, {}))
        self.stream.publish(events, first + len(events))

    async def _balance(self) -> Conservation:
        (balance,) = conservation(await self.storage.books())
        return balance

    async def _state(self) -> Any:
        (state,) = await self.storage.destinations()
        return state
