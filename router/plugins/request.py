"""A request as data, and its answer: what a destination describes and the engine sends."""

from collections.abc import Mapping
from typing import Any

import msgspec
from msgspec import Struct


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request. The engine sends, compresses, paces, retries and classifies it."""

    method: str
    url: str
    headers: Mapping[str, str] = {}
    body: bytes = b""
    compress: bool = False
    """Whether the engine gzips the body and says so in `Content-Encoding`."""
    accepts: tuple[int, ...] = ()
    """Statuses besides 2xx that the generator wants to see as an answer, e.g. a 404 that means "not there yet"."""

    @classmethod
    def post(
        cls,
        url: str,
        *,
        json: Any = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        compress: bool = False,
    ) -> "Request":
        """A POST of `json` (encoded here) or of `body` as it is, which is taken to be JSON unless headers differ."""
        content = msgspec.json.encode(json) if body is None else body
        all_headers = {"Content-Type": "application/json", **(headers or {})}
        return cls(method="POST", url=url, headers=all_headers, body=content, compress=compress)

    @classmethod
    def get(cls, url: str, *, headers: Mapping[str, str] | None = None) -> "Request":
        """A GET."""
        return cls(method="GET", url=url, headers=headers or {})


class Answer(Struct, frozen=True):
    """What came back for a request."""

    status: int
    headers: Mapping[str, str]
    """Header names in lower case."""
    body: bytes
    """The first 64 KiB of the body."""

    def json(self) -> Any:
        """The decoded body; raises msgspec.DecodeError when it is not JSON."""
        return msgspec.json.decode(self.body)
