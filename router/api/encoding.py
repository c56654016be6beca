"""An answer as bytes on the wire; the one that nearly every request gets is ready beforehand."""

import time
from email.utils import formatdate
from http import HTTPStatus

from router.api.cors import origin_lines
from router.api.exchange import SUCCESS, HttpAnswer

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
_BODILESS = (HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED)
_SUCCESS_HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % len(
    SUCCESS.body
)
_PHRASES = {status.value: status.phrase for status in HTTPStatus}


class DateLine:
    """The line `Date: …`, made once a second: clients compute the skew of their clocks from it."""

    def __init__(self) -> None:
        self._second = 0
        self._line = b""

    def __call__(self) -> bytes:
        """The line for this moment."""
        second = int(time.time())
        if second != self._second:
            self._second = second
            self._line = f"Date: {formatdate(second, usegmt=True)}\r\n".encode()
        return self._line


def encode_answer(
    answer: HttpAnswer,
    date: bytes,
    *,
    origin: str | None = None,
    connection: bytes = b"",
    is_head: bool = False,
) -> bytes:
    """The whole answer, or its head when the body comes in parts; `connection` is a ready header line or nothing."""
    across = origin_lines(origin) if origin is not None and answer.is_public else b""
    if answer is SUCCESS and not is_head:
        return b"".join((_SUCCESS_HEAD, date, across, connection, b"\r\n", SUCCESS.body))
    lines = [
        f"HTTP/1.1 {answer.status} {_PHRASES.get(answer.status, '')}\r\n".encode(),
        date,
        across,
        connection,
    ]
    if answer.content_type:
        lines.append(f"Content-Type: {answer.content_type}\r\n".encode())
    lines += [f"{name}: {value}\r\n".encode("latin-1", "replace") for name, value in answer.headers.items()]
    if answer.parts is not None:
        lines.append(b"Transfer-Encoding: chunked\r\n")
    elif answer.status not in _BODILESS:
        lines.append(b"Content-Length: %d\r\n" % len(answer.body))
    lines.append(b"\r\n")
    if not is_head and answer.status not in _BODILESS:
        lines.append(answer.body)
    return b"".join(lines)


def encode_chunk(part: bytes) -> bytes:
    """A part of a body that comes in parts."""
    return b"%x\r\n%b\r\n" % (len(part), part)
