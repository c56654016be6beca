"""The actor of one source plugin: it runs the plugin, keeps what that hands over, and contains whatever it does wrong.

    plugin.run ──accept(calls, cursor)──▶ this actor ──▶ inbox, durable ──▶ then the cursor ──▶ accept returns

The plugin runs in a task of its own, under the guard; the engine's code runs in the actor's, so that interrupting a
plugin never interrupts the engine. A plugin that raises is closed, and a new instance goes on from the last cursor.
Nothing that it does reaches the supervisor, which would stop the process.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from router.actors.actor import Actor
from router.actors.guard import Foreign, ForeignCodeBlocked, Guard, Guarded
from router.errors import CursorDamaged, PluginError, StorageError
from router.ingestion.refusing import tell_refused
from router.ingestion.source_calls import readings
from router.ingestion.source_cursor import MOST_BYTES, Place, SourceCursor
from router.plugins.source import Accept, Call, SourcePlugin
from router.rules.request import Limits, Received
from router.storage.entry import Door, Entry
from router.telemetry.happenings import (
    CursorLeftOut,
    PluginMisbehaved,
    SourceFailed,
    SourceRested,
    SourceStarted,
    SourceStopped,
    SourceWaiting,
)
from router.telemetry.signals import Signals

FIRST_SECONDS = 0.5
MOST_SECONDS = 60.0
"""Between these the back-off doubles, for a plugin that fails and for a store that takes nothing."""
SHORTEST_SECONDS = 0.01
"""A plugin whose `run` returns at once does not spin."""
STOP_SECONDS = 5.0
"""How long a stop waits for what is being kept."""
END_SECONDS = 3.0
"""How long a plugin that is cancelled, and then its `close`, may take."""

AnySource = SourcePlugin[Any]


class Handed(Struct):
    """Calls that a plugin handed over, and waits for."""

    calls: list[Call]
    cursor: Raw | None
    done: asyncio.Future[None]


class SourceActor(Actor):
    """Reads with one source plugin for as long as it runs."""

    def __init__(
        self,
        name: str,
        *,
        plugin: Foreign,
        make: Callable[[], AnySource],
        interval: float,
        cursor: SourceCursor,
        accept: Callable[[Entry, Received], Awaitable[None]],
        count: Callable[[tuple[str, ...], int], None],
        limits: Callable[[], Limits],
        guard: Guard,
        sleep: Callable[[float], Awaitable[None]],
        signals: Signals,
        hide: Callable[[str], str],
        held: str = "",
    ) -> None:
        """`make` makes an instance, `hide` takes secrets out of what it raises. With a reason in `held` it waits."""
        self.name = f"source {name}"
        self.plugin = plugin
        """Whose code it is, for those who watch over plugins."""
        self.trouble = held
        """Why nothing is read now; empty while all is well."""
        self._source = name
        self._make = make
        self._interval = max(SHORTEST_SECONDS, interval)
        self._cursor = cursor
        self._accept = accept
        self._count = count
        self._limits = limits
        self._call: Callable[..., Any] = partial(guard.run, plugin)
        self._sleep = sleep
        self._signals = signals
        self._hide = hide
        self._is_held = bool(held)
        self._is_well = False
        self._is_stopping = False
        self._instance: AnySource | None = None
        self._handed: deque[Handed] = deque()
        self._news = asyncio.Event()
        self._is_free = asyncio.Event()
        self._is_free.set()

    async def run(self) -> None:
        """Run one instance after the other."""
        if self._is_held:
            await asyncio.Event().wait()
        seconds = FIRST_SECONDS
        while True:
            self._is_well = False
            try:
                await self._live()
            except CursorDamaged as error:
                seconds = MOST_SECONDS
                self.trouble = str(error)
                self._signals.emit(SourceStopped(self._source, str(error)))
            except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it harms its own source only
                seconds = FIRST_SECONDS if self._is_well else seconds
                self._failed(error, seconds)
            await self._sleep(seconds)
            seconds = min(2 * seconds, MOST_SECONDS)

    async def stop(self) -> None:
        """Wait until what is being kept is kept; nothing more is taken."""
        self._is_stopping = True
        try:
            await asyncio.wait_for(self._is_free.wait(), STOP_SECONDS)
        except TimeoutError:
            pass  # its cursor was not moved: it is read again after the next start

    # --- the life of one instance -------------------------------------------------------------------------

    async def _live(self) -> None:
        """Open an instance and run it again and again, until something raises."""
        cursor = await self._last_cursor()
        plugin: AnySource = self._call(self._make)
        plugin.cursor = cursor
        accept = self._accept_of(plugin)
        self._instance = plugin
        try:
            await self._serve(plugin.open())
            self.trouble = ""
            self._signals.emit(SourceStarted(self._source, plugin.kind))
            while True:
                await self._serve(plugin.run(accept))
                self._well()
                self._signals.emit(SourceRested(self._source))
                await self._sleep(self._interval)
        finally:
            self._instance = None
            while self._handed:  # whoever still waits for them is none of this actor's tasks
                self._handed.popleft().done.cancel()
            await self._close(plugin)

    async def _last_cursor(self) -> Any:
        place = await asyncio.to_thread(self._cursor.read)
        if place is None:
            return None
        kind = self.plugin.kind
        if (place.source, place.kind) != (self._source, kind):
            self._signals.emit(CursorLeftOut(self._source, kind, f"{place.kind} of source {place.source}"))
            return None
        return msgspec.json.decode(place.cursor)

    async def _serve(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Await a coroutine of the plugin, and keep what it hands over meanwhile."""
        guarded = Guarded(self._call, coroutine)
        task = asyncio.create_task(_awaited(guarded), name=f"{self.name} plugin")
        task.add_done_callback(lambda _: self._news.set())
        try:
            while not task.done():
                self._news.clear()
                if self._handed and not self._is_stopping:
                    handed = self._handed.popleft()
                    if not handed.done.done():  # otherwise the plugin did not wait for its turn
                        await self._keep(handed)
                else:
                    await self._news.wait()
        finally:
            await _end(task, guarded)
        if task.cancelled():
            raise PluginError("it cancelled itself; let `run` return instead")
        error = task.exception()
        if error is not None:
            raise error if isinstance(error, Exception) else PluginError(f"{type(error).__name__}: {error}")

    async def _close(self, plugin: AnySource) -> None:
        """What it raises here hides nothing: why the instance ended is told."""
        try:
            await asyncio.wait_for(self._serve(plugin.close()), END_SECONDS)
        except Exception:  # noqa: BLE001 - see above
            pass

    def _failed(self, error: Exception, seconds: float) -> None:
        if isinstance(error, ForeignCodeBlocked):
            fault = PluginMisbehaved(self.plugin.owner, self.plugin.kind, "blocked", str(error))
            self._signals.emit(fault)
        text = self._hide(f"{type(error).__name__}: {error}")
        self.trouble = f"{text}; tried again in {seconds:g} s"
        self._signals.emit(SourceFailed(self._source, self.plugin.kind, text, seconds))

    def _well(self) -> None:
        self._is_well = True
        self.trouble = ""

    # --- what it hands over -------------------------------------------------------------------------------

    def _accept_of(self, plugin: AnySource) -> Accept:
        async def accept(calls: Any, *, cursor: Any = UNSET) -> None:
            # A task that an instance left behind must not move the cursor of its successor.
            if plugin is not self._instance:
                raise PluginError(f"{self.name}: this instance is over; hand over calls in `run`")
            handed = Handed(_listed(calls), _packed(cursor), asyncio.get_running_loop().create_future())
            self._handed.append(handed)
            self._news.set()
            await handed.done
            if handed.cursor is not None:
                plugin.cursor = msgspec.json.decode(handed.cursor)

        return accept

    async def _keep(self, handed: Handed) -> None:
        """Return, and have the plugin go on, when calls and cursor are durable."""
        self._is_free.clear()
        try:
            async for received in readings(handed.calls, self._limits):
                await self._keep_one(received)
            if handed.cursor is not None:
                place = Place(self._source, self.plugin.kind, handed.cursor)
                await self._insist(partial(asyncio.to_thread, self._cursor.write, place))
        finally:
            self._is_free.set()
        self._well()
        if not handed.done.done():  # the plugin may not wait any more
            handed.done.set_result(None)

    async def _keep_one(self, received: Received) -> None:
        if received.calls:
            entry = Entry(self._source, Door.EMBEDDED, 0, len(received.calls), received.body)
            await self._insist(partial(self._accept, entry, received))
        if received.refused:
            tell_refused(self._source, received, count=self._count, signals=self._signals)

    async def _insist(self, action: Callable[[], Awaitable[None]]) -> None:
        """Have the store, or the disk, do it, however long that takes."""
        seconds = FIRST_SECONDS
        while True:
            try:
                await action()
                self.trouble = ""
                return
            except (StorageError, OSError) as error:
                self.trouble = f"waits for the store: {error}"
                self._signals.emit(SourceWaiting(self._source, str(error), seconds))
            self._is_free.set()  # a stop need not wait for this
            await self._sleep(seconds)
            self._is_free.clear()
            seconds = min(2 * seconds, MOST_SECONDS)


async def _awaited(guarded: Guarded[None]) -> None:
    await guarded


async def _end(task: asyncio.Task[None], guarded: Guarded[None]) -> None:
    """Cancel the plugin's task; when it goes on all the same, end its coroutine."""
    if task.done():
        return
    task.cancel()
    _, running = await asyncio.wait([task], timeout=END_SECONDS)
    if running:
        guarded.is_over = True
        task.cancel()
        await asyncio.wait([task])
    if not task.cancelled():
        task.exception()  # looked at: that it was cancelled is what matters


def _listed(calls: Any) -> list[Call]:
    """The calls as they are now: the plugin may use its list again."""
    if not isinstance(calls, (list, tuple)):
        raise TypeError(f"accept takes a list of calls, not {type(calls).__name__}; write accept([call])")
    return [dict(one) if isinstance(one, Mapping) and not isinstance(one, dict) else one for one in calls]


def _packed(cursor: Any) -> Raw | None:
    if cursor is UNSET:
        return None
    packed = msgspec.json.encode(cursor)
    if len(packed) > MOST_BYTES:
        raise ValueError(f"the cursor weighs {len(packed)} bytes; keep a place, {MOST_BYTES} bytes at most")
    return Raw(packed)
