"""What a request may cost, and what is wrong with a head although aiohttp's parser lets it pass."""

from aiohttp.http_parser import RawRequestMessage
from aiohttp.http_writer import HttpVersion10
from msgspec import Struct

LINE_BYTES = 8 << 10
"""Most bytes of a request line, and of one header."""
HEAD_BYTES = 64 << 10
HEADERS = 200


class Bounds(Struct, frozen=True, kw_only=True):
    """What a connection may cost."""

    body_bytes: int
    """Most bytes of a body as it is sent."""
    held_bytes: int = 128 << 20
    """Most bytes of bodies that all connections together may hold."""
    request_seconds: float = 55.0
    """How long a request may take to arrive, head and body."""
    idle_seconds: float = 120.0
    """How long a connection may stay open between requests."""
    stalled_seconds: float = 60.0
    """A client that reads nothing of an answer for so long is cut off."""


def wrong_framing(message: RawRequestMessage) -> tuple[int, str, str] | None:
    """What is wrong with a head that the parser lets pass."""
    coding = message.headers.get("Transfer-Encoding")
    if coding is not None and (coding.lower() != "chunked" or message.version == HttpVersion10):
        return 400, "bad_request", 'Transfer-Encoding may only be "chunked"'
    if len(message.raw_headers) > 16:
        size = sum(len(name) + len(value) + 4 for name, value in message.raw_headers)
        if size > HEAD_BYTES:
            return 431, "bad_request", f"the head is over {HEAD_BYTES} bytes"
    return None


def shown(error: Exception) -> str:
    """What a client is told of an error of the parser."""
    message = getattr(error, "message", "") or str(error)
    return str(message).strip().split("\n")[0][:200].encode("ascii", "replace").decode()
