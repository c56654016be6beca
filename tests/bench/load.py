"""A small HTTP client that costs little: keep-alive connections that each post one body after the other."""

import asyncio
import time
from collections.abc import Iterator
from urllib.parse import urlsplit


class _Connection(asyncio.Protocol):
    """One request in flight; hands the status line to whoever waits."""

    def __init__(self) -> None:
        self.answer: asyncio.Future[int] | None = None
        self.buffer = b""
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not separator:
            return
        at = head.lower().index(b"content-length:") + 15
        length = int(head[at : head.find(b"\r\n", at) if b"\r\n" in head[at:] else None])
        if len(body) >= length and self.answer is not None:
            self.buffer = b""
            self.answer.set_result(int(head[9:12]))

    def connection_lost(self, error: Exception | None) -> None:
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(ConnectionError("closed by the server"))


async def post_all(
    url: str, bodies: Iterator[bytes], *, connections: int, authorization: str = ""
) -> list[float]:
    """Post every body once; return the latency of each request in seconds. Any answer but 200 raises."""
    parts = urlsplit(url)
    loop = asyncio.get_running_loop()
    latencies: list[float] = []

    async def run() -> None:
        transport, connection = await loop.create_connection(_Connection, parts.hostname, parts.port)
        try:
            for body in bodies:
                head = (
                    f"POST {parts.path} HTTP/1.1\r\nHost: {parts.netloc}\r\nContent-Type: application/json\r\n"
                    f"{authorization}Content-Length: {len(body)}\r\n\r\n"
                )
                connection.answer = loop.create_future()
                started = time.perf_counter()
                transport.write(head.encode() + body)
                status = await connection.answer
                latencies.append(time.perf_counter() - started)
                if status != 200:
                    raise RuntimeError(f"{url} answered {status}")
        finally:
            transport.close()

    await asyncio.gather(*(run() for _ in range(connections)))
    return latencies


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of all values lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]
