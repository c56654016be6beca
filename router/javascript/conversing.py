"""A call of a function as a conversation: what it fetches goes out as requests, and each answer goes back in."""

import re
from collections.abc import Generator, Sequence

from msgspec import Struct

from router.events.calls import AnyEvent
from router.javascript.program import LIMIT, LOST, RESTING, Ended, Program, Thrown
from router.plugins.outcome import Outcome
from router.plugins.request import Answer, NoAnswer, Request

EVERY_STATUS = tuple(range(100, 600))
RETRIED = {"RetryError": "RETRY", LIMIT: "FUNCTION_TIMEOUT", RESTING: "FUNCTIONS_LOCK_OUT", LOST: "RETRY"}
"""What is tried again, and the code that operators see."""


class Said(Struct, frozen=True):
    """How a conversation ended, and the last answer in it."""

    end: Ended
    last: Answer | None


def converse(
    program: Program, handler: str, argument: bytes, settles: Sequence[AnyEvent] | None
) -> Generator[Request, Answer, Said | None]:
    """Call `handler`. None where a request has no answer: what becomes of that becomes of the events."""
    job = program.start(handler, argument)
    last: Answer | None = None
    try:
        while job.fetches:
            fetch = job.fetches.popleft()
            answer = yield Request(
                method=fetch.method,
                url=fetch.url,
                headers=fetch.headers,
                body=fetch.body,
                settles=settles,
                accepts=EVERY_STATUS,
            )
            if isinstance(answer, NoAnswer):
                return None
            last = answer
            program.answer(job, fetch, status=answer.status, headers=answer.headers, body=answer.body)
        assert job.ended is not None  # it has nothing to fetch
        return Said(job.ended, last)
    finally:
        program.stop(job)


def judged(error: Thrown, console: str, last: Answer | None) -> Outcome:
    """What becomes of an event whose function threw `error`, after the answer `last`."""
    detail = f"{error}\n{console}".strip()
    if error.name in RETRIED:
        return Outcome("retry", RETRIED[error.name], _after(last), detail)
    if error.name == "EventNotSupported":
        return Outcome("rejected", "UNSUPPORTED_EVENT_TYPE", detail=detail)
    if error.name in ("InvalidEventPayload", "ValidationError"):
        return Outcome("rejected", "MESSAGE_REJECTED", detail=detail)
    return Outcome("rejected", "BAD_REQUEST", detail=detail)


def _after(last: Answer | None) -> float | None:
    """How long the service wants to be left alone, where it said so in the answer before a RetryError."""
    text = last.headers.get("retry-after", "") if last is not None and last.status >= 400 else ""
    return float(text) if re.fullmatch(r"\d{1,6}", text) else None
