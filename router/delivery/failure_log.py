"""What a destination's failure log says of attempts that failed (operations 3.3).

Three kinds of lines: one for each try of each event, one for each request and its answer, and one for each error.
A destination that has no failure log pays nothing; one that has makes lines of failures only, and hands them on.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol
from uuid import uuid4

import msgspec
from msgspec import UNSET, Struct, UnsetType

from router.delivery.verdict import Attempt, Judgement, Verdict
from router.events.calls import AnyEvent
from router.events.envelope import Envelope
from router.events.times import format_instant, parse_instant
from router.storage.letters import DeadLetter

_FINAL = (Judgement.REFUSED, Judgement.TOO_LARGE)
"""One event alone that is judged so dies at once."""


class FailureLine(Struct, frozen=True, rename="camel"):
    """One line of the log; `logged_at` is set when it is written."""

    event: str
    """`Error Logged`, `Delivery Attempt Logged` or `Destination Exchange Logged`."""
    occurred_at: str
    properties: dict[str, Any]
    message_id: str | UnsetType = UNSET
    logged_at: str = ""
    type: str = "observability"
    version: str = "v1"


Write = Callable[[str, int, FailureLine], None]
"""Takes a line of a destination, and when the original event was received, in milliseconds."""


class Attempts(Protocol):
    """What tries to deliver events."""

    async def attempt(self, events: Sequence[AnyEvent]) -> Attempt:
        """Try to deliver `events`."""


class FailureLog:
    """Makes the lines of one destination."""

    def __init__(self, destination: str, write: Write, now: Callable[[], int]) -> None:
        self._destination = destination
        self._write = write
        self._now = now

    def watching(
        self, attempts: Attempts, batch: Sequence[Envelope], tries: Callable[[int], int]
    ) -> Attempts:
        """Deliver as `attempts` does, and log it. `tries` tells the earlier tries of an event by its position."""
        return _Watched(attempts, batch, tries, self._tried)

    def died(self, letters: Iterable[DeadLetter]) -> None:
        """Log that events were given up."""
        for letter in letters:
            received = msgspec.json.decode(letter.event, type=_Received).at
            told = {"code": letter.reason, "message": letter.answer[:200], "discarded": True}
            properties = {**self._routed(letter.source), **told}
            self._line(
                "Error Logged", parse_instant(received) or letter.died_at, letter.message_id, properties
            )

    def _tried(self, tried: Sequence[tuple[Envelope, Verdict, int]]) -> None:
        """Log an attempt: each event with the verdict on it, and the number of its try."""
        failed = [one for one in tried if one[1].judgement is not Judgement.DELIVERED]
        exchange = str(uuid4()) if failed else None
        if failed:
            first, verdict, _ = failed[0]
            properties = {
                **self._routed(first.source),
                "destinationExchangeId": exchange,
                **_exchanged(verdict),
            }
            self._line("Destination Exchange Logged", first.received_at, None, properties)
        for envelope, verdict, number in tried:
            is_delivered = verdict.judgement is Judgement.DELIVERED
            if is_delivered and number == 1:
                continue
            is_final = len(tried) == 1 and verdict.judgement in _FINAL
            outcome = "succeeded" if is_delivered else "discarded" if is_final else "awaiting_retry"
            properties = {**self._routed(envelope.source), "attempt": number, "outcome": outcome}
            if not is_delivered:
                properties |= {"code": verdict.code, "destinationExchangeId": exchange}
            message_id = envelope.event.message_id
            self._line("Delivery Attempt Logged", envelope.received_at, message_id, properties)
            if not is_delivered and not is_final:
                told = {"code": verdict.code, "message": verdict.answer[:200], "discarded": False}
                told = {**self._routed(envelope.source), **told}
                self._line("Error Logged", envelope.received_at, message_id, told)

    def _routed(self, source: str) -> dict[str, Any]:
        return {
            "routed": {
                "from": {"type": "source", "id": source},
                "to": {"type": "destination", "id": self._destination},
            }
        }

    def _line(self, event: str, received_at: int, message_id: str | None, properties: dict[str, Any]) -> None:
        own = UNSET if message_id is None else message_id
        line = FailureLine(event, format_instant(self._now()), properties, own)
        self._write(self._destination, received_at, line)


class _Received(Struct):
    at: str = msgspec.field(name="receivedAt", default="")


class _Watched:
    def __init__(
        self,
        attempts: Attempts,
        batch: Sequence[Envelope],
        tries: Callable[[int], int],
        tried: Callable[[Sequence[tuple[Envelope, Verdict, int]]], None],
    ) -> None:
        self._attempts = attempts
        self._envelopes = {id(one.event): one for one in batch}
        self._tries = {one.position: tries(one.position) for one in batch}
        self._tried = tried

    async def attempt(self, events: Sequence[AnyEvent]) -> Attempt:
        """Try to deliver `events`, and tell."""
        attempt = await self._attempts.attempt(events)
        verdicts = attempt.each or [attempt.verdict] * len(events)
        told = []
        for event, verdict in zip(events, verdicts, strict=True):
            if verdict is None or verdict.judgement is Judgement.FILTERED:
                continue  # it was not tried to its end, or is not to be tried
            envelope = self._envelopes[id(event)]
            self._tries[envelope.position] += 1
            told.append((envelope, verdict, self._tries[envelope.position]))
        self._tried(told)
        return attempt


def _exchanged(verdict: Verdict) -> dict[str, Any]:
    """The request and the answer of a verdict's texts."""
    head, _, body = verdict.request.partition("\n\n")
    sent: dict[str, Any] = {"request": {"head": head, "body": body}} if verdict.request else {}
    head, _, body = verdict.answer.partition("\n\n")
    status, *headers = head.split("\n")
    if not status.isdecimal():
        return {**sent, "error": verdict.answer}
    pairs = (line.partition(": ") for line in headers)
    answer = {"status": int(status), "headers": {name: value for name, _, value in pairs}, "body": body}
    return {**sent, "response": answer}
