"""Runs foreign code on the loop's thread in such a way that the watchdog can interrupt it, and nothing else.

The watchdog's thread raises an exception in the loop's thread. It may do so only while foreign code runs there: entry
and exit are marked, and under one lock the exit takes back an exception that was raised but has not arrived yet. One
that arrives during the exit itself is caught there. So it never reaches code of the engine.
"""

import ctypes
import sys
import threading
from collections.abc import Callable, Coroutine, Generator
from types import FrameType
from typing import Any, Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")
_raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc


class Interrupted(BaseException):
    """The watchdog interrupts foreign code. Not an Exception, so that an `except Exception` does not swallow it."""


class ForeignCodeBlocked(Exception):
    """Foreign code held the loop and was interrupted; the message says where."""


class ForeignCodeExited(Exception):
    """Foreign code called `sys.exit`, which would end the process from within a task."""


class Foreign(Struct, frozen=True):
    """Whose code it is."""

    owner: str
    """What it works for, e.g. the name of a destination."""
    kind: str
    """Which plugin."""
    file: str
    """Where its code stands."""


class Guard:
    """Marks what runs on the thread that makes it, the loop's. Foreign code does not nest: a marked call runs to its
    end, or to its `await`."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread = threading.get_ident()
        self._entry = 0
        self._running: Foreign | None = None
        self._where = ""

    def run(self, foreign: Foreign, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call `function`; raises ForeignCodeBlocked when it was interrupted, ForeignCodeExited when it gave up all."""
        try:
            try:
                self._where = ""
                self._entry += 1
                self._running = foreign
                return function(*arguments)
            finally:
                self._leave()
        except Interrupted:
            self._leave()  # the first one may be what was interrupted
            raise ForeignCodeBlocked(self._where) from None
        except SystemExit as error:
            raise ForeignCodeExited(f"it called sys.exit({error.code!r}); raise an error instead") from None

    @property
    def running(self) -> tuple[int, Foreign | None]:
        """What runs now, with a number that is another for every call."""
        return self._entry, self._running

    def interrupt(self, entry: int) -> str:
        """Interrupt the call with this number; return the line it was at, or nothing when it is over."""
        with self._lock:
            foreign = self._running
            if foreign is None or self._entry != entry:
                return ""
            self._where = _line(sys._current_frames().get(self._thread), foreign.file)
            _raise_in_thread(ctypes.c_ulong(self._thread), ctypes.py_object(Interrupted))
            return self._where

    def _leave(self) -> None:
        with self._lock:
            self._running = None
            if self._where:
                _raise_in_thread(ctypes.c_ulong(self._thread), None)


class Guarded(Generic[T]):
    """Awaits a foreign coroutine, each of its steps under the guard: `await Guarded(guard, foreign, coroutine)`."""

    def __init__(self, run: Callable[..., Any], coroutine: Coroutine[Any, Any, T]) -> None:
        self._run = run
        self._coroutine = coroutine
        self.is_over = False
        """When set, the next cancellation ends the coroutine, also one that swallows cancellations."""

    def __await__(self) -> Generator[Any, Any, T]:
        coroutine, run = self._coroutine, self._run
        step: Callable[[Any], Any] = coroutine.send
        value: Any = None
        try:
            while True:
                try:
                    wish = run(step, value)
                except StopIteration as end:
                    result: T = end.value
                    return result
                try:
                    value = yield wish
                    step = coroutine.send
                except (
                    BaseException
                ) as error:  # a failed future, or the task is cancelled: the coroutine decides
                    step, value = coroutine.throw, error
                    if isinstance(error, GeneratorExit) or self.is_over:
                        raise
        finally:
            coroutine.close()


def _line(frame: FrameType | None, file: str) -> str:
    """The innermost line in `file`, else the innermost of all."""
    innermost = frame
    while frame is not None and frame.f_code.co_filename != file:
        frame = frame.f_back
    frame = frame or innermost
    return f"{frame.f_code.co_filename}:{frame.f_lineno} in {frame.f_code.co_name}" if frame else "unknown"
