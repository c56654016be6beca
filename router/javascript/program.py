"""A function: loaded once, called as often as needed, and loaded anew after a call that had to be cut off.

A call is a job. It ends with a value or with what was thrown, at once or after its promises went on; where it asks
for something with `fetch` it stands until the answer is given. Jobs stand side by side, but only one at a time goes on.
"""

import base64
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import resources
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field

from router.javascript.errors import LimitExceeded, ScriptFailed
from router.javascript.isolate import Isolate
from router.rules.json_text import replace_lone_surrogates

HANDLERS = ("onIdentify", "onTrack", "onPage", "onScreen", "onGroup", "onAlias", "onDelete", "onBatch")
LOAD_SECONDS = 2.0
MOST_TURNS = 1000
"""So often a call may wait for time to pass, or for promises of its own."""
STRIKES = 3
"""After so many calls in a row that had to be cut off, the function is left alone for a while."""
LONGEST_REST = 60.0
LIMIT, RESTING, LOST = "LimitExceeded", "Resting", "Restarted"
"""Names of what the engine throws, beside those of JavaScript."""
_NEVER = "its promise is never resolved, and nothing is left that could"
_BEHIND = "it waits for what another call has asked for; it is tried again when that may be there"


class Thrown(Struct, frozen=True):
    """What ended a job badly."""

    name: str
    message: str
    line: int = 0
    """The line of the function's file, where it is known."""

    def __str__(self) -> str:
        place = f" (line {self.line})" if self.line else ""
        return f"{self.name}: {self.message}{place}"


class Ended(Struct, frozen=True):
    """How a job ended."""

    value: Raw | None = None
    """What was returned, as JSON; None for nothing."""
    error: Thrown | None = None
    console: str = ""
    """What was written to the console just before."""


class Fetch(Struct, frozen=True):
    """A request that a job waits for."""

    number: int
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes


class Job(Struct):
    """A call that goes on."""

    number: int
    fetches: deque[Fetch] = field(default_factory=deque)
    """What is to be sent."""
    ended: Ended | None = None
    is_told: bool = False
    """Whether its end was told from within; otherwise what it left there has to be taken away."""


class _Out(Struct):
    job: int
    value: Raw | UnsetType = UNSET
    error: Thrown | UnsetType = UNSET
    fetch: int = 0
    method: str = ""
    url: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    body: str = ""
    is_base64: bool = field(name="isBase64", default=False)


class _Told(Struct):
    out: list[_Out]
    open: int
    passed: bool
    """Whether somebody who waited for time to pass went on; what comes of that is not told yet."""
    console: str


_decode = msgspec.json.Decoder(_Told).decode
_encode = msgspec.json.encode
_DRAIN = "__pointsman.drain()"
_NAMED = "\n//# sourceURL=pointsman"
"""So that a line that is said is one of the function's own file."""
_RUNTIME = resources.files("router.javascript").joinpath("runtime.js")


