"""Starts, pauses, ends and queues replays; into one destination they run one after the other."""

import asyncio
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from router.actors.actor import Actor
from router.actors.supervisor import Supervisor
from router.delivery.actor import DeliveryActor
from router.delivery.clock import Clock
from router.delivery.replaying import Pace, Replaying
from router.delivery.sending.http import HttpClient
from router.errors import RouterError, StorageError
from router.events.envelope import Envelope
from router.events.times import format_instant
from router.plugins.policies import Rate
from router.plugins.settings import Duration
from router.replay.report import Report, Standing, read_reports
from router.replay.selection import predicate, readdressed
from router.replay.slice import Slice
from router.replay.span import Span, find_span
from router.replay.target import Target
from router.storage.cursor import Cursor
from router.storage.follower import Stream
from router.storage.outcome import OutcomeRecord, Run
from router.storage.replays import Replay, Selection
from router.storage.segment import decode_segment
from router.storage.store import DestinationState, Settlement, Storage
from router.telemetry.happenings import CursorMoved, ReplayEnded, ReplayStarted
from router.telemetry.signals import Signal, Signals

Ending = Literal["done", "cancelled"]
CANCELLED = "cancelled"
"""The reason of a parked event whose replay was cancelled."""
STORE_RETRY_SECONDS = 1.0


class Wanted(Struct, frozen=True, forbid_unknown_fields=True):
    """A replay as it is asked for."""

    to: str
    """Name of the destination."""
    since: int
    """Events received from this moment on, in milliseconds since the epoch."""
    until: int
    """Events received before this moment."""
    selection: Selection = Selection()
    requests: int = 0
    """Most requests in each period; 0 is no limit but the destination's own."""
    per: float = 1.0


class _Active(Struct):
    replay: Replay
    actor: DeliveryActor
    is_finished: bool = False


