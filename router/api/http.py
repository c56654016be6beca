"""The HTTP server of the doors: aiohttp's parser and connections, and around them what aiohttp leaves open.

- The hot path is a dictionary lookup by path and one prepared answer; no middleware, no resource routing.
- Every error is JSON, also those that the parser finds (tracking-api 6.3).
- A request must be complete, head and body, within a time however slowly it trickles in; one sweeper looks after all
  connections, so that ten thousand idle ones cost no timer each.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.helpers import rfc822_formatted_time

from router.api.cors import answer_headers
from router.api.tracking import JSON_TYPE, TrackingAnswer, error_answer
from router.errors import RequestRefused

LINE_BYTES = 8190
HEADERS = 200
HEADER_BYTES = 64 << 10
KEEP_ALIVE_SECONDS = 75.0
SWEEP_SECONDS = 1.0
LINGER_SECONDS = 2.0
BACKLOG = 4096
_REASONS = {
    200: "OK", 204: "No Content", 304: "Not Modified", 400: "Bad Request", 401: "Unauthorized", 404: "Not Found",
    405: "Method Not Allowed", 408: "Request Timeout", 413: "Content Too Large", 414: "URI Too Long",
    415: "Unsupported Media Type", 429: "Too Many Requests", 431: "Request Header Fields Too Large",
    500: "Internal Server Error", 503: "Service Unavailable",
}  # fmt: skip
Handler = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class Plain(web.StreamResponse):
    """An answer that is written in one piece, head and body, without the machinery of a streamed one."""

    def __init__(
        self,
        status: int,
        body: bytes = b"",
        *,
        content_type: str = JSON_TYPE,
        headers: Mapping[str, str] = {},
        closes: bool = False,
    ) -> None:
        self._answer = (status, body, content_type, headers, closes)
        self._stays = False

    @property
    def status(self) -> int:
        """The HTTP status."""
        return self._answer[0]

    @property
    def keep_alive(self) -> bool | None:
        """Whether the connection stays open."""
        return self._stays

    async def prepare(self, request: web.BaseRequest) -> AbstractStreamWriter | None:
        """Write the answer."""
        status, body, content_type, headers, closes = self._answer
        self._stays = request.keep_alive and not closes
        lines = [
            f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
            f"Date: {rfc822_formatted_time()}",
            f"Content-Length: {len(body)}",
        ]
        if body:
            lines.append(f"Content-Type: {content_type}")
        lines += [f"{name}: {value}" for name, value in headers.items()]
        if not self._stays:
            lines.append("Connection: close")
        elif request.version < (1, 1):
            lines.append("Connection: keep-alive")
        head = "\r\n".join(lines).encode("latin-1", "replace") + b"\r\n\r\n"
        transport = request.transport
        if transport is None:
            raise ConnectionResetError("the client went away")
        transport.write(head if request.method == "HEAD" else head + body)
        return None

    async def write_eof(self, data: bytes = b"") -> None:
        """Nothing is left to write."""

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def answer(request: web.BaseRequest, found: TrackingAnswer, *, closes: bool = False) -> Plain:
    """Turn a door's answer into an HTTP response, with cross-origin headers where the request has an Origin."""
    cors = answer_headers(request.headers.get("Origin"))
    return Plain(found.status, found.body, headers={**cors, **found.headers}, closes=closes)


def refusal(request: web.BaseRequest, refused: RequestRefused, *, closes: bool = False) -> Plain:
    """The response for a refused request."""
    return answer(request, error_answer(refused), closes=closes)


class Routes:
    """Handlers by method and exact path, or by method and the beginning of a path."""

    def __init__(self) -> None:
        self._exact: dict[str, dict[str, Handler]] = {}
        self._prefixes: list[tuple[str, str, Handler]] = []

    def add(self, method: str, path: str, handler: Handler) -> None:
        """Have `handler` answer `method` on `path`; a path that ends in `*` stands for everything below it."""
        if path.endswith("*"):
            self._prefixes.append((method, path[:-1], handler))
        else:
            self._exact.setdefault(path, {})[method] = handler

    def find(self, method: str, path: str) -> Handler:
        """The handler; raises RequestRefused 404 or 405 (whose message lists the methods)."""
        methods = self._exact.get(path) or self._exact.get(path.rstrip("/"))
        if methods is None:
            methods = {
                one: handler for one, prefix, handler in reversed(self._prefixes) if path.startswith(prefix)
            }
        handler = methods.get(method)
        if handler is not None:
            return handler
        if methods:
            raise RequestRefused(405, "method_not_allowed", ", ".join(sorted({*methods, "OPTIONS"})))
        raise RequestRefused(404, "not_found", f"nothing is served at {path[:200]}")


