"""Signals in words: one log line for each happening that an operator should know of.

debug is for us; info says that the operator's own action took effect; warning, that something unexpected will recover
and nothing is lost; error, that someone must act. A line that repeats is folded: the first is written at once, the
others of the next ten seconds as one line with `repeated`.
"""

import logging
import re
import sys
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Literal, Protocol, TextIO

import structlog
from msgspec import Struct
from msgspec.structs import asdict

from router.telemetry import happenings as h
from router.telemetry import side_happenings as side
from router.telemetry.signals import Signal

Level = Literal["debug", "info", "warning", "error"]
FOLD_SECONDS = 10.0
FOLDED_KINDS = 500
"""Most different lines that wait folded; the oldest is written when there are more."""

_LEVELS: dict[type[Signal], Level] = {
    h.RouterStarted: "info",
    h.RouterStopping: "info",
    h.ActorRestarted: "warning",
    h.ConfigReloaded: "info",
    h.ReloadRefused: "error",
    h.ConfigUnwatched: "warning",
    h.LoopBlocked: "warning",
    h.RequestAnswered: "info",
    h.MembersRefused: "info",
    h.SourceFailed: "warning",
    h.SourceWaiting: "warning",
    h.SourceStopped: "error",
    h.CursorLeftOut: "warning",
    side.LaneLeftOut: "error",
    side.SideEntrySetAside: "error",
    h.StoreOpened: "info",
    h.StoreTroubled: "error",
    h.StoreRecovered: "info",
    h.SegmentSetAside: "error",
    h.BudgetWarned: "warning",
    h.EventsBlocked: "debug",
    h.EventsGivenUp: "error",
    h.FieldsFound: "warning",
    h.EnrichmentFailed: "warning",
    h.BatchFailed: "warning",
    h.DestinationPaused: "warning",
    h.DestinationResumed: "info",
    h.EventsDied: "error",
    h.DestinationLeftOut: "error",
    h.DestinationReturned: "warning",
    h.DestinationRetired: "info",
    h.FailureLinesLost: "warning",
    h.ConservationBroken: "error",
    h.ConservationRestored: "info",
    h.ProfileEdited: "info",
    h.ReplayStarted: "info",
    h.ReplayEnded: "info",
    h.BackfillStarted: "info",
    h.PluginMisbehaved: "error",
    h.PluginHeld: "error",
}
_CREDENTIALS = frozenset({"credentials", "unauthorized", "401", "403"})
_SUMS = frozenset({"events", "requests", "count"})
"""Facts that are added up in a folded line."""
_SAME = (str, bool)
"""Facts of these types tell one folded line from another; numbers do not, but for the status."""


class Logger(Protocol):
    """What log lines are given to: structlog's loggers are such, and so is what an embedding program injects."""

    def debug(self, event: str, **facts: Any) -> Any:
        """Write a line for the router's own developers."""

    def info(self, event: str, **facts: Any) -> Any:
        """Write that something took effect."""

    def warning(self, event: str, **facts: Any) -> Any:
        """Write that something unexpected happened and will recover."""

    def error(self, event: str, **facts: Any) -> Any:
        """Write that someone must act."""


class _Fold(Struct):
    until: float
    level: Level
    facts: dict[str, Any]
    repeated: int = 0


