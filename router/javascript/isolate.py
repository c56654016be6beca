"""A V8 of its own: source text goes in, text comes out, and whatever takes too long or too much is cut off.

The package `mini-racer` brings V8 as a library. Its Python side hands each call through an event loop of its own,
which costs 600 µs; so the library is called directly, with what `init_mini_racer` has declared. That is 100 µs, most
of it two changes of threads: V8 runs on a thread of its own, and the caller waits without holding Python's lock.

Promises go on after a call has returned, where V8 cannot be told to stop. So a call is always followed by another one
that waits for them; when that waits too long the whole V8 is thrown away, which always works. Some built-in functions
cannot be stopped at once either: then the thread that throws it away waits for them, and nobody else does.
"""

import ctypes
import re
import threading
import time
from collections.abc import Callable
from importlib import import_module
from queue import Empty, SimpleQueue
from typing import Any
from weakref import finalize

from router.javascript.errors import EngineMissing, LimitExceeded, ScriptFailed

PATIENCE = 10
"""So many times as long a call may take where the machine is busy with others."""
_INTEGER, _TEXT, _UNDEFINED = 3, 5, 11
_FIRST_ERROR, _OUT_OF_MEMORY, _TERMINATED = 200, 202, 204
"""Types of values, as the library numbers them."""
_FILE = "<anonymous>"
"""The name of source text that does not name itself."""
_PLACE = re.compile(rf"{_FILE}:(\d+):(\d+)")
_POINTER = re.compile(r"^( *)\^", re.MULTILINE)
_LIBRARY: list[Any] = []


def _library() -> Any:
    """The library, loaded once in a process; V8 itself allows no more."""
    if not _LIBRARY:
        try:
            package = import_module("py_mini_racer")
        except ImportError:
            raise EngineMissing(
                'JavaScript needs the extra "functions"; run: pip install "pointsman[functions]"'
            ) from None
        _LIBRARY.append(package.init_mini_racer(ignore_duplicate_init=True))
    return _LIBRARY[0]


class Isolate:
    """One V8. After LimitExceeded it is gone, and another one must be made. It is used by one thread at a time."""

    def __init__(self, *, memory: int) -> None:
        """`memory` is the size of the heap, in bytes, above which a call is cut off."""
        self._v8 = _library()
        self._memory = memory
        self._results: SimpleQueue[tuple[int, Any]] = SimpleQueue()
        self._number = 0
        """Of the latest task."""
        results = self._results
        callback = self._v8.mr_init_context.argtypes[0](lambda number, value: results.put((number, value)))
        self._context = self._v8.mr_init_context(callback)
        self._v8.mr_set_hard_memory_limit(self._context, memory)
        self._free: Callable[[], object] = finalize(self, _freed, self._v8, self._context, callback)

    def evaluate(self, source: str, *, seconds: float) -> bytes:
        """The text that `source` comes to, nothing where it is another value. Raises ScriptFailed or LimitExceeded.

        `seconds` are those in which the process computes: where the machine is busy with others it may take longer.
        """
        return self._taken(self._wait(self._begin(source), seconds))

    def take(self, source: str, *, seconds: float) -> None:
        """Remember the function that `source` comes to, for `pass_on`."""
        self._function = self._wait(self._begin(source), seconds)
        self._arguments = self._wait(self._begin("['']"), seconds)
        self._nothing = self._v8.mr_alloc_int_val(self._context, 0, _UNDEFINED)
        self._first = self._v8.mr_alloc_int_val(self._context, 0, _INTEGER)

    def pass_on(self, text: bytes, *, then: str, seconds: float) -> bytes:
        """Call that function with `text`, and evaluate `then` once its promises went on; otherwise as `evaluate`.

        A text that is passed on costs half of what it costs within a source, and is forgotten afterwards. It is
        waited for what was done before: whoever passes on something has seen the end of that.
        """
        v8, context = self._v8, self._context
        handle = v8.mr_alloc_string_val(context, text, len(text), _TEXT)
        v8.mr_free_value(context, v8.mr_set_object_item(context, self._arguments, self._first, handle))
        v8.mr_free_value(context, handle)
        self._number += 1
        call = v8.mr_call_function(context, self._function, self._nothing, self._arguments, self._number)
        return self._taken(self._wait(self._begin(then), seconds, call))

    def _begin(self, source: str) -> int:
        text = source.encode()
        self._number += 1
        handle = self._v8.mr_alloc_string_val(self._context, text, len(text), _TEXT)
        task: int = self._v8.mr_eval(self._context, handle, self._number)
        self._v8.mr_free_value(self._context, handle)
        return task

    def _wait(self, task: int, seconds: float, before: int | None = None) -> Any:
        """The value of the latest task; raises LimitExceeded when it does not come in time.

        `before` is a task that it waits for; what that comes to does not matter, unless it fails.
        """
        begun, waits_until = time.process_time(), time.monotonic() + PATIENCE * seconds
        left = seconds
        while left > 0:
            try:
                number, value = self._results.get(timeout=left)
            except Empty:
                left = min(seconds - (time.process_time() - begun), waits_until - time.monotonic())
                continue
            if number == self._number:
                return value
            if number == self._number - 1 and before is not None:
                self._taken(value)
            else:  # of a task whose caller was interrupted
                self._v8.mr_free_value(self._context, value)
        for one in (task, before):
            if one is not None:
                self._v8.mr_cancel_task(self._context, one)
        self.discard()
        raise LimitExceeded("more time than it may")

    def close(self) -> None:
        """Give everything back."""
        self._free()

    def discard(self) -> None:
        """Throw it away, whatever it is doing; nobody waits for that."""
        threading.Thread(target=self._free, name="javascript end", daemon=True).start()

    def _taken(self, value: Any) -> bytes:
        kind, contents = value.contents.type, value.contents
        is_text = kind == _TEXT or kind >= _FIRST_ERROR
        text = ctypes.string_at(contents.value.value_ptr, contents.len) if is_text else b""
        self._v8.mr_free_value(self._context, value)
        if kind < _FIRST_ERROR:
            return text
        if kind in (_OUT_OF_MEMORY, _TERMINATED) or self._v8.mr_hard_memory_limit_reached(self._context):
            self.discard()
            raise LimitExceeded(f"more memory than {self._memory >> 20} MiB")
        raise _failure(text.decode(errors="replace"))


def _failure(text: str) -> ScriptFailed:
    """Read the library's words: `<anonymous>:3: TypeError: …`, the line, a pointer to the column, and the stack."""
    found = re.match(r"([^:\n]+):(\d+): (.*)", text)
    if found is None:
        return ScriptFailed(text.split("\n")[0])
    script, line, message = found.groups()
    pointer = _POINTER.search(text)
    if script == _FILE and pointer is not None:
        return ScriptFailed(message, line=int(line), column=len(pointer[1]) + 1)
    place = _PLACE.search(text, found.end())  # thrown elsewhere: where the file called that
    return ScriptFailed(message, line=int(place[1]) if place else 0, column=int(place[2]) if place else 0)


def _freed(v8: Any, context: int, callback: object) -> None:
    v8.mr_free_context(context)
    del callback  # it must outlive the context