class Program:
    """One function file with its settings. The constructor raises PluginError when it cannot be loaded."""

    def __init__(
        self,
        code: str,
        *,
        name: str = "",
        settings: Mapping[str, Any] | None = None,
        seconds: float = 0.25,
        memory: int = 64 << 20,
        fetch_refused: str | None = None,
        handlers: Sequence[str] = HANDLERS,
        around: str = "",
        now: Callable[[], float] = time.monotonic,
    ) -> None:
        """`name` is the file's; `seconds` and `memory` limit a call; `fetch_refused` says why there is no
        `fetch` in what `call_all` calls.

        `handlers` are the names that are called. `around` is more of what the function finds around itself: a script
        that comes to a function, which is given the handlers.
        """
        self._code = code
        self._name = name
        self._settings = settings or {}
        self._seconds = seconds
        self._memory = memory
        self._fetch_refused = fetch_refused
        self._names = handlers
        self._around = around
        self._now = now
        self._isolate: Isolate | None = None
        self._jobs: dict[int, Job] = {}
        self._number = 0
        self._strikes = 0
        self._rests_until = 0.0
        self.handlers = self._load()
        """The handlers that it has."""

    def call_all(self, handler: str, arguments: Sequence[bytes]) -> list[Ended]:
        """Call `handler` with each argument, all in one go. A limit that is exceeded harms only whose fault it is."""
        try:
            return self._called(handler, arguments)
        except LimitExceeded as error:
            self._drop()
            if len(arguments) > 1:
                return [self.call_all(handler, [one])[0] for one in arguments]
            return [self._struck(error)]

    def start(self, handler: str, argument: bytes) -> Job:
        """Begin to call `handler`; the job has ended, or has something to fetch."""
        job = Job(self._number)
        self._jobs[job.number] = job
        self._number += 1
        if rests := self._rest():
            job.ended = Ended(error=rests)
        else:
            self._advance(job, _line(b"start", job.number, handler, [argument]))
        return job

    def answer(self, job: Job, fetch: Fetch, *, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Give the answer to something that was fetched; the job has ended then, or has more to fetch."""
        if job.ended is None:
            given = {"status": status, "headers": headers, "body": body.decode(errors="replace")}
            self._advance(job, b"answer %d\n%b" % (fetch.number, _encode(given)))

    def stop(self, job: Job) -> None:
        """Nobody waits for `job` any longer."""
        if self._jobs.pop(job.number, None) is not None and not job.is_told and self._isolate is not None:
            try:
                self._isolate.evaluate(f"__pointsman.stop({job.number})", seconds=self._seconds)
            except LimitExceeded:
                self._drop()

    def close(self) -> None:
        """Give everything back."""
        isolate, self._isolate = self._isolate, None
        if isolate is not None:
            isolate.close()

    # --- calls ----------------------------------------------------------------------------------------

    def _called(self, handler: str, arguments: Sequence[bytes]) -> list[Ended]:
        if rests := self._rest():
            return [Ended(error=rests)] * len(arguments)
        first = self._number
        self._number += len(arguments)
        ends: dict[int, Ended] = {}
        for told in self._turned(_line(b"call", first, handler, arguments)):
            for one in told.out:
                ends[one.job] = _end(one, told)
            if len(ends) == len(arguments) and not told.passed:
                break
        self._strikes = 0
        never = Ended(error=Thrown("Error", _NEVER), console=told.console)
        if told.open:
            self._drop()  # what never ends would be counted as open for ever
        return [ends.get(number, never) for number in range(first, first + len(arguments))]

    def _advance(self, job: Job, text: bytes) -> None:
        try:
            for told in self._turned(text):
                self._take(told)
                if (job.ended is not None or job.fetches) and not told.passed:
                    break
        except LimitExceeded as error:
            self._drop()
            job.ended = self._struck(error)
            return
        self._strikes = 0
        if job.ended is None and not job.fetches:
            others = any(other.ended is None for other in self._jobs.values() if other is not job)
            thrown = Thrown(LOST, _BEHIND) if others else Thrown("Error", _NEVER)
            job.ended = Ended(error=thrown, console=told.console)

    def _turned(self, text: bytes) -> Iterator[_Told]:
        """What is told after `text` was fed, and then after each turn, until nothing moves any more."""
        if self._isolate is None:
            self._load()
        assert self._isolate is not None  # it was loaded
        told = _read(self._isolate.pass_on(text, then=_DRAIN, seconds=self._seconds))
        yield told
        idle = 0
        for _ in range(MOST_TURNS):
            told = _read(self._isolate.evaluate(_DRAIN, seconds=self._seconds))
            idle = 0 if told.out or told.passed else idle + 1
            if idle == 2:
                return
            yield told
        raise LimitExceeded("more waiting than it may")

    def _take(self, told: _Told) -> None:
        for one in told.out:
            job = self._jobs.get(one.job)
            if job is None:
                continue
            if one.fetch:
                body = base64.b64decode(one.body) if one.is_base64 else one.body.encode(errors="replace")
                job.fetches.append(Fetch(one.fetch, one.method, one.url, one.headers, body))
            else:
                job.ended, job.is_told = _end(one, told), True

    # --- limits ---------------------------------------------------------------------------------------

    def _rest(self) -> Thrown | None:
        left = self._rests_until - self._now()
        if left <= 0:
            return None
        return Thrown(
            RESTING, f"{self._strikes} calls in a row had to be cut off; it is tried again in {left:.0f} s"
        )

    def _struck(self, error: LimitExceeded) -> Ended:
        self._strikes += 1
        if self._strikes >= STRIKES:
            self._rests_until = self._now() + min(LONGEST_REST, 2.0 ** (self._strikes - STRIKES))
        return Ended(error=Thrown(LIMIT, f"it took {error}, and was cut off"))

    def _drop(self) -> None:
        """The engine is gone, and with it every job that stood in it."""
        isolate, self._isolate = self._isolate, None
        if isolate is not None:
            isolate.discard()
        for job in self._jobs.values():
            if job.ended is None:
                job.ended = Ended(
                    error=Thrown(LOST, "another call of the function had to be cut off meanwhile")
                )

    # --- loading --------------------------------------------------------------------------------------

    def _load(self) -> frozenset[str]:
        isolate = Isolate(memory=self._memory)
        there = ",".join(f'"{one}":typeof {one}==="function"&&{one}' for one in self._names)
        settings = _encode(_encode(self._settings).decode()).decode()
        lines = (
            f"const __pointsman={_RUNTIME.read_text(encoding='utf-8')}{_NAMED}",
            f"__pointsman.around={self._around or '() => {}'}{_NAMED}",
            self._code,
            f"const __handlers={{{there}}};__pointsman.around(__handlers)",
            f"__pointsman.setUp({_encode(self._fetch_refused).decode()},__handlers,JSON.parse({settings}))",
        )
        try:
            for line in lines:
                isolate.evaluate(line, seconds=LOAD_SECONDS)
            named = isolate.evaluate(
                "Object.keys(__handlers).filter((one)=>__handlers[one]).join()", seconds=LOAD_SECONDS
            )
            isolate.take("__pointsman.feed", seconds=LOAD_SECONDS)
        except ScriptFailed as error:
            isolate.close()
            place = f"{self._name or 'code'}:{error.line}:{error.column}"
            raise ScriptFailed(f"{place}: {error}", line=error.line, column=error.column) from None
        except LimitExceeded as error:
            raise LimitExceeded(f"{self._name or 'code'}: it took {error} to load") from None
        self._isolate = isolate
        return frozenset(name for name in named.decode().split(",") if name)


def _line(what: bytes, first: int, handler: str, arguments: Sequence[bytes]) -> bytes:
    return b"%b %d %b\n[%b]" % (what, first, handler.encode(), b",".join(arguments))


def _read(text: bytes) -> _Told:
    return _decode(replace_lone_surrogates(text))


def _end(one: _Out, told: _Told) -> Ended:
    if not isinstance(one.error, UnsetType):
        return Ended(error=one.error, console=told.console)
    value = None if isinstance(one.value, UnsetType) or bytes(one.value) == b"null" else one.value
    return Ended(value=value, console=told.console)
