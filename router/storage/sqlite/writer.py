"""The one writer: every transaction of the store is a turn of it.

A turn takes everything that waits; the next one gathers while it commits, and there is no timer. A turn runs on the
connection's thread and is never cancelled: who waits for it may go away, the others do not notice.

The WAL is checkpointed passively between turns, when idle or above 16 MiB, and is never truncated: writing over its
blocks is faster than appending to it.
"""

import asyncio
import os
import sqlite3
from collections import Counter, deque
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from msgspec import Struct

from router.errors import StorageError, StoreUnavailable
from router.storage.entry import Entry
from router.storage.sqlite.connection import Connection
from router.storage.sqlite.expired import Ranges
from router.storage.sqlite.health import Health
from router.storage.sqlite.schema import PAGE_SIZE
from router.storage.sqlite.statements import State
from router.storage.sqlite.turn import Desk, Done, Failed, Work, run_turn
from router.storage.store import Commit, Counts, Settlement

T = TypeVar("T")
WAL_BYTES = 16 << 20
IDLE_SECONDS = 1.0
PROBE_SECONDS = 5.0
SMALL_STEPS = 32
SMALL_BYTES = 2 << 20
"""So many small steps one turn takes, and so much of what they write: a few milliseconds."""


class _Waiting(Struct):
    """A part of a turn and who waits for it."""

    part: Any
    done: "asyncio.Future[Any]"
    then: Callable[[Any], None] | None = None
    size: int = 0