class LogObserver:
    """Observes signals and writes them to `logger`: `signals.observe(LogObserver(logger))`."""

    def __init__(self, logger: Logger, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._logger = logger
        self._clock = clock
        self._folds: OrderedDict[tuple[Any, ...], _Fold] = OrderedDict()

    def __call__(self, signal: Signal) -> None:
        """Write the line of `signal`, or fold it into one that was just written."""
        now = self._clock()
        while self._folds and next(iter(self._folds.values())).until <= now:
            self._unfold()
        level, facts = level_of(signal), facts_of(signal)
        event = event_name(type(signal))
        if level == "debug":
            self._logger.debug(event, **facts)
            return
        key = (
            event,
            *((name, one) for name, one in facts.items() if isinstance(one, _SAME) or name == "status"),
        )
        fold = self._folds.get(key)
        if fold is None:
            self._write(event, level, facts)
            self._folds[key] = _Fold(now + FOLD_SECONDS, level, {})
            if len(self._folds) > FOLDED_KINDS:
                self._unfold()
            return
        sums = {name: fold.facts.get(name, 0) + facts[name] for name in _SUMS & facts.keys()}
        fold.facts = {**facts, **sums}
        fold.repeated += 1

    def flush(self) -> None:
        """Write what is still folded; call it when the router has stopped."""
        while self._folds:
            self._unfold()

    def _unfold(self) -> None:
        (event, *_), fold = self._folds.popitem(last=False)
        if fold.repeated:
            self._write(event, fold.level, {**fold.facts, "repeated": fold.repeated})

    def _write(self, event: str, level: Level, facts: dict[str, Any]) -> None:
        getattr(self._logger, level)(event, **facts)


def event_name(kind: type[Signal]) -> str:
    """The name of a signal in a log: `DestinationPaused` is `destination_paused`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", kind.__name__).lower()


def level_of(signal: Signal) -> Level:
    """How serious a signal is; one that is not listed, as a plugin's own may be, is for developers."""
    if isinstance(signal, h.DestinationPaused) and signal.reason in _CREDENTIALS:
        return "error"  # it does not recover by itself: someone must mend the credentials
    if isinstance(signal, h.RequestAnswered) and signal.status >= 500:
        return "warning"
    if isinstance(signal, side.WebhookFailed):
        return "error" if signal.is_over else "warning"
    return _LEVELS.get(type(signal), "debug")


def facts_of(signal: Signal) -> dict[str, Any]:
    """What is logged of a signal: names, counts and reasons, never what a customer sent."""
    if isinstance(signal, h.MembersRefused):
        reasons = ",".join(sorted({reason for _, reason in signal.refused}))
        return {"source": signal.source, "events": len(signal.refused), "reasons": reasons}
    if isinstance(signal, h.EventsBlocked):
        sources = ",".join(sorted({one.source for one in signal.events}))
        reasons = ",".join(sorted({one.reason for one in signal.events}))
        return {"sources": sources, "events": len(signal.events), "reasons": reasons}
    if isinstance(signal, h.FieldsFound):
        return {"count": len(signal.paths), "remedy": "see router privacy inbox"}
    if isinstance(signal, side.WebhookFailed):
        return {"source": signal.source, "reason": signal.reason, "attempts": signal.attempts, "requests": 1}
    if isinstance(signal, h.ReloadRefused):
        return {"problems": " | ".join(signal.problems)}
    if isinstance(signal, h.ConfigReloaded):  # names as text, so that no two different reloads are folded
        facts = asdict(signal)
        named = {name: ", ".join(one) for name, one in facts.items() if isinstance(one, tuple) and one}
        return {**named, "unchanged": signal.unchanged}
    return asdict(signal)


def make_logger(format: str, level: str, *, stream: TextIO | None = None) -> Any:
    """A logger that writes lines of `format` ("console" or "json") from `level` on to `stream` (standard error)."""
    stream = stream or sys.stderr
    last: list[Any]
    if format == "json":
        last = [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    else:
        last = [structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0)]
    return structlog.wrap_logger(
        structlog.PrintLogger(stream),
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            *last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(getattr(logging, level.upper())),
        cache_logger_on_first_use=False,
    )


class LibraryLines(logging.Handler):
    """Hands what libraries log with Python's own `logging` to the router's logger."""

    def __init__(self, logger: Logger) -> None:
        super().__init__(level=logging.INFO)
        self._logger = logger

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record as a line `library_logged`."""
        write = self._logger.info
        if record.levelno >= logging.WARNING:
            write = self._logger.error if record.levelno >= logging.ERROR else self._logger.warning
        facts = {"exc_info": record.exc_info} if record.exc_info else {}
        write("library_logged", library=record.name, message=record.getMessage(), **facts)
