"""Requests and answers as text for operators: cut to size, with every secret hidden."""

import base64
import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from msgspec import Struct
from msgspec.structs import asdict

from router.plugins.auth import Auth, BasicAuth, HeaderAuth, HmacAuth
from router.plugins.request import Answer, Request, Text
from router.plugins.settings import Secret

SHOWN_BYTES = 4096
SHORTEST = 4
"""A shorter secret is no secret, and hiding it would blot the text."""
HIDDEN = "***"
TOKENS_KNOWN = 8
"""So many of the latest tokens are hidden; an older one is not accepted any more."""
HIDDEN_HEADERS = frozenset(
    {"authorization", "cookie", "proxy-authorization", "x-api-key", "x-signature", "x-amz-security-token"}
)
"""Headers, in lower case, whose values are never shown."""


class Secrecy:
    """Hides the secrets of one destination, in each form in which they may be sent."""

    def __init__(self, settings: Struct, auth: Auth | None = None) -> None:
        self._forms: list[str] = []
        self._hidden = HIDDEN_HEADERS
        self._tokens: dict[str, None] = {}
        for secret in _secrets(settings):
            self._add(secret.reveal())
        if auth is not None:
            self.cover(auth)

    def cover(self, auth: Auth) -> None:
        """Hide the secrets of `auth` too."""
        for secret in _secrets(auth):
            self._add(secret.reveal())
        if isinstance(auth, BasicAuth):
            pair = f"{auth.username}:{auth.password.reveal()}"
            self._add(base64.b64encode(pair.encode()).decode())
        elif isinstance(auth, HeaderAuth):
            self._hidden |= {auth.name.lower()}
        elif isinstance(auth, HmacAuth):
            self._hidden |= {auth.header.lower()}

    def learn(self, token: str) -> None:
        """Hide a token that was fetched, as long as it is one of the latest."""
        self._tokens[token] = None
        if len(self._tokens) > TOKENS_KNOWN:
            del self._tokens[next(iter(self._tokens))]

    def _add(self, value: str) -> None:
        if len(value) >= SHORTEST:
            forms = {*self._forms, *_forms(value)}
            self._forms = sorted(forms, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """The text without secrets, cut."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        for token in self._tokens:
            if len(token) >= SHORTEST:
                for form in _forms(token):
                    text = text.replace(form, HIDDEN)
        return text[:SHOWN_BYTES]

    def request(self, request: Request) -> str:
        """A request as text."""
        lines = [f"{request.method} {request.url}", *self._headers(request.headers)]
        return self.hide("\n".join(lines) + "\n\n" + _shown(request.shown()))

    def answer(self, answer: Answer) -> str:
        """An answer as text."""
        lines = [str(answer.status), *self._headers(answer.headers)]
        return self.hide("\n".join(lines) + "\n\n" + _shown(answer.body))

    def _headers(self, headers: Mapping[str, Text]) -> Iterator[str]:
        for name, value in headers.items():
            yield f"{name}: {HIDDEN if name.lower() in self._hidden else value}"


def _forms(value: str) -> set[str]:
    """A secret as it may stand in a URL, a form or JSON."""
    return {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}


def _shown(body: bytes) -> str:
    """Somewhat more than is shown, so that a secret at the cut is still recognised whole."""
    return body[: 2 * SHOWN_BYTES].decode("utf-8", "replace")


def _secrets(value: Any) -> Iterator[Secret]:
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Struct):
        yield from _secrets(asdict(value))
    elif isinstance(value, Mapping):
        for member in value.values():
            yield from _secrets(member)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for member in value:
            yield from _secrets(member)
