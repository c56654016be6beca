"""The actor of one webhook source: it follows the lane of its requests, and sees each of them to its end.

    door ──▶ side log, durable ──▶ 200      then: lane ──▶ this actor ──receive──▶ calls ──▶ inbox ──▶ entry finished

Several requests are worked on side by side, so that one that waits for somebody holds up no other. An entry is finished
only when its calls are durable: after a crash it is run again, and its calls have the same message ids. One that fails
and may do better later is put off, at most six tries; any other becomes a dead letter, with the error.
"""

import asyncio
import random
from collections import deque
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

from msgspec import Struct
from msgspec.structs import replace

from router.actors.actor import Actor
from router.actors.guard import Foreign
from router.errors import StorageError
from router.ingestion.refusing import tell_refused
from router.ingestion.source_calls import readings
from router.plugins.source import Call
from router.rules.request import Limits, Received
from router.storage.entry import Door, Entry
from router.storage.letters import DeadLetter
from router.storage.side_log import SideEntry, SideLog
from router.telemetry.happenings import SourceWaiting
from router.telemetry.side_happenings import WebhookFailed
from router.telemetry.signals import Signals

TRIES = 6
FIRST_SECONDS = (60.0, 180.0)
MOST_SECONDS = 1200.0
"""Segment's: the first wait is between these, each later one twice as long, and none above twenty minutes."""
SIDE_BY_SIDE = 16
"""So many requests of a source are worked on at once."""
STORE_SECONDS = 0.5
LONGEST_STORE_SECONDS = 30.0
"""Between these waits who needs the store while it takes nothing."""
STOP_SECONDS = 5.0
LETTER_BYTES = 16 << 10
"""From this size on a dead letter is made on a thread: a form takes long to be shown as an object."""


class Failed(Struct, frozen=True):
    """How a try ended badly."""

    code: str
    text: str
    is_final: bool
    """Whether another try would end no better."""
    after: float | None = None
    """Seconds that somebody wants to be left alone."""


class Timer(Protocol):
    """A call that is due later."""

    def cancel(self) -> None:
        """Forget the call."""


class NotReady(Exception):
    """The plugin cannot be made now; its requests wait, and no try is counted. The message says why."""


Attempt = Callable[[SideEntry], Awaitable[Sequence[Call] | Failed]]
"""Runs the plugin once: the calls, numbered and timed, or how it failed. Raises NotReady."""


