"""Inflation under a limit: it stops as soon as the limit is passed, so a bomb costs what the limit allows."""

from isal import isal_zlib

from router.errors import RequestRefused

_WINDOW = {"gzip": 31, "x-gzip": 31, "deflate": 15}
IDENTITY = frozenset({"", "identity"})


class _Broken(Exception):
    """The compressed data is damaged or ends too early."""


def inflate(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo `Content-Encoding`; raises RequestRefused: 415 for an unknown coding, 400 when broken or over `limit`."""
    window = _WINDOW.get(encoding)
    if window is None:
        raise RequestRefused(
            415,
            "unsupported_encoding",
            f"Content-Encoding {encoding!r} is not supported; send gzip or deflate",
        )
    try:
        return _inflate(body, window, limit)
    except _Broken as error:
        if encoding == "deflate":  # some senders mean raw deflate by it
            try:
                return _inflate(body, -15, limit)
            except _Broken:
                pass
        raise RequestRefused(400, "invalid_json", f"the {encoding} body is broken: {error}") from None


def _inflate(body: bytes, window: int, limit: int) -> bytes:
    pieces = []
    left = limit + 1
    rest = body
    while rest:
        stream = isal_zlib.decompressobj(wbits=window)
        try:
            piece = stream.decompress(rest, left)
        except isal_zlib.error as error:  # type: ignore[misc] # its stub says Exception by name only
            raise _Broken(str(error)) from None
        pieces.append(piece)
        left -= len(piece)
        if left <= 0:
            raise RequestRefused(
                400,
                "payload_too_large",
                f"Exceed payload limit: the body inflates to more than {limit} bytes",
            )
        if not stream.eof:
            raise _Broken("it ends too early")
        rest = stream.unused_data if window == 31 and stream.unused_data[:2] == b"\x1f\x8b" else b""
    return b"".join(pieces)
