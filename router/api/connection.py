"""One connection: reads requests off the socket under limits, has them answered in order, survives bad clients.

    bytes ─▶ aiohttp's parser ─▶ limits ─▶ waiting ─▶ handler ─▶ bytes

The parser is aiohttp's, in C; what stands around it costs a quarter of a whole aiohttp application. A request is
handed on when it is complete. An error answer to a request that is still arriving ends the connection: what else
arrives is thrown away for a moment, or the client would see a reset in place of the answer.
"""

import asyncio
from collections import deque
from collections.abc import Coroutine
from typing import Any, Protocol, cast

from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_exceptions import HttpProcessingError, LineTooLong
from aiohttp.http_parser import HttpRequestParser, RawRequestMessage
from aiohttp.http_writer import HttpVersion10
from aiohttp.streams import StreamReader
from msgspec import Struct

from router.api.encoding import CONTINUE, LAST_CHUNK, encode_answer, encode_chunk
from router.api.exchange import HttpAnswer, HttpRequest, failure
from router.api.framing import HEAD_BYTES, HEADERS, LINE_BYTES, Bounds, shown, wrong_framing
from router.api.routes import Routes

PIPELINED = 16
"""Complete requests that may wait on one connection before it is read no further."""
LINGER_SECONDS = 2.0
DISCARDED_BYTES = 8 << 20
"""What a refused client may go on sending without being held up."""
_UNLIMITED = 1 << 30  # the parser's own flow control is not used: this module stops at `body_limit`
_CLOSE = b"Connection: close\r\n"
_KEEP = b"Connection: keep-alive\r\n"


class Hub(Protocol):
    """What a connection needs of its server."""

    bounds: Bounds
    routes: Routes
    held: int
    connections: "set[Connection]"

    def start(self, answering: Coroutine[Any, Any, None], connection: "Connection") -> None:
        """Run a connection's answers as a task."""

    def date(self) -> bytes:
        """The line `Date: …`."""


class _Turn(Struct):
    """A request that waits for its answer, or an answer that is ready."""

    request: HttpRequest | None
    answer: HttpAnswer | None
    origin: str | None
    connection: bytes
    ends: bool


