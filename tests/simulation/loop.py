"""An event loop in which time leaps: nothing waits for real, and nothing runs on another thread.

When nobody can run, the loop's clock jumps to the next timer. What asyncio would run on a thread runs on the loop, in
one piece, a moment later. So a program's steps depend on the program alone, and an hour takes as long as what happens
in it. There are no sockets: whoever opens one fails.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
MOST_STEPS = 200_000
"""So many steps without a moment passing mean that somebody runs in circles."""


class StandsStill(Exception):
    """Nobody can run and nothing is due: whoever waits would wait for ever."""


class RunsInCircles(Exception):
    """Somebody keeps the loop busy and no time passes."""


class _Leap:
    """Stands where the loop looks for sockets: instead of waiting it moves the loop's clock."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        self._loop.leap(timeout)
        return []


class VirtualLoop(asyncio.BaseEventLoop):
    """A loop that begins at `start` seconds and whose time is free."""

    def __init__(self, start: float = 0.0) -> None:
        super().__init__()
        self._now = start
        self._steps = 0
        self._tasks_made = 0
        self._selector = _Leap(self)
        self.complaints: list[str] = []
        """What a real loop would log: exceptions that nobody looked at."""
        self.set_exception_handler(lambda _, context: self.complaints.append(_complaint(context)))

    def time(self) -> float:
        """Seconds, as far as they were leapt."""
        return self._now

    def leap(self, timeout: float | None) -> None:
        """Let `timeout` seconds pass at once; None says that nothing is due."""
        if timeout is None:
            raise StandsStill("nobody can run and no timer is due")
        if timeout > 0:
            self._now += timeout
            self._steps = 0
            return
        self._steps += 1
        if self._steps > MOST_STEPS:
            self._steps = 0  # those who end the others may step again
            raise RunsInCircles(f"{MOST_STEPS} steps at {self._now:.3f} s")

    def create_task(self, coro: Any, *, name: object = None, context: Any = None) -> "asyncio.Task[Any]":
        """Make a task; one without a name is named by its number, so that names tell in which order to end them."""
        self._tasks_made += 1
        return super().create_task(coro, name=name or f"task {self._tasks_made:09}", context=context)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":  # type: ignore[override]
        """Run `func` on the loop, in one piece, at its next step."""
        future: asyncio.Future[T] = self.create_future()

        def run() -> None:
            if future.cancelled():
                return
            try:
                future.set_result(func(*args))
            except Exception as error:
                future.set_exception(error)

        self.call_soon(run)
        return future

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """There are no other threads."""
        return self.call_soon(callback, *args, context=context)

    def run(self, main: Coroutine[Any, Any, T]) -> T:
        """Run `main` to its end, then end whatever it left behind."""
        try:
            return self.run_until_complete(main)
        finally:
            self.end_tasks()

    def end_tasks(self) -> None:
        """Cancel every task, in the order of their names, until there is none."""
        while left := sorted(asyncio.all_tasks(self), key=lambda task: task.get_name()):
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.wait(left))

    def _process_events(self, event_list: list[Any]) -> None:
        """There are no sockets to have events."""


def _complaint(context: dict[str, Any]) -> str:
    error, future = context.get("exception"), context.get("future") or context.get("task")
    name = f" in {future.get_coro().__qualname__}" if isinstance(future, asyncio.Task) else ""
    return (
        f"{context['message']}{name}: {type(error).__name__}: {error}" if error else str(context["message"])
    )
