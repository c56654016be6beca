"""From an answer, an error or an author's word to a verdict: the table of operations 2, as pure functions."""

import errno
import re
import socket
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

from router.actors.guard import ForeignCodeBlocked
from router.delivery.verdict import DELIVERED, Judgement, Verdict
from router.errors import DeliveryError, PluginError, Rejected, RetryLater, Snooze, Unauthorized
from router.plugins.outcome import Outcome
from router.plugins.request import Answer

MESSAGE_REJECTED = "MESSAGE_REJECTED"
PLUGIN_ERROR = "PLUGIN_ERROR"
PLUGIN_TIMEOUT = "PLUGIN_TIMEOUT"
PLUGIN_ENDLESS = "PLUGIN_ENDLESS"
INVALID_SETTINGS = "INVALID_SETTINGS"
_CODE = re.compile(r"[A-Za-z0-9_.-]{1,40}")
_SHOWN = {errno.EPIPE: "ECONNRESET", errno.ENETUNREACH: "EHOSTUNREACH"}
_UNREACHABLE = ("ENOTFOUND", "ECONNREFUSED", "EHOSTUNREACH", "EAI_AGAIN")


class NetworkError(Exception):
    """A request that got no usable answer; `code` is one of the table's, like ECONNREFUSED."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code


class Endless(PluginError):
    """A generator yields requests without end."""


class UnusableRequest(Exception):
    """A request that cannot be sent at all: its URL or a header makes no sense."""


def judge_answer(answer: Answer, *, now: float) -> Verdict:
    """Judge an HTTP answer; `now` in seconds since the epoch turns a Retry-After date into seconds."""
    status = answer.status
    if 200 <= status < 300:
        return DELIVERED
    code = str(status)
    if status == 413:
        return Verdict(Judgement.TOO_LARGE, code)
    if status == 429:
        return Verdict(Judgement.THROTTLED, code, retry_after(answer, now))
    if status in (408, 425) or status >= 500:
        return Verdict(Judgement.RETRY, code, retry_after(answer, now))
    if status in (401, 403, 404) or status < 400:  # a redirect that is not followed: the address is wrong
        return Verdict(Judgement.CREDENTIALS, code, retry_after(answer, now))
    return Verdict(Judgement.REFUSED, code)


def judge_error(error: Exception) -> Verdict:
    """Judge what sending, or the plugin, raised."""
    text = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    match error:
        case Rejected():
            code, text = coded(error.reason)
            return Verdict(Judgement.REFUSED, code, answer=error.detail or text)
        case Unauthorized():
            return Verdict(Judgement.CREDENTIALS, "401", error.after, answer=error.detail or error.reason)
        case Snooze() | RetryLater() | DeliveryError():
            judgement = Judgement.SNOOZE if isinstance(error, Snooze) else Judgement.RETRY
            said = error.detail or error.reason
            return Verdict(judgement, _retry_code(error.reason), error.after, answer=said)
        case UnusableRequest():
            return Verdict(Judgement.CREDENTIALS, INVALID_SETTINGS, answer=text)
        case NetworkError():
            return _network(error.code, text)
        case TimeoutError():
            return _network("ETIMEDOUT", text)
        case ForeignCodeBlocked():
            return Verdict(Judgement.BROKEN, PLUGIN_TIMEOUT, answer=f"the plugin held the loop at {error}")
        case Endless():
            return Verdict(Judgement.BROKEN, PLUGIN_ENDLESS, answer=text)
        case OSError():
            return _network(os_code(error), text)
        case _:
            return Verdict(Judgement.BROKEN, PLUGIN_ERROR, answer=text)


def judge_outcome(outcome: Outcome) -> Verdict:
    """Judge what an author says of one event."""
    code, text = coded(outcome.reason)
    text = outcome.detail or text
    match outcome.verdict:
        case "delivered":
            return DELIVERED
        case "rejected":
            return Verdict(Judgement.REFUSED, code, answer=text)
        case "retry":
            return Verdict(Judgement.RETRY, _retry_code(outcome.reason), outcome.after, answer=text)
        case _:
            return Verdict(Judgement.BROKEN, PLUGIN_ERROR, answer=f"unknown verdict {outcome.verdict!r}")


def coded(reason: str) -> tuple[str, str]:
    """Split an author's reason into a code for counters and the text for the dead letter.

    Free text would make a counter of its own for every message; it is counted as MESSAGE_REJECTED.
    """
    return (reason if _CODE.fullmatch(reason) else MESSAGE_REJECTED), reason


def _retry_code(reason: str) -> str:
    return reason if _CODE.fullmatch(reason) else "RETRY"


def os_code(error: OSError) -> str:
    """The name that operators know an operating-system error by."""
    if isinstance(error, socket.gaierror):
        return "EAI_AGAIN" if error.errno == socket.EAI_AGAIN else "ENOTFOUND"
    number = error.errno or 0
    if not number and (found := re.search(r"\[Errno (\d+)\]", str(error))):  # several addresses failed
        number = int(found[1])
    return _SHOWN.get(number) or errno.errorcode.get(number, "ECONNRESET")


def retry_after(answer: Answer, now: float) -> float | None:
    """Seconds that Retry-After asks for, given as seconds or as a date; None when absent or not understood."""
    text = answer.headers.get("retry-after", "").strip()
    if not text:
        return None
    if re.fullmatch(r"\d{1,9}(\.\d+)?", text):
        return float(text)
    try:
        at = parsedate_to_datetime(text)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.fromtimestamp(now, UTC)).total_seconds())


def _network(code: str, text: str) -> Verdict:
    """Only a connection that was made and then broke, or never answered, can be an event's fault."""
    judgement = Judgement.THROTTLED if code in _UNREACHABLE else Judgement.RETRY
    return Verdict(judgement, code, answer=text)
