"""The tracking door: bytes and a few fields in, status and bytes out. It knows nothing of the HTTP server.

An answer of 200 means that what was accepted is durable. What is wrong with a single event is counted and shown in
`tap`, never in the answer; only a body that cannot be read, a missing key and a limit are answered with an error.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping

import msgspec
from msgspec import Struct

from router.api.inflate import IDENTITY, inflate
from router.api.proxies import Proxies, collected
from router.api.rate_limit import RateLimit
from router.errors import RequestRefused, StorageError
from router.events.source import Source
from router.rules.client_ip import CLIENT_DOORS
from router.rules.request import BATCH_DOORS, Limits, Received, read_request
from router.storage.entry import Door, Entry
from router.telemetry.happenings import MembersRefused, RequestAnswered
from router.telemetry.signals import Signals

SUCCESS = b'{"success":true}'
JSON_TYPE = "application/json"
THREAD_BYTES = 32_768
"""Compressed bodies from this size on are inflated on a thread."""
UNAVAILABLE_SECONDS = 5
"""`Retry-After` of a 503."""
FAILED = "failed_on_ingest"

Accept = Callable[[Entry, Received], Awaitable[None]]
Count = Callable[[tuple[str, ...], int], None]


class TrackingRequest(Struct, gc=False):
    """What the door needs of a request."""

    door: Door
    body: bytes
    authorization: str = ""
    query_key: str = ""
    encoding: str = ""
    peer: str = ""
    forwarded_for: str = ""
    user_agent: str = ""


class TrackingAnswer(Struct, gc=False):
    """What goes back."""

    status: int
    body: bytes
    headers: Mapping[str, str] = {}


OK = TrackingAnswer(200, SUCCESS)


class TrackingDoor:
    """Takes calls from clients."""

    def __init__(
        self,
        *,
        sources: Mapping[str, Source],
        accept: Accept,
        count: Count,
        limits: Limits,
        proxies: Proxies,
        rate_limit: RateLimit,
        signals: Signals,
        is_strict: bool,
    ) -> None:
        """`sources` by write key. `is_strict` answers 401 to unknown keys instead of counting them."""
        self.sources = sources
        self._accept = accept
        self._count = count
        self._limits = limits
        self._proxies = proxies
        self._rate_limit = rate_limit
        self._signals = signals
        self._is_strict = is_strict

    async def handle(self, request: TrackingRequest) -> TrackingAnswer:
        """Answer one request; what it accepts is durable when it returns 200."""
        source = None
        try:
            key = _basic_key(request.authorization)
            source = self.sources.get(key) if key else None
            if source is not None:
                self._limit_rate(source)
            body = request.body
            if request.encoding not in IDENTITY:
                body = await self._inflated(body, request)
            received = read_request(request.door, body, limits=self._limits)
            if source is None:
                key = key or received.write_key or request.query_key
                source = self._source(key)
                if source is None:
                    return OK
                self._limit_rate(source)
            if not source.enabled:
                self._count((FAILED, source.name, "source_disabled"), max(1, received.members))
                return OK
            return await self._keep(source, request, received)
        except RequestRefused as refused:
            return self._refused(source, refused)
        except StorageError as error:
            return self._refused(
                source, RequestRefused(503, "unavailable", str(error), retry_after=UNAVAILABLE_SECONDS)
            )

    async def _keep(self, source: Source, request: TrackingRequest, received: Received) -> TrackingAnswer:
        if received.refused or not received.members:
            self._count_refused(source, received)
        if received.calls:
            address = self._proxies.client(request.peer, request.forwarded_for)
            entry = Entry(
                source=source.name,
                door=request.door,
                received_at=0,
                events=len(received.calls),
                body=received.body,
                peer=request.peer,
                client_ip=collected(address, collects=source.collect_ip, collects_ipv6=source.collect_ipv6),
                user_agent=request.user_agent if request.door in CLIENT_DOORS else "",
                encoding=request.encoding,
                refused=tuple(refusal.index for refusal in received.refused),
            )
            await self._accept(entry, received)
        if any(refusal.reason == "payload_too_large" for refusal in received.refused):
            raise RequestRefused(
                400, "payload_too_large", "Exceed payload limit: an event is too large; the others were kept"
            )
        return OK

    def _count_refused(self, source: Source, received: Received) -> None:
        for refusal in received.refused:
            self._count((FAILED, source.name, refusal.reason), 1)
        if not received.members:
            self._count((FAILED, source.name, "empty_batch"), 1)
            return
        if received.members > 1 or received.write_key is not None:
            reason = "multi_user_error" if received.calls else "empty_batch_result"
            self._count((FAILED, source.name, reason), 1)
        self._signals.emit(
            MembersRefused(
                source.name,
                tuple((refusal.index, refusal.reason) for refusal in received.refused),
                tuple(refusal.raw for refusal in received.refused),
            )
        )

    def _source(self, key: str | None) -> Source | None:
        if not key:
            raise RequestRefused(
                400, "no_write_key", "no write key: send it as the Basic user name or as writeKey in the body"
            )
        source = self.sources.get(key)
        if source is None:
            self._count((FAILED, "", "unknown_source"), 1)
            if self._is_strict:
                raise RequestRefused(401, "unknown_source", "no source has this write key")
        return source

    def _limit_rate(self, source: Source) -> None:
        wait = self._rate_limit.wait(source)
        if wait:
            self._count((FAILED, source.name, "too_many_requests"), 1)
            raise RequestRefused(
                429,
                "rate_limited",
                f"over {source.rate_limit} requests a second; send again in {wait} s",
                retry_after=wait,
            )

    async def _inflated(self, body: bytes, request: TrackingRequest) -> bytes:
        limit = self._limits.batch_bytes if request.door in BATCH_DOORS else 4 * self._limits.event_bytes
        if len(body) < THREAD_BYTES:
            return inflate(body, request.encoding, limit)
        return await asyncio.to_thread(inflate, body, request.encoding, limit)

    def _refused(self, source: Source | None, refused: RequestRefused) -> TrackingAnswer:
        name = source.name if source is not None else ""
        if refused.status == 400 and refused.code != "no_write_key":
            self._count((FAILED, name, "bad_request"), 1)
        self._signals.emit(RequestAnswered(name, refused.status, refused.code))
        return error_answer(refused)


def error_answer(refused: RequestRefused) -> TrackingAnswer:
    """The answer for a refused request; every client finds the field that it reads (tracking-api 6.1)."""
    body = msgspec.json.encode(
        {"success": False, "code": refused.code, "message": refused.message, "error": refused.message}
    )
    headers = {}
    if refused.retry_after is not None:
        headers = {"Retry-After": str(refused.retry_after), "X-RateLimit-Reset": str(refused.retry_after)}
    return TrackingAnswer(refused.status, body, headers)


def _basic_key(authorization: str) -> str:
    """The user name of a Basic header, with or without the colon; empty when there is none that decodes."""
    if authorization[:6].lower() != "basic ":
        return ""
    return _decoded_key(authorization[6:].strip())


def _decoded_key(token: str) -> str:
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]
