"""A request as data, and its answer: what a destination describes and the engine sends."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import UNSET, Struct, UnsetType

from router.events.calls import AnyEvent
from router.plugins.settings import Secret

Text = str | Secret
"""Text that may be secret: give the Secret itself, and only what is sent will hold its value."""
JSON = "application/json"
FORM = "application/x-www-form-urlencoded"


class Request(Struct, frozen=True, kw_only=True):
    """One HTTP request. The engine encodes, signs, compresses, paces, sends, retries and classifies it."""

    method: str
    url: Text
    headers: Mapping[str, Text] = {}
    body: bytes = b""
    json: Any = UNSET
    """A body to be encoded when it is sent; until then a Secret in it stays one. It must not be changed afterwards."""
    form: Mapping[str, Any] | UnsetType = UNSET
    """A form as the body; its values may be Secrets too."""
    settles: Sequence[AnyEvent] | None = None
    """The events whose delivery this request decides, alone: what becomes of it touches no others.

    By default all of the batch: then the request is a step of one flow, which ends where a step fails. An event that
    several requests settle fails when one of them does. `()` settles nothing: a question whose answer is needed.
    """
    compress: bool = False
    """Whether the engine gzips the body and says so in `Content-Encoding`."""
    accepts: tuple[int, ...] = ()
    """Statuses besides 2xx that the generator wants to see as an answer, e.g. a 404 that means "not there yet"."""

    @classmethod
    def post(cls, url: Text, **options: Any) -> "Request":
        """A POST of `json`, `form` or `body`; `body` is taken to be JSON unless headers say otherwise."""
        return cls.sending("POST", url, **options)

    @classmethod
    def put(cls, url: Text, **options: Any) -> "Request":
        """A PUT, as `post`."""
        return cls.sending("PUT", url, **options)

    @classmethod
    def patch(cls, url: Text, **options: Any) -> "Request":
        """A PATCH, as `post`."""
        return cls.sending("PATCH", url, **options)

    @classmethod
    def delete(cls, url: Text, *, headers: Mapping[str, Text] | None = None, **options: Any) -> "Request":
        """A DELETE."""
        return cls(method="DELETE", url=url, headers=headers or {}, **options)

    @classmethod
    def get(cls, url: Text, *, headers: Mapping[str, Text] | None = None, **options: Any) -> "Request":
        """A GET."""
        return cls(method="GET", url=url, headers=headers or {}, **options)

    @classmethod
    def sending(
        cls,
        method: str,
        url: Text,
        *,
        json: Any = UNSET,
        form: Mapping[str, Any] | UnsetType = UNSET,
        body: bytes | None = None,
        headers: Mapping[str, Text] | None = None,
        **options: Any,
    ) -> "Request":
        """A request of any method with a body; its `Content-Type` follows from what is given."""
        content_type = JSON if form is UNSET else FORM
        all_headers = {"Content-Type": content_type, **(headers or {})}
        return cls(
            method=method, url=url, headers=all_headers, json=json, form=form, body=body or b"", **options
        )

    def encoded(self) -> bytes:
        """The body as it is sent, with the values of its secrets."""
        return self._encode(_REVEALING, _reveal)

    def shown(self) -> bytes:
        """The body as it may be shown, with `***` for secrets."""
        return self._encode(_HIDING, str)

    def _encode(self, encoder: msgspec.json.Encoder, text: Any) -> bytes:
        if self.json is not UNSET:
            return encoder.encode(self.json)
        if not isinstance(self.form, UnsetType):
            return urlencode({name: text(value) for name, value in self.form.items()}).encode()
        return self.body


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


class AnswerMissing(BaseException):
    """A generator used the answer of a request that failed or was not sent; it ends there.

    Not an Exception, so that an author's `except Exception` around the reading of an answer does not take it for one.
    """

    def __init__(self, answer: "NoAnswer") -> None:
        super().__init__("the answer that is used here does not exist")
        self.answer = answer


class NoAnswer:
    """Stands for the answer of a request that failed or was not sent: a generator may go on until it uses it."""

    def __getattr__(self, name: str) -> Any:
        raise AnswerMissing(self)


def revealed(text: Text) -> str:
    """The text, also where it is secret; called where it leaves the process."""
    return text.reveal() if isinstance(text, Secret) else text


def _reveal(value: Any) -> str:
    return value.reveal() if isinstance(value, Secret) else str(value)


def _revealed_value(value: Any) -> Any:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


def _hidden_value(value: Any) -> Any:
    if isinstance(value, Secret):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no place in JSON")


_REVEALING = msgspec.json.Encoder(enc_hook=_revealed_value)
_HIDING = msgspec.json.Encoder(enc_hook=_hidden_value)
