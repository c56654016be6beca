"""Signals become log lines: named, weighed, folded, and without anything that a customer sent."""

import io
import json
import logging
from typing import Any

import pytest

from router.telemetry import happenings
from router.telemetry.happenings import (
    BatchDelivered,
    BatchFailed,
    DestinationPaused,
    EventsDied,
    MembersRefused,
    RequestAnswered,
    RouterStarted,
    StoreTroubled,
)
from router.telemetry.logs import LibraryLines, LogObserver, event_name, level_of, make_logger
from router.telemetry.signals import Signal


class Lines:
    """A logger that keeps what it is given."""

    def __init__(self) -> None:
        self.written: list[tuple[str, str, dict[str, Any]]] = []

    def debug(self, event: str, **facts: Any) -> None:
        self.written.append(("debug", event, facts))

    def info(self, event: str, **facts: Any) -> None:
        self.written.append(("info", event, facts))

    def warning(self, event: str, **facts: Any) -> None:
        self.written.append(("warning", event, facts))

    def error(self, event: str, **facts: Any) -> None:
        self.written.append(("error", event, facts))


class HandClock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def lines() -> Lines:
    return Lines()


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def observer(lines: Lines, clock: HandClock) -> LogObserver:
    return LogObserver(lines, clock=clock)


def test_a_line_has_the_name_of_its_signal_and_its_facts(observer: LogObserver, lines: Lines) -> None:
    observer(DestinationPaused("crm", "503", 2.5))

    assert lines.written == [
        ("warning", "destination_paused", {"destination": "crm", "reason": "503", "seconds": 2.5})
    ]


@pytest.mark.parametrize(
    ("signal", "level"),
    [
        (RouterStarted("http://x"), "info"),
        (StoreTroubled("disk full"), "error"),
        (EventsDied("crm", 1, "400"), "error"),
        (BatchDelivered("crm", 10, 0.1), "debug"),
        (DestinationPaused("crm", "401", 1), "error"),
        (RequestAnswered("web", 400, "invalid_json"), "info"),
        (RequestAnswered("web", 503, "unavailable"), "warning"),
    ],
)
def test_a_line_is_as_serious_as_its_signal(signal: Signal, level: str) -> None:
    assert level_of(signal) == level


def test_what_happens_once_a_batch_is_for_developers() -> None:
    for name in ("EntriesAccepted", "BatchCommitted", "BatchDelivered", "CursorMoved"):
        kind = getattr(happenings, name)
        assert level_of(kind(*([0] * len(kind.__struct_fields__)))) == "debug"


def test_refused_members_are_counted_and_never_shown(observer: LogObserver, lines: Lines) -> None:
    observer(MembersRefused("web", ((0, "b"), (3, "a"), (4, "b")), (b'{"email":"x@y.z"}',)))

    assert lines.written == [("info", "members_refused", {"source": "web", "events": 3, "reasons": "a,b"})]


def test_a_line_that_repeats_is_folded_with_a_count(
    observer: LogObserver, lines: Lines, clock: HandClock
) -> None:
    for _ in range(5):
        observer(BatchFailed("crm", 10, "503"))
    clock.now = 11
    observer(BatchDelivered("crm", 1, 0.1))

    first, folded, _ = lines.written
    assert first == ("warning", "batch_failed", {"destination": "crm", "events": 10, "reason": "503"})
    assert folded[2] == {"destination": "crm", "events": 40, "reason": "503", "repeated": 4}


def test_lines_with_other_facts_are_not_folded(observer: LogObserver, lines: Lines) -> None:
    observer(BatchFailed("crm", 10, "503"))
    observer(BatchFailed("crm", 10, "429"))
    observer(RequestAnswered("web", 400, "x"))
    observer(RequestAnswered("web", 401, "x"))

    assert len(lines.written) == 4


def test_a_line_that_came_once_is_not_written_again(
    observer: LogObserver, lines: Lines, clock: HandClock
) -> None:
    observer(BatchFailed("crm", 10, "503"))
    clock.now = 11
    observer(BatchFailed("crm", 10, "503"))

    assert [facts.get("repeated") for _, _, facts in lines.written] == [None, None]


def test_what_is_folded_is_written_at_the_end(observer: LogObserver, lines: Lines) -> None:
    observer(BatchFailed("crm", 10, "503"))
    observer(BatchFailed("crm", 10, "503"))
    observer.flush()

    assert lines.written[-1][2]["repeated"] == 1


def test_different_lines_do_not_pile_up(observer: LogObserver, lines: Lines) -> None:
    observer(BatchFailed("first", 1, "503"))
    observer(BatchFailed("first", 1, "503"))
    for number in range(500):
        observer(BatchFailed(f"crm{number}", 1, "503"))

    assert any(facts.get("repeated") for _, _, facts in lines.written)


def test_a_name_is_in_snake_case() -> None:
    assert event_name(happenings.LoopBlocked) == "loop_blocked"


def test_json_lines_are_objects_with_time_and_level() -> None:
    stream = io.StringIO()

    make_logger("json", "info", stream=stream).info("router_started", url="http://x")

    line = json.loads(stream.getvalue())
    assert (line["event"], line["level"], line["url"]) == ("router_started", "info", "http://x")
    assert line["at"].endswith("Z")


def test_console_lines_are_plain_where_no_terminal_is() -> None:
    stream = io.StringIO()

    make_logger("console", "info", stream=stream).info("router_started", url="http://x")

    assert "router_started" in stream.getvalue()
    assert "\x1b" not in stream.getvalue()


def test_lines_below_the_level_are_not_written() -> None:
    stream = io.StringIO()

    make_logger("json", "warning", stream=stream).info("router_started")

    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("level", "expected"), [(logging.INFO, "info"), (logging.WARNING, "warning"), (logging.ERROR, "error")]
)
def test_what_libraries_log_is_written_too(lines: Lines, level: int, expected: str) -> None:
    LibraryLines(lines).emit(logging.LogRecord("asyncio", level, "f", 1, "slow %s", ("task",), None))

    assert lines.written == [(expected, "library_logged", {"library": "asyncio", "message": "slow task"})]


def test_an_error_of_a_library_keeps_its_trace() -> None:
    stream = io.StringIO()
    try:
        raise RuntimeError("deep")
    except RuntimeError as error:
        record = logging.LogRecord(
            "x", logging.ERROR, "f", 1, "m", (), (RuntimeError, error, error.__traceback__)
        )

    LibraryLines(make_logger("json", "info", stream=stream)).emit(record)

    assert "RuntimeError: deep" in json.loads(stream.getvalue())["exception"]
