"""The table of operations 2: from an answer or an error to a verdict and its code."""

import socket

import pytest

from router.delivery.classify import (
    NetworkError,
    UnusableRequest,
    judge_answer,
    judge_error,
    judge_outcome,
    os_code,
    retry_after,
)
from router.delivery.verdict import Judgement
from router.errors import Rejected, RetryLater, Snooze, Unauthorized
from router.plugins.outcome import Outcome
from router.plugins.request import Answer

NOW = 1_900_000_000.0


def answer(status: int, **headers: str) -> Answer:
    return Answer(status, {name.replace("_", "-"): value for name, value in headers.items()}, b"")


@pytest.mark.parametrize("status", [200, 201, 204, 299])
def test_every_2xx_is_delivered(status: int) -> None:
    assert judge_answer(answer(status), now=NOW).judgement is Judgement.DELIVERED


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504, 599])
def test_a_status_that_may_pass_is_retried_with_its_number_as_code(status: int) -> None:
    verdict = judge_answer(answer(status), now=NOW)

    assert (verdict.judgement, verdict.code) == (Judgement.RETRY, str(status))


def test_a_429_accuses_no_event() -> None:
    verdict = judge_answer(answer(429, retry_after="7"), now=NOW)

    assert (verdict.judgement, verdict.after, verdict.judgement.accuses_events) == (
        Judgement.THROTTLED,
        7.0,
        False,
    )


@pytest.mark.parametrize("status", [401, 403, 404, 301, 302, 307, 308])
def test_an_answer_that_says_we_are_unknown_or_wrong_there_pauses(status: int) -> None:
    assert judge_answer(answer(status), now=NOW).judgement is Judgement.CREDENTIALS


@pytest.mark.parametrize("status", [400, 402, 405, 409, 410, 418, 422, 451])
def test_any_other_4xx_refuses_an_event(status: int) -> None:
    assert judge_answer(answer(status), now=NOW).judgement is Judgement.REFUSED


def test_a_413_asks_for_smaller_batches() -> None:
    assert judge_answer(answer(413), now=NOW).judgement is Judgement.TOO_LARGE


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("60", 60.0),
        ("0", 0.0),
        ("1.5", 1.5),
        ("Sun, 17 Mar 2030 17:48:20 GMT", 100.0),
        ("Sun, 17 Mar 2030 17:00:00 GMT", 0.0),
        ("Sun, 17 Mar 2030 17:48:20 -0000", 100.0),
        ("soon", None),
        ("-5", None),
        ("", None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text: str, seconds: float | None) -> None:
    assert retry_after(answer(503, retry_after=text), NOW) == seconds


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ConnectionRefusedError(111, "refused"), "ECONNREFUSED"),
        (ConnectionResetError(104, "reset"), "ECONNRESET"),
        (BrokenPipeError(32, "pipe"), "ECONNRESET"),
        (OSError(113, "no route"), "EHOSTUNREACH"),
        (OSError(101, "no network"), "EHOSTUNREACH"),
        (OSError(103, "aborted"), "ECONNABORTED"),
        (socket.gaierror(socket.EAI_NONAME, "unknown"), "ENOTFOUND"),
        (socket.gaierror(socket.EAI_AGAIN, "later"), "EAI_AGAIN"),
        (OSError("Multiple exceptions: [Errno 111] refused, [Errno 111] refused"), "ECONNREFUSED"),
        (OSError("something"), "ECONNRESET"),
    ],
)
def test_errors_of_the_network_have_the_names_that_operators_know(error: OSError, code: str) -> None:
    assert os_code(error) == code


def test_no_answer_in_time_is_etimedout() -> None:
    assert judge_error(TimeoutError()).code == "ETIMEDOUT"


@pytest.mark.parametrize("code", ["ENOTFOUND", "ECONNREFUSED", "EHOSTUNREACH", "EAI_AGAIN"])
def test_a_service_that_cannot_be_reached_accuses_no_event(code: str) -> None:
    assert not judge_error(NetworkError(code, "")).judgement.accuses_events


@pytest.mark.parametrize(
    ("error", "judgement", "code"),
    [
        (Rejected("no email"), Judgement.REFUSED, "MESSAGE_REJECTED"),
        (Rejected("E42"), Judgement.REFUSED, "E42"),
        (Unauthorized("expired"), Judgement.CREDENTIALS, "401"),
        (RetryLater("too busy", after=5), Judgement.RETRY, "RETRY"),
        (RetryLater("ENOSPC"), Judgement.RETRY, "ENOSPC"),
        (Snooze("at night", after=60), Judgement.SNOOZE, "RETRY"),
        (UnusableRequest("no host"), Judgement.CREDENTIALS, "INVALID_SETTINGS"),
        (KeyError("total"), Judgement.BROKEN, "PLUGIN_ERROR"),
    ],
)
def test_what_an_author_raises_is_judged(error: Exception, judgement: Judgement, code: str) -> None:
    verdict = judge_error(error)

    assert (verdict.judgement, verdict.code) == (judgement, code)


def test_free_text_never_becomes_a_counter_of_its_own() -> None:
    verdict = judge_outcome(Outcome.rejected("email ada@example.com is unknown"))

    assert (verdict.code, verdict.answer) == ("MESSAGE_REJECTED", "email ada@example.com is unknown")


def test_an_outcome_may_ask_for_a_later_attempt() -> None:
    verdict = judge_outcome(Outcome.retry("rate_limited", after=3))

    assert (verdict.judgement, verdict.code, verdict.after) == (Judgement.RETRY, "rate_limited", 3)


def test_an_outcome_with_an_unknown_verdict_is_the_plugins_error() -> None:
    assert judge_outcome(Outcome("maybe")).judgement is Judgement.BROKEN
