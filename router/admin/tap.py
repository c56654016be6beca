"""The live view: events as they become visible, members that doors refuse, happenings at destinations.

Each listener follows the stream at its own pace and has a bounded queue: one that does not keep up loses the oldest
lines, is told how many, and slows nobody.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import asdict

from router.events.calls import AnyEvent
from router.events.envelope import Envelope
from router.telemetry.happenings import EventsBlocked, MembersRefused
from router.telemetry.side_happenings import WebhookFailed
from router.telemetry.signals import Signal

QUEUE_LINES = 1000
LONGEST_MEMBER = 64 << 10


class Wanted(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a listener wants to see; None is everything."""

    source: str | None = None
    """Events and refused members of this source only."""
    type: str | None = None
    """Events of this type only."""
    event: str | None = None
    """Track calls with this name only."""
    destination: str | None = None
    """Happenings at this destination, instead of events."""
    refused: bool = False
    """Refused members, and requests of vendors that failed, only."""


class Line(Struct, frozen=True, omit_defaults=True):
    """One line of the live view."""

    what: str
    """`event`, `blocked`, `refused`, `failed`, `destination` or `missed`."""
    source: str = ""
    """Name of the source of an event or a refused member."""
    type: str = ""
    """The type of an event, or the happening at a destination."""
    name: str = ""
    """The name of a track, page or screen call, or what a function raised."""
    user: str = ""
    """The user id, else the anonymous id."""
    profile: str = ""
    """The profile that the event is about, where there are profiles."""
    position: int | None = None
    """The event's place in the stream."""
    reason: str = ""
    """Why a member was refused, an event blocked, or a vendor's request failed."""
    index: int | None = None
    """The refused member's place in its request."""
    destination: str = ""
    """Name of the destination that something happened at."""
    count: int = 0
    """How many lines were missed, or how often a request was tried."""
    body: Raw = Raw(b"null")
    """The event in its stored form, the refused member, or what happened."""


class Listener:
    """One listener's queue of encoded lines, bounded."""

    def __init__(self, wanted: Wanted, *, limit: int = QUEUE_LINES) -> None:
        self.wanted = wanted
        self._lines: deque[bytes] = deque(maxlen=limit)
        self._missed = 0
        self._arrived = asyncio.Event()

    def put(self, line: Line) -> None:
        """Add a line; when the queue is full, the oldest one goes."""
        if len(self._lines) == self._lines.maxlen:
            self._missed += 1
        self._lines.append(msgspec.json.encode(line) + b"\n")
        self._arrived.set()

    async def take(self) -> bytes:
        """Every line that waits, and how many were missed before them; waits for the first."""
        await self._arrived.wait()
        self._arrived.clear()
        missed, self._missed = self._missed, 0
        lines = [msgspec.json.encode(Line("missed", count=missed)) + b"\n"] if missed else []
        lines += self._lines
        self._lines.clear()
        return b"".join(lines)

    def events(self, envelopes: Sequence[Envelope]) -> None:
        """Add the events that are wanted."""
        for one in envelopes:
            if self._wants(one.source, one.event):
                self.put(_event(one))

    def _wants(self, source: str, event: AnyEvent) -> bool:
        wanted = self.wanted
        return (
            wanted.destination is None
            and not wanted.refused
            and wanted.source in (None, source)
            and wanted.type in (None, event.type)
            and (wanted.event is None or getattr(event, "event", None) == wanted.event)
        )

    def _blocked(self, signal: EventsBlocked) -> None:
        for one in signal.events:
            if self._wants(one.source, one.event):
                self.put(
                    Line(
                        "blocked",
                        source=one.source,
                        reason=one.reason,
                        type=one.event.type,
                        name=_name(one.event),
                        user=_user(one.event),
                        body=_one_line(one.event.json),
                    )
                )

    def signal(self, signal: Signal) -> None:
        """Add what a signal tells, if it is wanted; an observer for one listener."""
        wanted = self.wanted
        if isinstance(signal, MembersRefused):
            if wanted.destination is None and wanted.event is None and wanted.source in (None, signal.source):
                self._refused(signal)
        elif isinstance(signal, EventsBlocked):
            self._blocked(signal)
        elif isinstance(signal, WebhookFailed):
            self._failed(signal)
        elif wanted.destination is not None and getattr(signal, "destination", None) == wanted.destination:
            facts = msgspec.json.encode(asdict(signal))
            self.put(
                Line(
                    "destination", type=type(signal).__name__, destination=wanted.destination, body=Raw(facts)
                )
            )

    def _failed(self, signal: WebhookFailed) -> None:
        wanted = self.wanted
        if (
            wanted.destination is None
            and wanted.event is None
            and wanted.type is None
            and wanted.source in (None, signal.source)
        ):
            body = signal.body if len(signal.body) <= LONGEST_MEMBER else b"null"
            said = signal.error.splitlines()[0] if signal.error else ""
            line = Line(
                "failed",
                source=signal.source,
                reason=signal.reason,
                name=said,
                count=signal.attempts,
                body=_one_line(body),
            )
            self.put(line)

    def _refused(self, signal: MembersRefused) -> None:
        members = (*signal.members, *([b"null"] * (len(signal.refused) - len(signal.members))))
        for (index, reason), member in zip(signal.refused, members, strict=False):
            call = _member(member)
            if self.wanted.type not in (None, call.type):
                continue
            body = member if call.is_json and len(member) <= LONGEST_MEMBER else b"null"
            self.put(
                Line(
                    "refused",
                    source=signal.source,
                    reason=reason,
                    index=index,
                    type=call.type,
                    name=call.name,
                    body=_one_line(body),
                )
            )


def _event(one: Envelope) -> Line:
    event = one.event
    return Line(
        "event",
        source=one.source,
        type=event.type,
        name=_name(event),
        user=_user(event),
        profile=one.profile_id or "",
        position=one.position,
        body=_one_line(event.json),
    )


def _name(event: AnyEvent) -> str:
    return getattr(event, "event", None) or getattr(event, "name", None) or ""


def _user(event: AnyEvent) -> str:
    return event.user_id or event.anonymous_id or ""


def _one_line(body: bytes) -> Raw:
    """JSON as clients write it may have line ends between its parts; a line of the live view may not."""
    return Raw(msgspec.json.format(body, indent=-1) if b"\n" in body or b"\r" in body else body)


class _Member(Struct):
    type: str = ""
    name: str = ""
    is_json: bool = True


def _member(member: bytes) -> _Member:
    """What can be said of a refused member, which may be anything."""
    try:
        call: Any = msgspec.json.decode(member)
    except msgspec.DecodeError:
        return _Member(is_json=False)
    if not isinstance(call, dict):
        return _Member()
    texts = [call.get(key) for key in ("type", "event", "name")]
    kind, event, name = (one if isinstance(one, str) else "" for one in texts)
    return _Member(kind, event or name)
