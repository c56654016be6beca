"""How a mapping's requests are written: addresses and headers with places in them, and bodies."""

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import quote

import msgspec
from msgspec import Struct

from router.events.calls import AnyEvent
from router.plugins.declarative.definition import RequestDefinition
from router.plugins.request import Request
from router.rules.mapping.compiler import CompiledMapping, compile_mapping
from router.rules.mapping.failed import MappingFailed
from router.rules.mapping.path import walk
from router.rules.mapping.template import Slot, read_template
from router.rules.mapping.text import as_text

WITHOUT_BODY = ("GET", "DELETE")
Pieces = tuple[str | Slot, ...]
PAYLOAD_ITSELF = {"@path": "$.payload"}


class Written(Struct, frozen=True):
    """A request for one event, before its body is put together with others."""

    url: str
    headers: tuple[tuple[str, str], ...]
    body: Any


class RequestTemplate:
    """Writes requests of one mapping; raises MappingRefused when it is made of something that cannot be used."""

    def __init__(self, definition: RequestDefinition) -> None:
        self._method = definition.method or "POST"
        self._url: Pieces = tuple(read_template(definition.url))
        self._headers = {name: tuple(read_template(text)) for name, text in definition.headers.items()}
        self._body = _mapping("body", PAYLOAD_ITSELF if definition.body is None else definition.body)
        self._batch = definition.batch or "single"
        self._envelope = _mapping("envelope", definition.envelope or {})

    @property
    def joins(self) -> bool:
        """Whether one request takes several events."""
        return self._batch != "single"

    def slots(self) -> list[Slot]:
        """Every place in the address and the headers."""
        texts = [self._url, *self._headers.values()]
        return [piece for pieces in texts for piece in pieces if isinstance(piece, Slot)]

    def write(self, payload: Any, settings: Mapping[str, Any]) -> Written:
        """The request for one payload; raises MappingFailed when a place of the address stays empty."""
        values = {"payload": payload, "settings": settings}
        url = "".join(
            [piece if isinstance(piece, str) else _in_address(piece, values) for piece in self._url]
        )
        headers = tuple([(name, _in_header(name, pieces, values)) for name, pieces in self._headers.items()])
        return Written(url, headers, None if self._method in WITHOUT_BODY else self._body(values).get("body"))

    def request(
        self, written: Sequence[Written], settings: Mapping[str, Any], *, settles: Sequence[AnyEvent]
    ) -> Request:
        """One request for what was written alike; the first says where it goes."""
        first = written[0]
        headers = dict(first.headers)
        if self._method in WITHOUT_BODY:
            return Request(method=self._method, url=first.url, headers=headers, settles=settles)
        content_type = "application/x-ndjson" if self._batch == "lines" else "application/json"
        return Request(
            method=self._method,
            url=first.url,
            headers={"Content-Type": content_type, **headers},
            body=self._joined([one.body for one in written], settings),
            settles=settles,
        )

    def _joined(self, bodies: list[Any], settings: Mapping[str, Any]) -> bytes:
        match self._batch:
            case "single":
                return msgspec.json.encode(bodies[0])
            case "lines":
                return b"".join([msgspec.json.encode(body) + b"\n" for body in bodies])
            case "object":
                values = {"items": bodies, "settings": settings}
                return msgspec.json.encode(self._envelope(values).get("envelope"))
        return msgspec.json.encode(bodies)


def leaves_the_host_open(url: str) -> bool:
    """Whether what an event says could choose the host; only the operator and the author of the file may."""
    is_behind_host = has_begun = False
    for piece in read_template(url):
        if isinstance(piece, Slot):
            if piece.keys[:1] == ("payload",) and not is_behind_host:
                return True
            has_begun = True
            continue
        _, scheme, rest = piece.partition("://")
        rest = rest if scheme else piece if has_begun else ""
        is_behind_host = is_behind_host or "/" in rest or "?" in rest
    return False


def _mapping(key: str, mapping: Any) -> CompiledMapping:
    """A mapping that may be any value: as the only member of an object."""
    return compile_mapping({key: mapping})


def _in_address(slot: Slot, values: Mapping[str, Any]) -> str:
    value = walk(values, slot.keys)
    text = as_text(value)
    if slot.keys[0] == "settings":
        return text
    if not text.strip("."):
        raise MappingFailed(f"the address needs a value for {slot.path}, and the event has none that fits")
    return quote(text, safe="")


def _in_header(name: str, pieces: Pieces, values: Mapping[str, Any]) -> str:
    text = "".join(
        [piece if isinstance(piece, str) else as_text(walk(values, piece.keys)) for piece in pieces]
    )
    if not text.isprintable() or not text.isascii():
        raise MappingFailed(f"the header {name} cannot carry what the event says")
    return text
