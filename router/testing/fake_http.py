"""A fake HTTP service for tests: a real server on 127.0.0.1 that answers as scripted and records what it gets."""

import asyncio
import gzip
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Self

import msgspec
from aiohttp import web
from msgspec import Struct

from router.delivery.clock import Clock, SystemClock


class Reply(Struct, frozen=True, kw_only=True):
    """How the service answers one request."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    is_held: bool = False
    """Whether the answer waits until the test calls `release`."""
    delay: float = 0.0
    """Seconds of the service's clock before the answer comes."""
    is_reset: bool = False
    """Whether the connection is reset instead of answered."""
    is_cut: bool = False
    """Whether the connection ends in the middle of the body."""


class Received(Struct, frozen=True):
    """A request that reached the service."""

    method: str
    path: str
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    """The body without its compression."""
    sent: bytes
    """The body as it came over the wire."""
    connection: int
    """Requests with the same number used the same connection."""

    def json(self) -> Any:
        """The decoded body."""
        return msgspec.json.decode(self.body)


Rule = Callable[[Received], Reply | None]


class FakeHttp:
    """Use as `async with FakeHttp() as service:`; without a script every request is answered 200.

    Give it the test's ManualClock, and a `delay` passes when that clock is moved.
    """

    def __init__(self, *, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.requests: list[Received] = []
        """Every request, in the order of arrival."""
        self.default = Reply()
        """The answer when the script is over and no rule speaks."""
        self.rule: Rule | None = None
        """Asked when the script is over: a function of the request, or None."""
        self.most_at_once = 0
        """The most requests that were unanswered at the same time."""
        self._script: deque[Reply] = deque()
        self._at_once = 0
        self._changed = asyncio.Event()
        self._release = asyncio.Event()
        self._connections: dict[int, int] = {}
        self._runner: web.ServerRunner | None = None
        self.url = ""

    async def __aenter__(self) -> Self:
        self._runner = web.ServerRunner(
            web.Server(self._answer, auto_decompress=False, access_log=None), shutdown_timeout=0.1
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        port = self._runner.addresses[0][1]
        self.url = f"http://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *error: object) -> None:
        self.release()
        if self._runner is not None:
            await self._runner.cleanup()

    def script(self, *replies: Reply | int) -> None:
        """Answer the next requests like this, one reply each; a number is a status."""
        self._script.extend(Reply(status=one) if isinstance(one, int) else one for one in replies)

    def release(self) -> None:
        """Give every answer that is held."""
        released, self._release = self._release, asyncio.Event()
        released.set()

    async def wait(self, count: int, *, timeout: float = 10) -> list[Received]:
        """Return all requests once there are at least `count`; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while len(self.requests) < count:
                self._changed.clear()
                await self._changed.wait()
        return self.requests

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        received = await self._received(request)
        self.requests.append(received)
        self._changed.set()
        reply = self._choose(received)
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            if reply.is_held:
                await self._release.wait()
            if reply.delay:
                await self._clock.sleep(reply.delay)
        finally:
            self._at_once -= 1
        if reply.is_reset and request.transport is not None:
            request.transport.abort()
        if reply.is_cut:
            return await self._cut(request, reply)
        return web.Response(status=reply.status, body=reply.body, headers=dict(reply.headers))

    def _choose(self, received: Received) -> Reply:
        if self._script:
            return self._script.popleft()
        return (self.rule(received) if self.rule else None) or self.default

    async def _received(self, request: web.BaseRequest) -> Received:
        body = await request.content.read()
        headers = {name.lower(): value for name, value in request.headers.items()}
        plain = (
            gzip.decompress(body)
            if headers.get("content-encoding") == "gzip" and body[:2] == b"\x1f\x8b"
            else body
        )
        connection = self._connections.setdefault(id(request.protocol), len(self._connections))
        return Received(request.method, request.path_qs, headers, plain, body, connection)

    async def _cut(self, request: web.BaseRequest, reply: Reply) -> web.StreamResponse:
        response = web.StreamResponse(status=reply.status, headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(b"half")
        if request.transport is not None:
            request.transport.close()
        return response
