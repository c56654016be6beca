"""A client that sends the bytes it is told to and reads the answer as it comes: no default header, no retry."""

import asyncio
import base64
import json
from collections.abc import Mapping
from contextlib import suppress
from typing import Any, NamedTuple

from router.testing.running import Running

SECONDS = 10
"""How long a test waits for an answer before it fails."""


class Reply(NamedTuple):
    """An answer of the router."""

    status: int
    headers: Mapping[str, str]
    """By name in small letters."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The code of a failure whose body has the one shape of every error; raises when it has another."""
        assert self.headers["content-type"] == "application/json"
        assert self.json["success"] is False
        assert isinstance(self.json["message"], str)
        assert self.json["error"] == self.json["message"]
        return str(self.json["code"])


def basic(key: str) -> dict[str, str]:
    """The header of Basic authentication with a write key and no password."""
    return {"Authorization": "Basic " + base64.b64encode(f"{key}:".encode()).decode()}


DEMO = basic("wk_demo")


def track(**fields: Any) -> dict[str, Any]:
    """A call that every rule allows, with these fields besides."""
    return {"type": "track", "userId": "u1", "event": "E", **fields}


def encoded(body: Any) -> bytes:
    """A body as bytes: JSON of what is no bytes yet."""
    return body if isinstance(body, bytes) else json.dumps(body, separators=(",", ":")).encode()


def request_bytes(method: str, path: str, body: bytes, headers: Mapping[str, str]) -> bytes:
    """An HTTP/1.1 request; `Content-Length` is added unless `headers` frame the body."""
    lines = [f"{method} {path} HTTP/1.1", *([] if "Host" in headers else ["Host: router.test"])]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    framed = {name.lower() for name in headers} & {"content-length", "transfer-encoding"}
    if not framed and (body or method == "POST"):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


class Connection:
    """One connection to the doors."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self.writer = writer

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(data)

    async def reply(self, *, method: str = "POST") -> Reply:
        """Read the next answer; raises TimeoutError when none comes and IncompleteReadError when it is cut."""
        async with asyncio.timeout(SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
            status, *lines = head.removesuffix("\r\n\r\n").split("\r\n")
            headers = {
                name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)
            }
            number = int(status.split(" ")[1])
            has_body = method != "HEAD" and number >= 200 and number not in (204, 304)
            body = await self._reader.readexactly(int(headers["content-length"])) if has_body else b""
            return Reply(number, headers, body)

    async def is_closed(self) -> bool:
        """Wait until the router closes, having sent nothing more; raises TimeoutError when it does not."""
        async with asyncio.timeout(SECONDS):
            try:
                return await self._reader.read(1) == b""
            except ConnectionError:
                return True

    async def __aenter__(self) -> "Connection":
        return self

    async def __aexit__(self, *error: object) -> None:
        self.writer.close()
        with suppress(ConnectionError):
            await self.writer.wait_closed()


async def connect(rig: Running) -> Connection:
    """A new connection."""
    return Connection(*await asyncio.open_connection("127.0.0.1", rig.port, limit=1 << 20))


async def ask(
    rig: Running,
    path: str,
    body: Any = b"",
    *,
    method: str = "POST",
    headers: Mapping[str, str] = DEMO,
) -> Reply:
    """Send one request over a connection of its own and read the answer."""
    async with await connect(rig) as connection:
        connection.send(request_bytes(method, path, encoded(body), headers))
        return await connection.reply(method=method)


async def stored(
    rig: Running, path: str, body: Any, *, headers: Mapping[str, str] = DEMO
) -> list[dict[str, Any]]:
    """Send one request that must succeed, and return every event that was delivered until now."""
    reply = await ask(rig, path, body, headers=headers)
    assert (reply.status, reply.body) == (200, b'{"success":true}')
    await rig.drained()
    return rig.delivered


async def failed(rig: Running, source: str = "website") -> dict[str, int]:
    """What was counted as failed on ingest for a source, by reason."""
    counters = await rig.counters()
    return {name[2]: amount for name, amount in counters.items() if name[:2] == ("failed_on_ingest", source)}