async def read_body(request: web.BaseRequest, limit: int) -> bytes:
    """The body as it came over the wire; raises RequestRefused as soon as it is over `limit` bytes."""
    length = request.content_length
    if length is not None and length > limit:
        raise RequestRefused(
            400, "payload_too_large", f"Exceed payload limit: a body of {length} bytes is over {limit}"
        )
    content = request.content
    pieces = [await content.readany()]
    total = len(pieces[0])
    while not content.at_eof():
        piece = await content.readany()
        total += len(piece)
        if total > limit:
            raise RequestRefused(
                400, "payload_too_large", f"Exceed payload limit: the body is over {limit} bytes"
            )
        pieces.append(piece)
    connection = request.protocol
    assert isinstance(connection, _Connection)
    connection.is_complete()
    return pieces[0] if len(pieces) == 1 else b"".join(pieces)


class _Connection(web.RequestHandler):
    """A connection that knows since when a request is on its way."""

    __slots__ = ("_open_since", "_server")

    def __init__(self, server: "HttpServer", manager: web.Server, **options: Any) -> None:
        super().__init__(manager, **options)
        self._server = server
        self._open_since: float | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self._server.connections.add(self)

    def connection_lost(self, exc: BaseException | None) -> None:
        self._server.connections.discard(self)
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._open_since is None:
            self._open_since = self._loop.time()
        super().data_received(data)

    def is_complete(self) -> None:
        """The request is here, head and body."""
        self._open_since = None

    def give_up(self, since: float) -> None:
        """Close, with 408, when the request that is on its way began before `since`."""
        if self._open_since is None or self._open_since > since or self.transport is None:
            return
        self._open_since = None
        refused = error_answer(
            RequestRefused(408, "request_timeout", "the request did not arrive in time; send it again")
        )
        self.transport.write(
            b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (len(refused.body), refused.body)
        )
        self.force_close()

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """What the parser refuses, and what nobody expected, is answered as JSON and closes the connection."""
        self._open_since = None
        if status == 500 and exc is not None:
            self.log_exception("a request failed", exc_info=exc)
            refused = RequestRefused(503, "unavailable", "the router failed; send it again", retry_after=1)
        else:
            code = {414: "uri_too_long", 431: "headers_too_large"}.get(status, "bad_request")
            refused = RequestRefused(status, code, (message or str(exc)).splitlines()[0][:200])
        return refusal(request, refused, closes=True)


class HttpServer:
    """Listens, and hands each request to the handler that `routes` finds for it."""

    def __init__(self, routes: Routes, *, request_seconds: float) -> None:
        self.routes = routes
        self.connections: set[_Connection] = set()
        self._request_seconds = request_seconds
        self._server: asyncio.Server | None = None
        self._manager: web.Server = web.Server(self._handle)
        self._sweeper: asyncio.TimerHandle | None = None
        self.port = 0

    async def open(self, host: str, port: int) -> None:
        """Listen; raises OSError when the address is taken."""
        loop = asyncio.get_running_loop()
        connection = partial(
            _Connection,
            self,
            self._manager,
            loop=loop,
            access_log=None,
            keepalive_timeout=KEEP_ALIVE_SECONDS,
            lingering_time=LINGER_SECONDS,
            max_line_size=LINE_BYTES,
            max_field_size=LINE_BYTES,
            max_headers=HEADERS,
            auto_decompress=False,
        )
        self._server = await loop.create_server(connection, host, port, backlog=BACKLOG, reuse_address=True)
        self.port = self._server.sockets[0].getsockname()[1]
        self._sweep()

    async def close(self, *, timeout: float = 3.0) -> None:
        """Stop listening, let requests that are on their way be answered, close every connection."""
        if self._server is not None:
            self._server.close()
        if self._sweeper is not None:
            self._sweeper.cancel()
        await self._manager.shutdown(timeout)

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        path, _, _ = request.raw_path.partition("?")
        try:
            if sum(len(name) + len(value) for name, value in request.raw_headers) > HEADER_BYTES:
                raise RequestRefused(431, "headers_too_large", f"all headers are over {HEADER_BYTES} bytes")
            handler = self.routes.find(request.method, path)
            return await handler(request)
        except RequestRefused as refused:
            found = error_answer(refused)
            if refused.status == 405:
                found = TrackingAnswer(405, found.body, {"Allow": refused.message})
            return answer(request, found, closes=not request.content.is_eof())

    def _sweep(self) -> None:
        loop = asyncio.get_running_loop()
        since = loop.time() - self._request_seconds
        for connection in tuple(self.connections):
            connection.give_up(since)
        self._sweeper = loop.call_later(min(SWEEP_SECONDS, self._request_seconds / 2), self._sweep)
