"""A proxy between a client and the router: it writes down every call, and spoils those that a test wants spoiled."""

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import msgspec
from aiohttp import web
from multidict import CIMultiDict

from tests.compat.recorder import serving

HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})
NO_EVENTS = frozenset({"/v1/m"})


@dataclass(frozen=True)
class Answer:
    """A fault: the router never sees the call, and the client gets this status."""

    status: int
    headers: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Cut:
    """A fault: the connection ends without an answer, `after` or before the router took the call."""

    after: bool = True


Fault = Answer | Cut


@dataclass(frozen=True)
class Call:
    """A call that a client made, and the status that it got, 0 for none."""

    method: str
    path: str
    headers: dict[str, str]
    body: Any
    status: int
    at: float

    @property
    def retries(self) -> str | None:
        """What the client says of itself: `X-Retry-Count`."""
        return self.headers.get("x-retry-count")

    @property
    def message_ids(self) -> list[str]:
        """The events that it carries."""
        return [event["messageId"] for event in self.body.get("batch", [self.body])]


class Proxy:
    """Hands calls on; a POST of events meets the next fault, while there are any."""

    def __init__(self, target: str, faults: Iterable[Fault]) -> None:
        self.url = ""
        self.calls: list[Call] = []
        self.faults = list(faults)
        """Those that are still to come, the next one first."""
        self._target = target
        self._session: aiohttp.ClientSession

    @property
    def posts(self) -> list[Call]:
        """The calls that carried events, oldest first."""
        return [call for call in self.calls if call.method == "POST" and call.path not in NO_EVENTS]

    async def open(self) -> None:
        """Make the connection pool to the router."""
        self._session = aiohttp.ClientSession(auto_decompress=False)

    async def close(self) -> None:
        """Close it."""
        await self._session.close()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Hand a call on, or spoil it."""
        at = asyncio.get_running_loop().time()
        raw = await request.read()
        is_post = request.method == "POST" and request.path not in NO_EVENTS
        fault = self.faults.pop(0) if is_post and self.faults else None
        if isinstance(fault, Answer):
            answer = web.Response(status=fault.status, headers={**_cors(request), **fault.headers})
        elif isinstance(fault, Cut) and not fault.after:
            answer = web.Response()
        else:
            answer = await self._pass_on(request)
        self.calls.append(
            Call(
                request.method,
                request.path,
                {name.lower(): value for name, value in request.headers.items()},
                _decoded(raw, request),
                0 if isinstance(fault, Cut) else answer.status,
                at,
            )
        )
        if isinstance(fault, Cut) and request.transport is not None:
            request.transport.abort()
        return answer

    async def _pass_on(self, request: web.Request) -> web.Response:
        headers = {name: value for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP}
        async with self._session.request(
            request.method,
            self._target + request.path_qs,
            headers=headers,
            data=await request.read(),
            allow_redirects=False,
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            return web.Response(status=answer.status, body=await answer.read(), headers=CIMultiDict(kept))


def _decoded(raw: bytes, request: web.Request) -> Any:
    if request.headers.get("Content-Encoding") == "gzip":
        raw = gzip.decompress(raw)
    return msgspec.json.decode(raw) if raw else None


def _cors(request: web.Request) -> dict[str, str]:
    """What the router adds to every answer to a browser, also when it refuses."""
    origin = request.headers.get("Origin")
    if origin is None:
        return {}
    return {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Credentials": "true",
        "Access-Control-Expose-Headers": "Retry-After, X-RateLimit-Reset",
        "Vary": "Origin",
    }


@asynccontextmanager
async def proxying(
    target: str, *faults: Fault, port: int = 0, context: ssl.SSLContext | None = None
) -> AsyncIterator[Proxy]:
    """Put a proxy in front of `target`, by default on a free port; with a TLS context it speaks https."""
    proxy = Proxy(target, faults)
    application = web.Application(client_max_size=64 << 20)
    application.router.add_route("*", "/{path:.*}", proxy.handle)
    await proxy.open()
    try:
        async with serving(application, auto_decompress=False, port=port, ssl_context=context) as taken:
            proxy.url = f"{'https' if context else 'http'}://127.0.0.1:{taken}"
            yield proxy
    finally:
        await proxy.close()