class Replays(Actor):
    """Owns the replays of one router; `targets` are the destinations that it serves now."""

    def __init__(
        self,
        storage: Storage,
        stream: Stream,
        targets: Mapping[str, Target],
        *,
        supervisor: Supervisor,
        http: HttpClient,
        signals: Signals,
        clock: Clock,
    ) -> None:
        self.name = "replays"
        self._storage = storage
        self._stream = stream
        self._targets = targets
        self._supervisor = supervisor
        self._http = http
        self._signals = signals
        self._clock = clock
        self._open: dict[int, Replay] = {}
        self._active: dict[str, _Active] = {}
        self._changing = asyncio.Lock()
        self._news = asyncio.Event()
        self._changed = asyncio.Event()
        self._end_observing = signals.observe(self._look)

    async def open(self) -> None:
        """Learn which replays are not over; `run` goes on with them."""
        self._open = {one.number: one for one in await self._storage.replays.all() if not one.is_over}
        self._news.set()

    async def run(self) -> None:
        """End what is finished and start what is next, whenever something changes."""
        while True:
            await self._news.wait()
            self._news.clear()
            try:
                async with self._changing:
                    await self._advance()
            except StorageError:  # the store is in trouble and says so itself; it is asked again
                await self._clock.sleep(STORE_RETRY_SECONDS)
                self._news.set()

    async def stop(self) -> None:
        """Start nothing more."""
        self._end_observing()

    def arrived(self) -> None:
        """A destination is served that was not, or is served anew."""
        self._news.set()

    async def leaving(self, name: str) -> None:
        """Let go of a destination that is about to be served no longer; its replay waits until it is back."""
        async with self._changing:
            active = self._active.get(name)
            if active is not None:
                await self._end_actor(active.replay)
            self._changed.set()

    # --- what operators do ----------------------------------------------------------------------------

    async def begin(self, wanted: Wanted) -> Report:
        """Start a replay, or queue it; raises RouterError when there is nothing to replay or nobody to get it."""
        self.target(wanted.to)
        predicate(wanted.selection)  # refused here, where somebody can mend it
        span = await find_span(self._storage, wanted.since, wanted.until)
        if span.is_empty:
            raise RouterError(nothing_kept(span, wanted))
        replay = Replay(
            destination=wanted.to,
            first=span.first,
            after=span.after,
            selection=wanted.selection,
            requests=wanted.requests,
            per=wanted.per,
            lost=span.lost,
            created_at=self._clock.now(),
        )
        async with self._changing:
            replay = await self._storage.replays.begin(replay)
            self._open[replay.number] = replay
            await self._advance()
        return await self.report(replay.number)

    async def pause(self, number: int) -> Report:
        """Let a replay rest until it is resumed; it goes on where it stopped."""
        async with self._changing:
            replay = await self._found(number)
            if replay.state == "running":
                await self._end_actor(replay)
                await self._storage.replays.move(number, "paused")
                self._open[number] = replace(replay, state="paused")
                await self._advance()
        return await self.report(number)

    async def resume(self, number: int) -> Report:
        """Go on with a paused replay."""
        async with self._changing:
            replay = await self._found(number)
            if replay.state == "paused":
                await self._storage.replays.move(number, "running")
                self._open[number] = replace(replay, state="running")
                await self._advance()
        return await self.report(number)

    async def cancel(self, number: int) -> Report:
        """End a replay; what it has not sent is not sent, and is not counted."""
        async with self._changing:
            replay = await self._found(number)
            await self._end_actor(replay)
            await self._finish(replay, "cancelled", await self._last(replay))
            await self._advance()
        return await self.report(number)

    async def reports(self) -> list[Report]:
        """Every replay, the newest first."""
        return await read_reports(self._storage, self.standing)

    async def report(self, number: int) -> Report:
        """One replay; raises RouterError when there is none."""
        return chosen(await self.reports(), number)

    async def idle(self) -> None:
        """Return once no replay runs or is about to; paused ones are not waited for."""
        while any(one.state == "running" and one.destination in self._targets for one in self._open.values()):
            self._changed.clear()
            await self._changed.wait()

    # --- what it tells --------------------------------------------------------------------------------

    def target(self, name: str) -> Target:
        """The destination `name`; raises RouterError with the nearest one when it is not served."""
        if name not in self._targets:
            raise RouterError(unknown(name, self._targets))
        return self._targets[name]

    @property
    def actors(self) -> list[DeliveryActor]:
        """Who delivers for replays now."""
        return [active.actor for active in self._active.values()]

    def standings(self) -> dict[str, Standing]:
        """What each replay that is not over is doing; asks no store."""
        return {one.name: self.standing(one) for one in self._open.values()}

    def standing(self, replay: Replay) -> Standing:
        """What a replay is doing, and what it waits for."""
        if replay.state != "running":
            return Standing(replay.state)
        active = self._active.get(replay.destination)
        if replay.destination not in self._targets:
            return Standing("waiting", f"destination {replay.destination!r} is not configured")
        if active is None or active.replay.number != replay.number:
            return Standing("queued", f"behind {active.replay.name}" if active else "")
        live = self._targets[replay.destination].live
        for actor in (live, active.actor):
            if actor is not None and actor.status.is_paused:
                return Standing("running", f"the destination pauses: {actor.status.reason}")
        return Standing("running")

    # --- how it goes ----------------------------------------------------------------------------------

    def _look(self, signal: Signal) -> None:
        if isinstance(signal, CursorMoved):
            for active in self._active.values():
                if active.replay.name == signal.destination and signal.floor >= active.replay.after:
                    active.is_finished = True
                    self._news.set()

    async def _advance(self) -> None:
        for active in list(self._active.values()):
            if active.is_finished:
                await self._end_actor(active.replay)
                await self._finish(active.replay, "done")
        for replay in sorted(self._open.values(), key=lambda one: one.number):
            is_free = replay.destination not in self._active and replay.destination in self._targets
            if replay.state == "running" and is_free:
                await self._start(replay)
        self._changed.set()

    async def _start(self, replay: Replay) -> None:
        state = await self._state(replay)
        if state.cursor.floor >= replay.after and not state.parked:
            await self._finish(replay, "done")
            return
        target = self._targets[replay.destination]
        live = target.live
        if live is None:
            return
        rate = Rate(replay.requests, Duration(replay.per)) if replay.requests else None
        change = readdressed(target.terms.to)

        async def recall(position: int) -> Envelope | None:
            """A parked event whose segment was trimmed: it was copied into its row before."""
            rows = await self._storage.parked(replay.name)
            kept = [row.kept for row in rows if row.position == position and row.kept]
            return change(decode_segment(kept[0])[0]) if kept else None

        actor = DeliveryActor(
            target.plugin,
            state=state,
            stream=Slice(self._stream, replay.after, selects=predicate(replay.selection), change=change),
            settle=self._storage.settle,
            policies=target.policies,
            http=self._http,
            signals=self._signals,
            clock=self._clock,
            recall=recall,
            terms=target.terms,
            replaying=Replaying(
                sender=live.sender, pace=Pace(rate, self._clock, shared=live.rate), side=live.gate.replay
            ),
        )
        self._active[replay.destination] = _Active(replay, actor)
        self._supervisor.start(actor)
        self._signals.emit(ReplayStarted(replay.destination, replay.number, state.cursor.floor, replay.after))

    async def _end_actor(self, replay: Replay) -> None:
        active = self._active.get(replay.destination)
        if active is not None and active.replay.number == replay.number:
            await self._supervisor.end(active.actor)
            del self._active[replay.destination]

    async def _finish(self, replay: Replay, state: Ending, last: Settlement | None = None) -> None:
        await self._storage.replays.move(replay.number, state, at=self._clock.now(), last=last)
        del self._open[replay.number]
        report = await self.report(replay.number)
        sums = [report.count(outcome) for outcome in ("delivered", "filtered", "dead", "expired")]
        self._signals.emit(ReplayEnded(replay.destination, replay.number, state, *sums))

    async def _last(self, replay: Replay) -> Settlement:
        """What a cancelled replay leaves: parked events end, and what it has not read is not its any more."""
        state = await self._state(replay)
        positions = [row.position for row in state.parked]
        runs = tuple(Run(one, 1, "expired", CANCELLED, 0) for one in positions)
        return Settlement(
            destination=replay.name,
            cursor=Cursor(replay.after),
            record=OutcomeRecord(self._clock.now(), runs) if runs else None,
            counts={("expired", replay.name, CANCELLED): len(positions)} if positions else {},
            unpark=positions,
        )

    async def _state(self, replay: Replay) -> DestinationState:
        states = await self._storage.destinations()
        return next(one for one in states if one.name == replay.name)

    async def _found(self, number: int) -> Replay:
        if number in self._open:
            return self._open[number]
        over = chosen(await self.reports(), number).replay
        raise RouterError(f"replay {number} is {over.state}; start another one")


def chosen(reports: list[Report], number: int) -> Report:
    """The replay with this number; raises RouterError when there is none."""
    for report in reports:
        if report.replay.number == number:
            return report
    raise RouterError(f"there is no replay {number}; `router replay list` shows them")


def unknown(name: str, known: Mapping[str, Target]) -> str:
    """What to say of a destination that is not configured."""
    near = get_close_matches(name, known, n=1, cutoff=0.6)
    remedy = f'did you mean "{near[0]}"?' if near else f"known are {', '.join(sorted(known)) or 'none'}"
    return f"there is no destination {name!r}; {remedy}"


def nothing_kept(span: Span, wanted: Wanted) -> str:
    """What to say when nothing can be replayed."""
    times = f"between {format_instant(wanted.since)} and {format_instant(wanted.until)}"
    if span.lost_events:
        return (
            f"all {span.lost_events} events received {times} are gone (positions {span.lost[0]} to "
            f"{span.lost[1] - 1}); [storage] retention says how long events are kept"
        )
    return f"no events are kept that were received {times}; `router doctor` says what is kept"
