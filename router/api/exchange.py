"""A request and its answer as doors see them: bytes and a few fields, whatever reads the socket."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from http import HTTPStatus

import msgspec
from msgspec import Struct

from router.errors import RequestRefused


class HttpRequest(Struct, frozen=True, kw_only=True):
    """A complete request."""

    method: str
    path: str
    """Without the query and without a trailing slash."""
    query: str = ""
    """As it was sent, still percent-encoded."""
    headers: Mapping[str, str] = {}
    """Looked up in any case."""
    body: bytes = b""
    peer: str = ""
    """Address of the socket's other end."""


class HttpAnswer(Struct, frozen=True, kw_only=True):
    """What a door answers."""

    status: int = 200
    body: bytes = b""
    content_type: str = "application/json"
    """Not sent when empty."""
    headers: Mapping[str, str] = {}
    parts: AsyncIterator[bytes] | None = None
    """A body that comes piece by piece, instead of `body`."""
    is_public: bool = True
    """Whether pages of other origins may read it; not what is meant for the operator."""


Handler = Callable[[HttpRequest], Awaitable[HttpAnswer]]

SUCCESS = HttpAnswer(body=b'{"success":true}')
"""What every client waits for; the very bytes are known to the connection, which has them ready."""


def failure(status: int, code: str, message: str, *, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """An answer in the one shape of every error: some clients resend for ever when `code` or `message` is missing."""
    body = msgspec.json.encode({"success": False, "code": code, "message": message, "error": message})
    return HttpAnswer(status=status, body=body, headers=headers or {})


def refusal(refused: RequestRefused) -> HttpAnswer:
    """The answer to a refused request; the time to wait stands in both headers that clients read."""
    headers = {}
    if refused.retry_after is not None:
        headers["Retry-After"] = str(refused.retry_after)
        if refused.status == HTTPStatus.TOO_MANY_REQUESTS:
            headers["X-RateLimit-Reset"] = str(refused.retry_after)
    return failure(refused.status, refused.code, refused.message, headers=headers)


def text(status: int, words: str, *, headers: Mapping[str, str] | None = None) -> HttpAnswer:
    """A short text for people."""
    return HttpAnswer(
        status=status, body=words.encode(), content_type="text/plain; charset=utf-8", headers=headers or {}
    )