class WebhookActor(Actor):
    """Works off the lane of one webhook source."""

    subject = "a request"
    """What is worked off, in words."""

    def __init__(
        self,
        source: str,
        lane: str,
        *,
        plugin: Foreign,
        log: SideLog,
        attempt: Attempt,
        letter: Callable[[SideEntry, Failed], DeadLetter],
        close: Callable[[], None],
        accept: Callable[[Entry, Received], Awaitable[None]],
        count: Callable[[tuple[str, ...], int], None],
        limits: Callable[[], Limits],
        now: Callable[[], int],
        later: Callable[[float, Callable[[], object]], Timer],
        sleep: Callable[[float], Awaitable[None]],
        signals: Signals,
        held: str = "",
    ) -> None:
        """`letter` makes the dead letter of an entry that failed, `close` releases the plugin. With a reason in `held`
        everything waits."""
        self.name = f"hooks of {source}"
        self.plugin = plugin
        """Whose code it is, for those who watch over plugins."""
        self.brief = held
        """Why requests wait longer than they should, without what anybody sent; empty while all is well."""
        self._detail = ""
        self._source = source
        self._lane = lane
        self._log = log
        self._attempt = attempt
        self._letter = letter
        self._close = close
        self._accept = accept
        self._count = count
        self._limits = limits
        self._now = now
        self._later = later
        self._sleep = sleep
        self._signals = signals
        self._is_held = bool(held)
        self._is_stopping = False
        self._running: set[int] = set()
        self._ahead: deque[SideEntry] = deque()
        """What was read and is not begun; nobody else takes it."""
        self._keeping = 0
        self._news = asyncio.Event()
        self._rest = asyncio.Event()

    @property
    def trouble(self) -> str:
        """The same with what was raised, for the operator only."""
        return f"{self.brief}: {self._detail}" if self._detail else self.brief

    def look(self) -> None:
        """Something new is in the lane."""
        self._news.set()

    async def run(self) -> None:
        """Work off what is due, and wait for more."""
        if self._is_held:
            await asyncio.Event().wait()
        self._running.clear()
        self._ahead.clear()
        self._keeping = 0
        try:
            async with asyncio.TaskGroup() as tasks:
                while True:
                    self._news.clear()
                    now = self._now()
                    fresh = await self._due(now)
                    for entry in fresh:
                        self._running.add(entry.id)
                        tasks.create_task(self._see_to(entry), name=f"{self.name} {entry.id}")
                    if not fresh or len(self._running) >= SIDE_BY_SIDE:
                        await self._wait(now)
        finally:
            self._close()

    async def stop(self) -> None:
        """Let what is being kept be kept; nothing else begins."""
        self._is_stopping = True
        while self._keeping:
            self._rest.clear()
            try:
                await asyncio.wait_for(self._rest.wait(), STOP_SECONDS)
            except TimeoutError:
                break  # its entry is there after the next start

    # --- what is next -------------------------------------------------------------------------------------

    async def _due(self, now: int) -> list[SideEntry]:
        """What can be begun now."""
        room = SIDE_BY_SIDE - len(self._running)
        if room <= 0 or self._is_stopping:
            return []
        if not self._ahead:
            limit = 2 * SIDE_BY_SIDE  # those that are worked on are among them
            horizon = int(MOST_SECONDS * 1000)
            busy = set(self._running)  # they may end while this is read
            found = await self._insist(
                lambda: self._log.due(self._lane, now=now, horizon=horizon, limit=limit)
            )
            self._ahead.extend(entry for entry in found if entry.id not in busy)
        return [self._ahead.popleft() for _ in range(min(room, len(self._ahead)))]

    async def _wait(self, now: int) -> None:
        """Return when something is new, has ended or becomes due."""
        if len(self._running) >= SIDE_BY_SIDE:
            await self._news.wait()
            return
        due_at = await self._next_due(now)
        if due_at is None:
            await self._news.wait()
            return
        seconds = min(MOST_SECONDS, max(0.0, due_at - self._now()) / 1000)
        timer = self._later(seconds, self._news.set)
        try:
            await self._news.wait()
        finally:
            timer.cancel()

    async def _next_due(self, now: int) -> int | None:
        due_at: int | None = await self._insist(lambda: self._log.next_due(self._lane, now=now))
        return due_at

    # --- one request --------------------------------------------------------------------------------------

    async def _see_to(self, entry: SideEntry) -> None:
        try:
            done = await self._attempt(entry)
            if isinstance(done, Failed):
                await self._failed(entry, done)
            else:
                await self._kept(entry, done)
        except NotReady as error:
            self._tell(str(error))
            await self._sleep(LONGEST_STORE_SECONDS)
        finally:
            self._running.discard(entry.id)
            self._news.set()

    async def _kept(self, entry: SideEntry, calls: Sequence[Call]) -> None:
        """Keep the calls, and then let go of the entry."""
        self._keeping += 1
        try:
            async for received in readings(calls, self._limits):
                if received.calls:
                    await self._keep(received)
                if received.refused:
                    tell_refused(self._source, received, count=self._count, signals=self._signals)
            await self._insist(lambda: self._log.finish(entry))
            self._tell("")
        finally:
            self._keeping -= 1
            self._rest.set()

    async def _keep(self, received: Received) -> None:
        entry = Entry(self._source, Door.EMBEDDED, 0, len(received.calls), received.body)
        await self._insist(lambda: self._accept(entry, received))

    async def _failed(self, entry: SideEntry, failed: Failed) -> None:
        """Put the entry off, or give it up."""
        now = self._now()
        tried = replace(
            entry,
            attempts=entry.attempts + 1,
            first_tried_at=entry.first_tried_at or now,
            reason=failed.code,
        )
        is_over = failed.is_final or self._is_spent(tried, now)
        seconds = 0.0 if is_over else self._seconds(tried, failed)
        if len(entry.data) < LETTER_BYTES:
            letter = self._letter(tried, failed)
        else:
            letter = await asyncio.to_thread(self._letter, tried, failed)
        if is_over:
            await self._insist(lambda: self._log.finish(tried, letter))
            self._ended(tried)
        else:
            put_off = replace(tried, due_at=now + int(seconds * 1000))
            await self._insist(lambda: self._log.put_off(put_off))
            self._postponed(put_off)
        what = "is a dead letter" if is_over else f"is tried again in {seconds:.0f} s"
        self._tell(f"{self.subject} failed ({failed.code}) and {what}", failed.text)
        facts = (self._source, failed.code, failed.text, tried.attempts, seconds)
        self._signals.emit(WebhookFailed(*facts, is_over=is_over, body=letter.event))

    def _is_spent(self, tried: SideEntry, now: int) -> bool:
        """Whether an entry was tried often enough."""
        return tried.attempts >= TRIES

    def _seconds(self, tried: SideEntry, failed: Failed) -> float:
        """When it is tried again."""
        return wait_after(tried.attempts, failed.after)

    def _ended(self, entry: SideEntry) -> None:
        """An entry is gone from the lane."""

    def _postponed(self, entry: SideEntry) -> None:
        """An entry was put off."""

    def _tell(self, brief: str, detail: str = "") -> None:
        self.brief, self._detail = brief, detail

    async def _insist(self, action: Callable[[], Awaitable[Any]]) -> Any:
        """Have the store do it, however long that takes."""
        seconds = STORE_SECONDS
        is_waiting = False
        while True:
            try:
                done = await action()
                if is_waiting:
                    self._tell("")
                return done
            except StorageError as error:
                is_waiting = True
                self._tell(f"waits for the store: {error}")
                self._signals.emit(SourceWaiting(self._source, str(error), seconds))
            await self._sleep(seconds)
            seconds = min(2 * seconds, LONGEST_STORE_SECONDS)


def wait_after(tries: int, after: float | None = None) -> float:
    """How many seconds to wait after so many tries; longer where `after` asks for it, but never above the most."""
    low, high = FIRST_SECONDS
    seconds = min(
        random.uniform(low, high) * 2.0 ** (tries - 1), random.uniform(MOST_SECONDS / 2, MOST_SECONDS)
    )
    return max(seconds, min(after or 0.0, MOST_SECONDS))
