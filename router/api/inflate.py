"""Bodies without their compression, never a byte more than the limit: a small file may expand to gigabytes."""

import asyncio
import zlib

from isal import isal_zlib

from router.errors import RequestRefused

_ON_THREAD = 16 << 10
"""Compressed bodies from here on are inflated on a thread."""
_PIECE = 64 << 10
_MEMBERS = 64
"""Most streams that one gzip body may consist of: each costs a copy of what is left."""
_GZIP = 16 + zlib.MAX_WBITS
_CODINGS = {"gzip": _GZIP, "x-gzip": _GZIP, "deflate": zlib.MAX_WBITS}


async def inflated(body: bytes, coding: str, *, limit: int) -> bytes:
    """The body without its `Content-Encoding`; raises RequestRefused. What is longer than `limit` is not unpacked."""
    coding = coding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in _CODINGS:
        message = f"Content-Encoding {coding[:50]!r} is not known; send gzip, deflate or none"
        raise RequestRefused(415, "unsupported_encoding", message)
    if len(body) < _ON_THREAD:
        return inflate(body, coding, limit=limit)
    return await asyncio.to_thread(inflate, body, coding, limit=limit)


def inflate(body: bytes, coding: str, *, limit: int) -> bytes:
    """Unpack a body whose coding is known."""
    try:
        if coding == "deflate":
            return _deflated(body, limit)
        return _members(body, _GZIP, limit)
    except (zlib.error, isal_zlib.error) as error:  # type: ignore[misc] # its stub hides what it is
        raise _broken(coding, str(error)) from None


def _deflated(body: bytes, limit: int) -> bytes:
    """Some senders mean zlib's format by "deflate", some the bare stream."""
    try:
        return _members(body, zlib.MAX_WBITS, limit)
    except (zlib.error, isal_zlib.error):  # type: ignore[misc]
        return _members(body, -zlib.MAX_WBITS, limit)


def _members(body: bytes, wbits: int, limit: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    members = 0
    while body:
        members += 1
        if members > _MEMBERS:
            raise _broken("gzip", "it has too many parts")
        stream = isal_zlib.decompressobj(wbits)
        rest = body
        while not stream.eof:
            piece = stream.decompress(rest, _PIECE)
            rest = stream.unconsumed_tail
            if not piece and not rest and not stream.eof:
                raise _broken("the body's compression", "it is cut off")
            size += len(piece)
            if size > limit:
                raise RequestRefused(
                    400, "payload_too_large", f"Exceed payload limit: over {limit} bytes when inflated"
                )
            pieces.append(piece)
        body = stream.unused_data.lstrip(b"\0") if wbits == _GZIP else b""
    return b"".join(pieces)


def _broken(coding: str, why: str) -> RequestRefused:
    return RequestRefused(400, "invalid_json", f"the body cannot be inflated: {coding}: {why}")
