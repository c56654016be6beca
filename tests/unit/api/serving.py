"""A server with handlers of a test's own, and a raw client for it."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from router.api.exchange import HttpAnswer, HttpRequest
from router.api.framing import Bounds
from router.api.http import HttpServer
from router.api.routes import Routes


class Served:
    """A running server; `requests` holds what reached the handler at /echo and /held."""

    def __init__(self, bounds: Bounds) -> None:
        self.requests: list[HttpRequest] = []
        self.arrived = asyncio.Event()
        self.release = asyncio.Event()
        self.ended = asyncio.Event()
        routes = Routes()
        for method in ("GET", "POST"):
            routes.add_route(method, "/echo", self._echo)
        routes.add_route("POST", "/held", self._held)
        routes.add_route("POST", "/broken", self._broken)
        routes.add_route("GET", "/large", self._large)
        routes.add_route("GET", "/parts", self._parts)
        routes.add_route("GET", "/endless", self._endless)
        routes.add_route("GET", "/private", self._private)
        self.server = HttpServer(routes, bounds)

    async def _echo(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        return HttpAnswer(body=request.body or b"-", content_type="text/plain")

    async def _held(self, request: HttpRequest) -> HttpAnswer:
        self.requests.append(request)
        self.arrived.set()
        await self.release.wait()
        return HttpAnswer(body=b"held:" + request.body, content_type="text/plain")

    async def _broken(self, request: HttpRequest) -> HttpAnswer:
        raise KeyError("a bug")

    async def _large(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(body=bytes(4 << 20), content_type="text/plain")

    async def _parts(self, request: HttpRequest) -> HttpAnswer:
        async def parts() -> AsyncIterator[bytes]:
            for part in (b"one", b"", b"two"):
                yield part

        return HttpAnswer(parts=parts(), content_type="text/plain")

    async def _endless(self, request: HttpRequest) -> HttpAnswer:
        async def parts() -> AsyncIterator[bytes]:
            try:
                while True:
                    yield bytes(1 << 16)
            finally:
                self.ended.set()

        return HttpAnswer(parts=parts(), content_type="text/plain")

    async def _private(self, request: HttpRequest) -> HttpAnswer:
        return HttpAnswer(is_public=False)


class Client:
    """One raw connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    def reset_on_close(self) -> None:
        """Have the end of the connection be a reset, so that the server learns that nobody reads any more."""
        opened = self.writer.get_extra_info("socket")
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async def read(self, count: int = -1) -> bytes:
        """What comes until the server closes, or `count` bytes."""
        async with asyncio.timeout(10):
            return await (self.reader.readexactly(count) if count >= 0 else self.reader.read())

    async def until(self, end: bytes) -> bytes:
        async with asyncio.timeout(10):
            return await self.reader.readuntil(end)


def post(path: str = "/echo", body: bytes = b"ab", *headers: bytes) -> bytes:
    """A POST request as bytes."""
    lines = [b"POST %b HTTP/1.1" % path.encode(), b"Host: x", b"Content-Length: %d" % len(body), *headers]
    return b"\r\n".join(lines) + b"\r\n\r\n" + body


CLOSE = b"Connection: close"


@asynccontextmanager
async def serving(
    *,
    body_bytes: int = 1000,
    held_bytes: int = 1 << 20,
    request_seconds: float = 55.0,
    idle_seconds: float = 120.0,
    stalled_seconds: float = 60.0,
) -> AsyncIterator[Served]:
    """Run a server on 127.0.0.1."""
    served = Served(
        Bounds(
            body_bytes=body_bytes,
            held_bytes=held_bytes,
            request_seconds=request_seconds,
            idle_seconds=idle_seconds,
            stalled_seconds=stalled_seconds,
        )
    )
    await served.server.open("127.0.0.1", 0)
    try:
        yield served
    finally:
        served.release.set()
        await served.server.close()


@asynccontextmanager
async def client(served: Served) -> AsyncIterator[Client]:
    """Connect."""
    reader, writer = await asyncio.open_connection("127.0.0.1", served.server.port, limit=1 << 23)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()
