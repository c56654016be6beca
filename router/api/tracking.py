"""The tracking door: a request in, an answer out; it knows nothing of sockets.

An answer of 200 means that what was accepted is durable. What is wrong with a single event is counted and shown in
`tap`, never in the answer; only a body that cannot be read, a missing key and a limit are answered with an error.
"""

import asyncio
import base64
import binascii
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from functools import lru_cache
from urllib.parse import parse_qs

from router.api.exchange import SUCCESS, HttpAnswer, HttpRequest, refusal
from router.api.inflate import inflated
from router.api.proxies import Proxies, collected
from router.api.rate_limit import RateLimit
from router.errors import RequestRefused, StorageError
from router.events.source import Source
from router.ingestion.actor import FAILED
from router.rules.client_ip import CLIENT_DOORS
from router.rules.request import BATCH_DOORS, THREAD_BYTES, TOO_LARGE, Limits, Received, read_request
from router.storage.entry import Door, Entry
from router.telemetry.happenings import MembersRefused, RequestAnswered
from router.telemetry.signals import Signals

SPREAD = 4
"""White space and escapes may make the body of one event so many times larger than what counts against its limit."""
UNAVAILABLE_SECONDS = 5
"""`Retry-After` of a 503."""

Accept = Callable[[Entry, Received], Awaitable[None]]
Count = Callable[[tuple[str, ...], int], None]


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
        foreign: Callable[[str], str] = lambda key: "",
    ) -> None:
        """`sources` by write key. `is_strict` answers 401 to unknown keys; `foreign` names the source of another
        region that has an unknown key."""
        self._accept = accept
        self._count = count
        self._rate_limit = rate_limit
        self._signals = signals
        self._foreign = foreign
        self.follow(sources=sources, limits=limits, proxies=proxies, is_strict=is_strict)

    def follow(
        self, *, sources: Mapping[str, Source], limits: Limits, proxies: Proxies, is_strict: bool
    ) -> None:
        """Go by these from the next request on."""
        self.sources = sources
        self._limits = limits
        self._single_limit = SPREAD * limits.event_bytes
        self._proxies = proxies
        self._is_strict = is_strict

    @property
    def body_limit(self) -> int:
        """Most bytes of any body, as sent and inflated."""
        return max(self._limits.batch_bytes, self._single_limit)

    async def handle(self, door: Door, request: HttpRequest) -> HttpAnswer:
        """Answer one request; what it accepts is durable when it returns 200."""
        headers = request.headers
        authorization = headers.get("Authorization")
        key = basic_key(authorization) if authorization is not None else ""
        source = self.sources.get(key) if key else None
        try:
            if source is not None:
                self._limit_rate(source)
            body, coding = request.body, headers.get("Content-Encoding", "")
            if coding:
                body = await inflated(body, coding, limit=self.body_limit)
            if len(body) > self._single_limit and door not in BATCH_DOORS:
                message = (
                    f"Exceed payload limit: the body of one event is over {self._limits.event_bytes} bytes"
                )
                raise RequestRefused(400, TOO_LARGE, message)
            if len(body) < THREAD_BYTES:
                received = read_request(door, body, limits=self._limits)
            else:
                received = await asyncio.to_thread(read_request, door, body, limits=self._limits)
            if source is None:
                source = self._source(key or received.write_key or _query_key(request.query), received)
                if source is None:
                    return SUCCESS
                self._limit_rate(source)
            if "X-Retry-Count" in headers:
                self._count(("requests_retried", source.name), 1)
            if not source.enabled:
                self._count((FAILED, source.name, "source_disabled"), max(1, received.members))
                return SUCCESS
            return await self._keep(source, door, request, coding, received)
        except RequestRefused as refused:
            if refused.status == 400 and refused.code != "no_write_key":
                self._count((FAILED, source.name if source else "", "bad_request"), 1)
            return self._refused(source, refused)
        except StorageError as error:
            unavailable = RequestRefused(503, "unavailable", str(error), retry_after=UNAVAILABLE_SECONDS)
            return self._refused(source, unavailable)

    async def _keep(
        self, source: Source, door: Door, request: HttpRequest, coding: str, received: Received
    ) -> HttpAnswer:
        if received.calls:
            headers = request.headers
            address = self._proxies.client(request.peer, headers.get("X-Forwarded-For"))
            entry = Entry(
                source.name,
                door,
                0,  # stamped when it is written
                len(received.calls),
                received.body,
                request.peer,
                collected(address, collects=source.collect_ip, collects_ipv6=source.collect_ipv6),
                _plain(headers.get("User-Agent", "")) if door in CLIENT_DOORS else "",
                coding,
                tuple([refusal.index for refusal in received.refused]) if received.refused else (),
            )
            await self._accept(entry, received)
        if received.refused or not received.members:
            return self._count_refused(source, door, received)
        return SUCCESS

    def _count_refused(self, source: Source, door: Door, received: Received) -> HttpAnswer:
        """Count what was not kept; an event that is too large is the only one that the answer tells of."""
        if not received.members:
            self._count((FAILED, source.name, "empty_batch"), 1)
            return SUCCESS
        reasons = Counter(refusal.reason for refusal in received.refused)
        for reason, amount in reasons.items():
            self._count((FAILED, source.name, reason), amount)
        if door in BATCH_DOORS and reasons.keys() - {"batch_event_limit"}:
            whole = "multi_user_error" if received.calls else "empty_batch_result"
            self._count((FAILED, source.name, whole), 1)
        self._signals.emit(
            MembersRefused(
                source.name,
                tuple((refusal.index, refusal.reason) for refusal in received.refused),
                tuple(refusal.raw for refusal in received.refused),
            )
        )
        if TOO_LARGE in reasons:
            message = f"Exceed payload limit: {reasons[TOO_LARGE]} too large; {len(received.calls)} were kept"
            return self._refused(source, RequestRefused(400, TOO_LARGE, message))
        return SUCCESS

    def _source(self, key: str | None, received: Received) -> Source | None:
        if not key:
            message = "no write key: send it as the Basic user name, or as writeKey in the body"
            raise RequestRefused(400, "no_write_key", message)
        source = self.sources.get(key)
        if source is None:
            elsewhere = self._foreign(key)
            reason = "wrong_region" if elsewhere else "unknown_source"
            self._count((FAILED, elsewhere, reason), max(1, received.members))
            if self._is_strict:
                raise RequestRefused(401, "unknown_source", "no source has this write key")
        return source

    def _limit_rate(self, source: Source) -> None:
        wait = self._rate_limit.wait(source)
        if wait:
            message = f"over {source.rate_limit} requests a second; send it again in {wait} s"
            raise RequestRefused(429, "rate_limited", message, retry_after=wait)

    def _refused(self, source: Source | None, refused: RequestRefused) -> HttpAnswer:
        name = source.name if source is not None else ""
        self._signals.emit(RequestAnswered(name, refused.status, refused.code))
        return refusal(refused)


@lru_cache(maxsize=1024)
def basic_key(authorization: str) -> str:
    """The user name of a Basic header, with or without the colon; empty when there is none that decodes."""
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "basic":
        return ""
    token = token.strip().rstrip("=")
    try:
        decoded = base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return ""
    return decoded.partition(":")[0]


def _query_key(query: str) -> str:
    return parse_qs(query).get("writeKey", [""])[-1] if query else ""


def _plain(header: str) -> str:
    """A header that is text for sure: bytes that are no UTF-8 are replaced."""
    return header if header.isascii() else header.encode(errors="surrogateescape").decode(errors="replace")
