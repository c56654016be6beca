"""From the calls that a source plugin hands over to requests as the inbox keeps them; a bad call is refused alone.

No call can spoil its neighbours: what is no JSON is put aside before, and a request that still cannot be read is halved
until the call that makes it so is alone. Indexes are those of the sequence that was handed over.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

import msgspec
from msgspec import Raw, Struct, field
from msgspec.structs import replace

from router.errors import RequestRefused
from router.plugins.source import Call
from router.rules.request import THREAD_BYTES, TOO_LARGE, Limits, Received, Refusal, read_request
from router.storage.entry import Door

INVALID_JSON = "invalid_json"
"""The code of bytes that are no JSON."""
INVALID_EVENT = "invalid_event"
"""The code of what is no object of JSON."""
_AROUND = len(b'{"batch":[]}')
_SHOWN_BYTES = 4096
_skim = msgspec.json.Decoder(Raw).decode


class Part(Struct):
    """As many calls as one request may hold, as JSON, and what was refused among them already."""

    members: list[bytes] = field(default_factory=list)
    indexes: list[int] = field(default_factory=list)
    """The place of each member in what was handed over."""
    refused: list[Refusal] = field(default_factory=list)
    size: int = _AROUND

    def half(self, first: int, after: int) -> "Part":
        """Some of the members."""
        return Part(self.members[first:after], self.indexes[first:after])


def parts(calls: Sequence[Call], limits: Limits) -> Iterator[Part]:
    """Cut `calls`, in their order, into parts that the door would take as a batch."""
    part = Part()
    for index, call in enumerate(calls):
        encoded = _encoded(index, call, limits)
        if isinstance(encoded, Refusal):
            part.refused.append(encoded)
            continue
        grown = part.size + len(encoded) + 1
        if part.members and (grown > limits.batch_bytes or len(part.members) == limits.batch_events):
            yield part
            part = Part()
            grown = part.size + len(encoded) + 1
        part.members.append(encoded)
        part.indexes.append(index)
        part.size = grown
    if part.members or part.refused:
        yield part


async def readings(calls: Sequence[Call], limits: Callable[[], Limits]) -> AsyncIterator[Received]:
    """What `calls` come to as requests, part by part; a big part is read on a thread."""
    for part in parts(calls, limits()):
        if part.size < THREAD_BYTES:
            read = read_part(part, limits())
        else:
            read = await asyncio.to_thread(read_part, part, limits())
        for received in read:
            yield received


def read_part(part: Part, limits: Limits) -> list[Received]:
    """Read a part as the batch door reads a request: one `Received`, or more where something had to be put aside."""
    if not part.members:
        return [Received((), b"", refused=part.refused)]
    body = b'{"batch":[' + b",".join(part.members) + b"]}"
    try:
        received = read_request(Door.EMBEDDED, body, limits=limits)
    except RequestRefused as error:
        middle = len(part.members) // 2
        if not middle:
            refusal = Refusal(part.indexes[0], error.code, part.members[0][:_SHOWN_BYTES])
            return [Received((), b"", refused=[*part.refused, refusal])]
        halves = [part.half(0, middle), part.half(middle, len(part.members))]
        halves[0].refused = part.refused
        return [received for half in halves for received in read_part(half, limits)]
    refused = [replace(one, index=part.indexes[one.index]) for one in received.refused]
    return [replace(received, refused=[*part.refused, *refused])]


def _encoded(index: int, call: Any, limits: Limits) -> bytes | Refusal:
    """The call as JSON, or why it is none."""
    if not isinstance(call, bytes):
        try:
            call = msgspec.json.encode(call)
        except (TypeError, ValueError, OverflowError, RecursionError) as error:
            return Refusal(index, INVALID_EVENT, msgspec.json.encode(f"not JSON: {type(error).__name__}"))
        return call if _AROUND + len(call) < limits.batch_bytes else _too_large(index, call)
    if _AROUND + len(call) >= limits.batch_bytes:
        return _too_large(index, call)
    try:
        _skim(call)
        if not call.isascii():
            call.decode()
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return Refusal(index, INVALID_JSON, call[:_SHOWN_BYTES])
    return call


def _too_large(index: int, call: bytes) -> Refusal:
    return Refusal(index, TOO_LARGE, call[:_SHOWN_BYTES])
