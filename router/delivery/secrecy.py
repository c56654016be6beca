"""Requests and answers as text for operators: cut to size, with every secret hidden."""

import json
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

from msgspec import Struct
from msgspec.structs import asdict

from router.plugins.request import Answer, Request
from router.plugins.settings import Secret

SHOWN_BYTES = 4096
SHORTEST = 4
"""A shorter secret is no secret, and hiding it would blot the text."""
HIDDEN = "***"
HIDDEN_HEADERS = frozenset({"authorization", "cookie", "proxy-authorization", "x-api-key", "x-signature"})
"""Headers, in lower case, whose values are never shown."""


class Secrecy:
    """Hides the secrets of one destination's settings, in each form in which they may be sent."""

    def __init__(self, settings: Struct) -> None:
        forms: set[str] = set()
        for secret in _secrets(settings):
            value = secret.reveal()
            if len(value) >= SHORTEST:
                forms.update((value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]))
        self._forms = sorted(forms, key=len, reverse=True)

    def hide(self, text: str) -> str:
        """The text without secrets, cut."""
        for form in self._forms:
            text = text.replace(form, HIDDEN)
        return text[:SHOWN_BYTES]

    def request(self, request: Request) -> str:
        """A request as text."""
        lines = [f"{request.method} {request.url}", *_headers(request.headers)]
        return self.hide("\n".join(lines) + "\n\n" + _shown(request.body))

    def answer(self, answer: Answer) -> str:
        """An answer as text."""
        lines = [str(answer.status), *_headers(answer.headers)]
        return self.hide("\n".join(lines) + "\n\n" + _shown(answer.body))


def _headers(headers: Mapping[str, str]) -> Iterator[str]:
    for name, value in headers.items():
        yield f"{name}: {HIDDEN if name.lower() in HIDDEN_HEADERS else value}"


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