class Writer:
    """Gathers parts into turns and runs one turn after another."""

    def __init__(
        self, connection: Connection, path: Path, health: Health, expired: Mapping[str, Ranges],
        *, fault: Callable[[str], None],
    ) -> None:  # fmt: skip
        self._connection = connection
        self._wal = path.with_name(path.name + "-wal")
        self._health = health
        self._desk = Desk(lambda state: health.admit(state, self.wal_excess), expired, fault)
        self._appends: list[_Waiting] = []
        self._commits: deque[_Waiting] = deque()
        self._settlements: list[_Waiting] = []
        self._steps: deque[_Waiting] = deque()
        self._small: deque[_Waiting] = deque()
        self._is_running = False
        self._timer: asyncio.TimerHandle | None = None
        self._probe: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._is_closing = False
        self._checkpoint_at = WAL_BYTES
        self._reset = asyncio.Event()
        self.wal_bytes = 0
        """About what lies in the WAL and was not moved into the file."""
        self.state: State
        """What the last turn left; for facts and decisions that need not be exact."""

    def append(self, entries: Sequence[Entry], counts: Counts) -> "asyncio.Future[int]":
        """Have `entries` written by the next turn; the position of the first event."""
        return self._add(self._appends, (entries, counts))

    def commit(self, commit: Commit, then: Callable[[bool], None]) -> "asyncio.Future[bool]":
        """Have a processing step written; False on a conflict. `then` is called before the next turn begins."""
        return self._add(self._commits, commit, then)

    def settle(self, settlements: Sequence[Settlement]) -> "asyncio.Future[None]":
        """Have settlements written by the next turn."""
        return self._add(self._settlements, settlements)

    def step(
        self, step: Callable[[sqlite3.Connection, State], T], then: Callable[[T], None] | None = None
    ) -> "asyncio.Future[T]":
        """Have a bounded step of upkeep run; one a turn. `then` is called before the next turn begins."""
        return self._add(self._steps, step, then)

    def small(self, step: Callable[[sqlite3.Connection, State], T], *, size: int = 0) -> "asyncio.Future[T]":
        """Have a step of a few rows run by the next turn; many share one. `size` is what it writes, in bytes."""
        return self._add(self._small, step, size=size)

    def start(self, state: State) -> None:
        """Begin with what the file holds."""
        self.state = state
        self._kick()
        if self._health.trouble:
            self._look_again()

    async def close(self) -> None:
        """Run the turns that wait, then stop; what comes later is refused."""
        self._is_closing = True
        while self._is_running or self._has_work:
            self._idle.clear()
            await self._idle.wait()
        for timer in (self._timer, self._probe):
            if timer is not None:
                timer.cancel()

    async def wait_for_checkpoint(self) -> None:
        """Return after the next checkpoint."""
        await self._reset.wait()

    def checkpoint_soon(self) -> None:
        """Checkpoint at the next chance, however small the WAL is."""
        self._checkpoint_at = 0
        self._kick()

    def _add(
        self, queue: Any, part: Any, then: Callable[[Any], None] | None = None, *, size: int = 0
    ) -> "asyncio.Future[Any]":
        waiting = _Waiting(part, asyncio.get_running_loop().create_future(), then, size)
        if self._is_closing:
            waiting.done.set_exception(StoreUnavailable("the store is closed"))
            return waiting.done
        queue.append(waiting)
        self._kick()
        return waiting.done

    @property
    def wal_excess(self) -> int:
        """What the WAL takes beyond its ordinary size; it counts against the budgets."""
        return max(0, self.wal_bytes - WAL_BYTES)

    @property
    def _has_work(self) -> bool:
        return bool(self._appends or self._commits or self._settlements or self._steps or self._small)

    def _kick(self) -> None:
        if self._is_running:
            return
        if self.wal_bytes > self._checkpoint_at or (self._checkpoint_at == 0 and self.wal_bytes):
            self._run(_checkpoint, self._checkpointed)
        elif self._has_work:
            self._start_turn()
        else:
            self._idle.set()
            if self._timer is None and self.wal_bytes > 1 << 20:
                self._timer = asyncio.get_running_loop().call_later(IDLE_SECONDS, self._rest)

    def _rest(self) -> None:
        self._timer = None
        if not self._is_running and not self._has_work and not self._is_closing:
            self.checkpoint_soon()

    def _run(
        self, function: Callable[[sqlite3.Connection], T], then: Callable[["asyncio.Future[T]"], None]
    ) -> None:
        self._is_running = True
        self._connection.submit(function).add_done_callback(then)

    def _start_turn(self) -> None:
        appends, self._appends = self._appends, []
        commit = self._commits.popleft() if self._commits else None
        settlements, self._settlements = self._settlements, []
        step = self._steps.popleft() if self._steps else None
        small = self._take_small()
        entries = (
            appends[0].part[0] if len(appends) == 1 else [one for each in appends for one in each.part[0]]
        )
        counts: Counter[tuple[str, ...]] = Counter()
        for waiting in appends:
            counts.update(waiting.part[1])
        work = Work(
            entries, counts, commit.part if commit else None,
            [one for each in settlements for one in each.part], step.part if step else None,
            [one.part for one in small], sum([one.size for one in small]),
        )  # fmt: skip
        finish = partial(self._finished, work, appends, commit, settlements, step, small)
        self._run(partial(self._turn, work), finish)

    def _take_small(self) -> list[_Waiting]:
        taken: list[_Waiting] = []
        size = 0
        while self._small and len(taken) < SMALL_STEPS and size < SMALL_BYTES:
            taken.append(self._small.popleft())
            size += taken[-1].size
        return taken

    def _turn(self, work: Work, database: sqlite3.Connection) -> Done:
        if self._health.is_broken:
            self._connection.reopen()
            return run_turn(self._connection.raw, work, self._desk)
        return run_turn(database, work, self._desk)

    def _finished(
        self,
        work: Work,
        appends: list[_Waiting],
        commit: _Waiting | None,
        settlements: list[_Waiting],
        step: _Waiting | None,
        small: list[_Waiting],
        turn: "asyncio.Future[Done]",
    ) -> None:
        self._is_running = False
        try:
            self._take_result(work, appends, commit, settlements, step, small, turn)
        finally:
            self._kick()

    def _take_result(
        self,
        work: Work,
        appends: list[_Waiting],
        commit: _Waiting | None,
        settlements: list[_Waiting],
        step: _Waiting | None,
        small: list[_Waiting],
        turn: "asyncio.Future[Done]",
    ) -> None:
        error = turn.exception()
        if error is not None:
            steps = [step] if step else []
            self._failed(error, appends, [commit] if commit else [], settlements, steps, small)
        else:
            done = turn.result()
            self._health.is_broken = False
            self.state = done.state
            self.wal_bytes = min(self.wal_bytes + done.written, self._file_size())
            self._answer_appends(done, appends)
            for waiting, value in ((commit, done.is_committed), (step, done.step)):
                if waiting is not None:
                    self._answer(waiting, value)
            for waiting in settlements:
                self._answer(waiting, done.settled)
            for waiting, value in zip(small, done.small, strict=True):
                self._answer(waiting, value)
            if done.refusal is None and (work.entries or not self._health.is_refusing):
                self._health.succeeded()

    def _failed(
        self,
        error: BaseException,
        appends: list[_Waiting],
        commits: list[_Waiting],
        settlements: list[_Waiting],
        steps: list[_Waiting],
        small: list[_Waiting],
    ) -> None:
        """Fail a turn; on a disk that was not known to be full, what the ballast is for is tried once more."""
        was_full = self._health.is_full
        known = isinstance(error, sqlite3.Error | OSError | StorageError)
        failure = self._health.failed(error) if known else error
        self._look_again()
        if self._health.is_full and not was_full:
            self._commits.extendleft(commits)
            self._settlements[:0] = settlements
            self._steps.extendleft(steps)
            self._small.extendleft(reversed(small))
        else:
            appends = [*appends, *commits, *settlements, *steps, *small]
        for waiting in appends:
            if not waiting.done.done():
                waiting.done.set_exception(failure)

    def _answer_appends(self, done: Done, appends: list[_Waiting]) -> None:
        position = done.first
        for waiting in appends:
            entries = waiting.part[0]
            if done.refusal is not None:
                self._answer(waiting, Failed(done.refusal))
            elif not waiting.done.done():
                waiting.done.set_result(position)
            position += sum([entry.events for entry in entries])
        if done.refusal is not None:
            self._health.refused(done.refusal)
            self._look_again()

    def _answer(self, waiting: _Waiting, value: Any) -> None:
        if waiting.then is not None and not isinstance(value, Failed):
            waiting.then(value)
        if waiting.done.done():
            return
        if isinstance(value, Failed):
            error = value.error
            is_ours = isinstance(error, StorageError)
            waiting.done.set_exception(error if is_ours else StoreUnavailable(f"the store answered: {error}"))
        else:
            waiting.done.set_result(value)

    def _look_again(self) -> None:
        if self._probe is None and not self._is_closing:
            self._probe = asyncio.get_running_loop().call_later(PROBE_SECONDS, self.probe)

    def probe(self) -> None:
        """Try whether the trouble is over, and go on trying until it is."""
        if self._probe is not None:
            self._probe.cancel()
            self._probe = None
        if not self._health.trouble or self._is_closing:
            return
        if self._health.has_room_again():
            self.step(_nothing).add_done_callback(self._probed)
        else:
            self._look_again()

    def _probed(self, probe: "asyncio.Future[None]") -> None:
        if probe.exception() is None and self._health.admit(self.state, self.wal_excess) is None:
            self._health.succeeded()
        if self._health.trouble:
            self._look_again()

    def _checkpointed(self, checkpoint: "asyncio.Future[tuple[int, int]]") -> None:
        self._is_running = False
        if checkpoint.exception() is not None:  # the next turn meets the same disk and says so
            self._checkpoint_at = self.wal_bytes + WAL_BYTES
        else:
            frames, moved = checkpoint.result()
            is_reset = frames == moved
            self.wal_bytes = 0 if is_reset else frames * PAGE_SIZE
            self._checkpoint_at = WAL_BYTES if is_reset else max(WAL_BYTES, self.wal_bytes + (4 << 20))
            if not is_reset and self._timer is None and not self._is_closing:
                self._timer = asyncio.get_running_loop().call_later(0.05, self._rest)
        reset, self._reset = self._reset, asyncio.Event()
        reset.set()
        self._kick()

    def _file_size(self) -> int:
        try:
            return os.stat(self._wal).st_size
        except OSError:
            return 0


def _checkpoint(database: sqlite3.Connection) -> tuple[int, int]:
    _, frames, moved = database.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()
    return frames, moved


def _nothing(database: sqlite3.Connection, state: State) -> None:
    """A step that only proves that a transaction commits: the row of `store` is written by every turn."""
