"""The door of vendors' requests: `POST /v1/functions/KEY`, or Segment's form with `?b=` and the key in base64.

A 200 means that the request is durable; what the function of its source makes of it comes later, and no vendor learns
of it. Keys are judged as at the tracking door.
"""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import parse_qsl, unquote, urlencode

import msgspec
from msgspec import Raw

from router.api.exchange import SUCCESS, HttpAnswer, HttpRequest, failure, refusal
from router.api.inflate import inflated
from router.api.rate_limit import RateLimit
from router.api.tracking import UNAVAILABLE_SECONDS, Count
from router.errors import RequestRefused, StorageError
from router.events.source import Source
from router.ingestion.actor import FAILED
from router.plugins.webhook import WebhookRequest
from router.rules.request import THREAD_BYTES
from router.telemetry.happenings import RequestAnswered
from router.telemetry.signals import Signals

BODY_BYTES = 512 << 10
"""Most bytes of a request, as sent and inflated (protocols 11)."""
KEY = "b"
"""The parameter with the key in Segment's form."""
_check = msgspec.json.Decoder(Raw).decode

Keep = Callable[[str, WebhookRequest], Awaitable[None]]


class WebhookDoor:
    """Takes requests of vendors for sources that make calls of them."""

    def __init__(
        self,
        *,
        sources: Mapping[str, Source],
        keep: Keep,
        count: Count,
        rate_limit: RateLimit,
        signals: Signals,
        is_strict: bool,
        foreign: Callable[[str], str] = lambda key: "",
    ) -> None:
        """`sources` by write key, those that take such requests; `keep(name, hook)` returns when it is durable."""
        self._keep = keep
        self._count = count
        self._rate_limit = rate_limit
        self._signals = signals
        self._foreign = foreign
        self.follow(sources=sources, is_strict=is_strict)

    def follow(self, *, sources: Mapping[str, Source], is_strict: bool) -> None:
        """Go by these from the next request on."""
        self._sources = sources
        self._is_strict = is_strict

    @property
    def body_limit(self) -> int:
        """Most bytes of a request; 0 while no source takes any."""
        return BODY_BYTES if self._sources else 0

    async def handle_at_root(self, request: HttpRequest) -> HttpAnswer:
        """The same where Segment's addresses have no path: only what names a key is meant for this door."""
        if f"{KEY}=" not in request.query:
            return failure(404, "not_found", "nothing is served at /")
        return await self.handle(request)

    async def handle(self, request: HttpRequest, key: str = "") -> HttpAnswer:
        """Answer one request; `key` is the one in the path."""
        source: Source | None = None
        try:
            key, query = (unquote(key), request.query) if key else _key_in(request.query)
            source = self._source(key)
            if source is None:
                return SUCCESS
            if wait := self._rate_limit.wait(source):
                message = f"over {source.rate_limit} requests a second; send it again in {wait} s"
                raise RequestRefused(429, "rate_limited", message, retry_after=wait)
            hook = await _hook(request, query)
            if not source.enabled:
                self._count((FAILED, source.name, "source_disabled"), 1)
                return SUCCESS
            await self._keep(source.name, hook)
            return SUCCESS
        except RequestRefused as refused:
            if refused.status in (400, 415) and source is not None:
                self._count((FAILED, source.name, "bad_request"), 1)
            return self._refused(source, refused)
        except StorageError as error:
            unavailable = RequestRefused(503, "unavailable", str(error), retry_after=UNAVAILABLE_SECONDS)
            return self._refused(source, unavailable)

    def _source(self, key: str) -> Source | None:
        if not key:
            message = "no key: send it as /v1/functions/KEY, or in base64 as ?b="
            raise RequestRefused(400, "no_write_key", message)
        source = self._sources.get(key)
        if source is None:
            elsewhere = self._foreign(key)
            self._count((FAILED, elsewhere, "wrong_region" if elsewhere else "unknown_source"), 1)
            if self._is_strict:
                raise RequestRefused(401, "unknown_source", "no source takes requests under this key")
        return source

    def _refused(self, source: Source | None, refused: RequestRefused) -> HttpAnswer:
        name = source.name if source is not None else ""
        self._signals.emit(RequestAnswered(name, refused.status, refused.code))
        return refusal(refused)


async def _hook(request: HttpRequest, query: str) -> WebhookRequest:
    """The request as its source will see it; raises RequestRefused for a body that is no JSON and no form."""
    body = await inflated(request.body, request.headers.get("Content-Encoding", ""), limit=BODY_BYTES)
    if len(body) > BODY_BYTES:
        message = f"Exceed payload limit: the body is over {BODY_BYTES} bytes"
        raise RequestRefused(400, "payload_too_large", message)
    headers: dict[str, str] = {}
    for name, value in request.headers.items():
        name, plain = name.lower(), value.encode(errors="surrogateescape").decode(errors="replace")
        headers[name] = f"{headers[name]}, {plain}" if name in headers else plain
    headers.pop("content-encoding", None)  # the body is without it
    hook = WebhookRequest(body=body, headers=headers, query=query)
    if not hook.is_form:
        try:
            if len(body) < THREAD_BYTES:
                _check_json(body)
            else:
                await asyncio.to_thread(_check_json, body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            message = f"the body is neither a form nor JSON: {error}"
            raise RequestRefused(400, "invalid_json", message) from None
    return hook


def _check_json(body: bytes) -> None:
    _check(body)
    if not body.isascii():
        body.decode()


def _key_in(query: str) -> tuple[str, str]:
    """The key that Segment's form of the address carries, and the query without it."""
    pairs = parse_qsl(query, keep_blank_values=True)
    given = next((value for name, value in pairs if name == KEY), "")
    rest = urlencode([pair for pair in pairs if pair[0] != KEY])
    token = given.replace("-", "+").replace("_", "/").replace(" ", "+").rstrip("=")
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), validate=True).decode(), rest
    except (binascii.Error, ValueError):
        return "", rest