class Connection(asyncio.Protocol):
    """A client's connection."""

    __slots__ = (
        "_arriving_since", "_head_bytes", "_hub", "_idle_since", "_is_answering", "_is_deaf", "_is_lost",
        "_linger_until", "_loop", "_message", "_parser", "_payload", "_peer", "_pieces", "_size",
        "_stalled_since", "_transport", "_turns", "_writable",
    )  # fmt: skip

    def __init__(self, hub: Hub, loop: asyncio.AbstractEventLoop, flow: BaseProtocol) -> None:
        self._hub = hub
        self._loop = loop
        self._parser = HttpRequestParser(
            flow, loop, _UNLIMITED, max_line_size=LINE_BYTES, max_field_size=LINE_BYTES, max_headers=HEADERS,
            auto_decompress=False,
        )  # fmt: skip
        self._transport: asyncio.Transport
        self._peer = ""
        self._message: RawRequestMessage | None = None
        self._payload: StreamReader | None = None
        self._pieces: list[bytes] = []
        self._size = 0
        self._head_bytes = 0  # of a head that is not complete; behind a refusal, of what is thrown away
        self._turns: deque[_Turn] = deque()
        self._is_answering = False
        self._is_deaf = False
        self._is_lost = False
        self._arriving_since: float | None = None
        self._idle_since = loop.time()
        self._linger_until: float | None = None
        self._stalled_since: float | None = None
        self._writable: asyncio.Future[None] | None = None

    # --- called by the loop ---------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Count in."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by inheritance
        peer = transport.get_extra_info("peername")
        self._peer = peer[0] if isinstance(peer, tuple) else ""
        self._hub.connections.add(self)

    def connection_lost(self, error: Exception | None) -> None:
        """Count out. A request that is being kept goes on: it must not disturb the others of its group."""
        self._is_lost = self._is_deaf = True
        self._hub.connections.discard(self)
        self._forget_body()
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def eof_received(self) -> bool:
        """A client may close its side after its last request and still wait for the answer."""
        self._is_deaf = True
        if not self._turns:
            return self._is_answering
        self._turns[-1].ends = True
        return True

    def pause_writing(self) -> None:
        """The client reads slowly."""
        self._stalled_since = self._loop.time()
        self._writable = self._loop.create_future()

    def resume_writing(self) -> None:
        """The client reads again."""
        self._stalled_since = None
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)
        self._writable = None

    def data_received(self, data: bytes) -> None:
        """Read what arrived."""
        if self._is_deaf:
            self._discard(len(data))
            return
        try:
            messages, is_upgraded, _ = self._parser.feed_data(data)
        except LineTooLong:
            self._refuse(431, "bad_request", f"a line of the head is over {LINE_BYTES} bytes")
            return
        except (HttpProcessingError, ValueError) as error:
            self._refuse(400, "bad_request", f"this is no valid HTTP request: {shown(error)}")
            return
        if self._payload is not None:
            self._take_body(self._payload)
        elif not messages:
            self._await_head(data)
            return
        for message, payload in messages:
            if self._is_deaf:
                return
            self._begin(message, payload)
        if is_upgraded:
            self._is_deaf = True  # no other protocol is spoken here

    def _discard(self, size: int) -> None:
        """Throw away what comes behind a refusal; who sends without end has to wait for the end."""
        self._head_bytes += size
        if self._head_bytes > DISCARDED_BYTES and not self._is_lost:
            self._transport.pause_reading()

    # --- reading --------------------------------------------------------------------------------------

    def _await_head(self, data: bytes) -> None:
        if self._arriving_since is None:
            if not data.strip(b"\r\n"):  # some old clients send an empty line behind a body
                return
            self._arriving_since = self._loop.time()
        self._head_bytes += len(data)
        if self._head_bytes > HEAD_BYTES + LINE_BYTES:
            self._refuse(431, "bad_request", f"the head is over {HEAD_BYTES} bytes")

    def _begin(self, message: RawRequestMessage, payload: StreamReader) -> None:
        """A head is complete; its body may be."""
        self._message = message
        self._head_bytes = 0
        wrong = wrong_framing(message)
        if wrong:
            self._refuse(*wrong)
            return
        length = message.headers.get("Content-Length")
        if length is not None and int(length) > self._hub.bounds.body_bytes:
            self._refuse_size()
            return
        if payload.is_eof():
            self._complete(message, payload.read_nowait())
            return
        if self._arriving_since is None:
            self._arriving_since = self._loop.time()
        self._payload = payload
        expects = message.headers.get("Expect")
        is_first = not self._turns and not self._is_answering
        if expects is not None and expects.lower() == "100-continue" and is_first:
            self._transport.write(CONTINUE)
        self._take_body(payload)

    def _take_body(self, payload: StreamReader) -> None:
        piece = payload.read_nowait()
        if piece:
            self._pieces.append(piece)
            self._size += len(piece)
            self._hub.held += len(piece)
            if self._size > self._hub.bounds.body_bytes:
                self._refuse_size()
                return
            if self._hub.held > self._hub.bounds.held_bytes:
                self._refuse(503, "unavailable", "too many requests are arriving; send it again", wait="1")
                return
        if payload.is_eof():
            body = b"".join(self._pieces)
            message = self._message
            self._forget_body()
            if message is not None:
                self._complete(message, body)

    def _forget_body(self) -> None:
        self._hub.held -= self._size
        self._pieces = []
        self._size = 0
        self._payload = None

    def _complete(self, message: RawRequestMessage, body: bytes) -> None:
        self._message = None
        self._arriving_since = None
        path, _, query = message.path.partition("#")[0].partition("?")
        if path[:1] != "/":
            path, query = message.url.raw_path, message.url.raw_query_string
        if path[-1:] == "/" and len(path) > 1:
            path = path[:-1]
        if not (path + query).isascii():
            path, query = (text.encode(errors="replace").decode() for text in (path, query))
        request = HttpRequest(
            method=message.method, path=path, query=query, headers=message.headers, body=body, peer=self._peer
        )
        self._hub.held += len(body)
        ends = message.should_close or message.upgrade
        connection = _CLOSE if ends else _KEEP if message.version == HttpVersion10 else b""
        self._turns.append(_Turn(request, None, message.headers.get("Origin"), connection, ends))
        self._is_deaf = ends
        self._go_on()

    # --- refusing -------------------------------------------------------------------------------------

    def _refuse_size(self) -> None:
        limit = self._hub.bounds.body_bytes
        self._refuse(400, "payload_too_large", f"Exceed payload limit: the body is over {limit} bytes")

    def _refuse(self, status: int, code: str, message: str, *, wait: str = "") -> None:
        """Answer a request that is not complete, behind those that are, and end."""
        answer = failure(status, code, message, headers={"Retry-After": wait} if wait else None)
        origin = self._message.headers.get("Origin") if self._message is not None else None
        self._forget_body()
        self._is_deaf = True
        self._arriving_since = None
        self._turns.append(_Turn(None, answer, origin, _CLOSE, True))
        self._linger_until = self._loop.time() + LINGER_SECONDS + self._hub.bounds.request_seconds
        self._go_on()

    # --- answering ------------------------------------------------------------------------------------

    def _go_on(self) -> None:
        if not self._is_answering:
            self._is_answering = True
            self._hub.start(self._answer(), self)
        elif len(self._turns) >= PIPELINED:
            self._transport.pause_reading()

    async def _answer(self) -> None:
        """Answer whatever waits, in order."""
        while self._turns:
            turn = self._turns.popleft()
            request, answer, is_head = turn.request, turn.answer, False
            if request is not None:
                is_head = request.method == "HEAD"
                try:
                    answer = await self._hub.routes.find(request.method, request.path)(request)
                finally:
                    self._hub.held -= len(request.body)
            assert answer is not None
            if self._is_lost:
                break
            data = encode_answer(
                answer, self._hub.date(), origin=turn.origin, connection=turn.connection, is_head=is_head
            )
            self._transport.write(data)
            if answer.parts is not None and not is_head:
                await self._send_parts(answer)
            if turn.ends or (self._is_deaf and not self._turns):
                self._end()
                break
            if self._writable is not None:
                await self._writable
            if len(self._turns) < PIPELINED and not self._transport.is_reading():
                self._transport.resume_reading()
        self._forget_turns()
        self._is_answering = False
        self._idle_since = self._loop.time()

    def _forget_turns(self) -> None:
        """Whoever is gone, or was told that the connection ends, gets no further answer."""
        self._hub.held -= sum(len(turn.request.body) for turn in self._turns if turn.request is not None)
        self._turns.clear()

    async def _send_parts(self, answer: HttpAnswer) -> None:
        assert answer.parts is not None
        async for part in answer.parts:
            if self._is_lost:
                return
            if part:
                self._transport.write(encode_chunk(part))
            if self._writable is not None:
                await self._writable
        self._transport.write(LAST_CHUNK)

    def fail(self) -> None:
        """A handler broke: say that the request may be sent again, and end."""
        self._forget_turns()
        self._is_answering = False
        if not self._is_lost:
            answer = failure(
                503, "unavailable", "an internal failure; send it again", headers={"Retry-After": "5"}
            )
            self._transport.write(encode_answer(answer, self._hub.date(), connection=_CLOSE))
            self._end()

    def _end(self) -> None:
        self._is_deaf = True
        if self._linger_until is None:
            self._transport.close()
            return
        self._linger_until = self._loop.time() + LINGER_SECONDS
        if self._transport.can_write_eof():
            self._transport.write_eof()

    # --- called by the server -------------------------------------------------------------------------

    def look_at_clock(self, now: float) -> None:
        """End what takes too long."""
        bounds = self._hub.bounds
        is_over = self._linger_until is not None and now > self._linger_until
        if is_over or (
            self._stalled_since is not None and now - self._stalled_since > bounds.stalled_seconds
        ):
            self._transport.abort()
        elif self._arriving_since is not None:
            if now - self._arriving_since > bounds.request_seconds:
                seconds = f"{bounds.request_seconds:g}"
                self._refuse(408, "request_timeout", f"the request was not complete within {seconds} s")
        elif not self._is_answering and now - self._idle_since > bounds.idle_seconds:
            self._transport.close()

    def finish(self) -> None:
        """Take no further request; answer what is complete, then close."""
        self._is_deaf = True
        if not self._is_answering:
            self._transport.close()

    def abort(self) -> None:
        """Close at once."""
        self._transport.abort()
