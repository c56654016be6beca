"""The promise about secrets: they leave the process in requests, and stand nowhere else."""

import asyncio
import base64
import binascii
import contextlib
import io
import logging
import re
from collections.abc import Iterator

from msgspec.structs import fields

from router.testing.conformance.lab import lab
from router.testing.conformance.promise import NotKept
from router.testing.conformance.source_specimen import SourceSpecimen
from router.testing.conformance.specimen import Specimen
from router.testing.exchanging import exchange
from router.testing.fake_http import Reply

_SECRET_NAME = re.compile(r"(^|_)(secret|token|password|passphrase|api_?key|private_key|credentials?)$")
_BASE64 = re.compile(r"[A-Za-z0-9+/_=-]{12,}")


async def hides_its_secrets(specimen: Specimen) -> None:
    """No value of a Secret can be read where people look."""
    _look_at_types(specimen)
    destination = specimen.destination()
    _look(specimen, f"{specimen.config.settings!r} {destination.settings!s}", "the `repr` of its settings")
    _look(specimen, f"{destination!r} {destination!s}", "its `repr`")
    with _listening() as heard:
        await _deliver(specimen)
    _look(specimen, heard.getvalue(), "what it logs or prints")


async def shows_no_secret(specimen: SourceSpecimen) -> None:
    """No value of a Secret can be read in what a source says of itself."""
    _look_at_types(specimen)
    _look(specimen, specimen.shown(), "its `repr`, or that of its settings")


def _look_at_types(specimen: Specimen | SourceSpecimen) -> None:
    for one in fields(specimen.cls.settings_type()):
        if _SECRET_NAME.search(one.name) and one.type in (str, str | None):
            raise NotKept(
                f"`{one.name}` of its settings is a str", "give it the type Secret, which is never shown"
            )


async def _deliver(specimen: Specimen) -> None:
    """Once well, once refused; a dead letter shows the request and the answer."""
    if not specimen.cls.speaks_http():
        await asyncio.to_thread(exchange, specimen.destination(), specimen.events())
        return
    async with lab(specimen) as one:
        await one.send([event.replace(message_id="m-well") for event in specimen.sending[:1]])
        await one.finished()
        one.service.rule = lambda received: Reply(
            status=400, body=received.body, headers=_echoed(received.headers)
        )
        await one.send([event.replace(message_id="m-refused") for event in specimen.sending[:1]])
        await one.finished(step=60.0)
        for letter in await one.letters():
            _look(specimen, f"{letter.request}\n{letter.answer}", "the dead letter of a refused event")
        _look(specimen, "\n".join(map(repr, one.signals)), "the signals of the router")


def _echoed(headers: object) -> dict[str, str]:
    """The request's headers as an unfriendly service tells them in its answer."""
    assert hasattr(headers, "items")
    kept = ("authorization", "x-")
    return {f"X-Echo-{name}": value for name, value in headers.items() if name.startswith(kept)}


def _look(specimen: Specimen | SourceSpecimen, text: str, where: str) -> None:
    if any(secret in part for part in (text, *_decoded(text)) for secret in specimen.secrets):
        raise NotKept(
            f"a secret can be read in {where}",
            "call `reveal()` only where a Request is made; log nothing; put no secret into errors, or encode it "
            "only in the Authorization header",
        )


def _decoded(text: str) -> Iterator[str]:
    """Everything in a text that is base64: a password is no secret in it."""
    for word in _BASE64.findall(text):
        for alphabet in (None, b"-_"):
            with contextlib.suppress(binascii.Error, ValueError):
                yield base64.b64decode(word + "=" * (-len(word) % 4), altchars=alphabet).decode("latin-1")


@contextlib.contextmanager
def _listening() -> Iterator[io.StringIO]:
    """Everything that is logged or printed meanwhile."""
    heard = io.StringIO()
    handler = logging.StreamHandler(heard)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    try:
        with contextlib.redirect_stdout(heard), contextlib.redirect_stderr(heard):
            yield heard
    finally:
        root.setLevel(level)
        root.removeHandler(handler)
