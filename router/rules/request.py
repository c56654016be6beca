"""From the body of a request to its calls: the ordinary call in one step, everything else by the rules.

The same function reads a body at the door and again from the inbox; what it accepted once it accepts again, in the
same number and order, because `Received.body` holds accepted members only.
"""

from collections.abc import Callable, Sequence
from typing import cast

import msgspec
from msgspec import Raw, Struct

from router.errors import RequestRefused
from router.events.diverted import Returned, ReturnedCall
from router.events.wire import ABSENT, AnyCall, Instant
from router.rules.ingest import CALLS, Refused, checked, judge
from router.rules.json_text import compact_size, is_deeper_than, opening_brackets, replace_lone_surrogates
from router.storage.entry import Door, Entry

DEPTH = 256
"""Levels of nesting that a request may have; 100 always pass (tracking-api 4)."""
BATCH_DOORS = frozenset({Door.BATCH, Door.SHORT_BATCH, Door.IMPORT, Door.EMBEDDED})
TYPE_OF_DOOR: dict[Door, str] = {
    door: next(kind for kind in CALLS if kind == word or (len(word) == 1 and kind[0] == word))
    for door in Door
    if door not in BATCH_DOORS and door is not Door.RETURNED
    for word in (door.value.removeprefix("pixel/"),)
}
"""The call that a single-event door takes; the path decides the type."""
TOO_LARGE = "payload_too_large"
"""The code of what weighs too much: a whole request, or a member of a batch."""
THREAD_BYTES = 160 << 10
"""Bodies from this size on are read on a thread: on the loop they would hold up everybody else."""
_BOM = b"\xef\xbb\xbf"
_GROUP = 20
"""Members that are weighed together."""


class Limits(Struct, frozen=True):
    """What a request may weigh."""

    event_bytes: int = 32_768
    """Most bytes of one event as compact UTF-8 JSON."""
    batch_bytes: int = 516_096
    """Most bytes of a batch request."""
    batch_events: int = 2_500
    """Most events of a batch; what is beyond is not stored."""


_decode_returned = msgspec.json.Decoder(Returned).decode
_NO_LIMITS = Limits(1 << 62, 1 << 62, 1 << 62)


class Refusal(Struct, frozen=True, gc=False):
    """A member of a request that was refused."""

    index: int
    reason: str
    raw: bytes
    """The member as it was sent, cut to 4 KiB."""


class Received(Struct, frozen=True):
    """A request, read."""

    calls: Sequence[AnyCall]
    """The accepted calls, in order."""
    body: bytes
    """What is kept of the request: its body, without the members that were refused."""
    write_key: str | None = None
    """The key named in the body, if there is one."""
    sent_at: Instant | None = None
    context: Raw = ABSENT
    """The batch's own `context`, merged into every event later."""
    integrations: Raw = ABSENT
    refused: Sequence[Refusal] = ()
    members: int = 1
    """How many members the request had."""


class _Batch(Struct, rename={"write_key": "writeKey", "sent_at": "sentAt"}):
    """The envelope of a batch as every known client sends it."""

    batch: list[Raw]
    write_key: str | None = None
    sent_at: Instant | None = None
    context: Raw = ABSENT
    integrations: Raw = ABSENT


_decode_batch = msgspec.json.Decoder(_Batch).decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode
_decode_call: Callable[[Raw | bytes], AnyCall] = msgspec.json.Decoder(AnyCall).decode
_decode_as: dict[str, Callable[[bytes], AnyCall]] = {
    name: msgspec.json.Decoder(kind).decode for name, kind in CALLS.items()
}


def read_request(door: Door, body: bytes, *, limits: Limits) -> Received:
    """Read the body of a request; raises RequestRefused (400) when nothing of it can be taken."""
    text = _clean(body)
    try:
        if door in BATCH_DOORS:
            return _read_batch(text, limits)
        if door is Door.RETURNED:
            return read_returned(text)
        return _read_single(text, TYPE_OF_DOOR[door], limits)
    except msgspec.ValidationError as error:
        raise _invalid(f"the body must be a JSON object: {error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise _invalid(str(error)) from None
    except RecursionError:
        raise _too_deep() from None


def read_entry(entry: Entry) -> Received:
    """Read an entry of the inbox again; its members were judged when they came."""
    return read_request(entry.door, entry.body, limits=_NO_LIMITS)


def read_returned(body: bytes) -> Received:
    """Read an event that comes back from a function."""
    returned = _decode_returned(body)
    call = ReturnedCall(message_id=returned.message_id, returned=returned)
    return Received((cast("AnyCall", call),), body)  # who takes calls of this door knows


def _clean(body: bytes) -> bytes:
    text = body.removeprefix(_BOM)
    if not text.isascii():
        try:
            text.decode()
        except UnicodeDecodeError as error:
            raise _invalid(f"the body is not UTF-8: {error.reason} at byte {error.start}") from None
    return replace_lone_surrogates(text)


def _read_single(text: bytes, kind: str, limits: Limits) -> Received:
    if is_deeper_than(text, DEPTH):
        raise _too_deep()
    if len(text) > limits.event_bytes and compact_size(text) > limits.event_bytes:
        raise _too_large(f"the event is over {limits.event_bytes} bytes")
    try:
        try:
            call = checked(_decode_as[kind](text))
        except msgspec.ValidationError:
            _decode_members(text)  # anything but an object refuses the request, not the event
            call = judge(text, kind)
    except Refused as refused:
        key = _key(_decode_members(text).get("writeKey", ABSENT))
        return Received((), b"", key, refused=(Refusal(0, str(refused), text[:4096]),))
    return Received((call,), text, _key(call.write_key))


def _read_batch(text: bytes, limits: Limits) -> Received:
    if len(text) > limits.batch_bytes:
        raise _too_large(f"the batch is over {limits.batch_bytes} bytes")
    envelope = _envelope(text)
    members = envelope.batch
    oversized = _weigh(text, members, limits)
    taken = members[: limits.batch_events] if len(members) > limits.batch_events else members
    calls: list[AnyCall] = []
    refused: list[Refusal] = []
    try:
        if not oversized:  # the ordinary batch: every member is well-formed
            calls = [checked(_decode_call(raw)) for raw in taken]
    except (msgspec.ValidationError, Refused):
        calls = []
    if not calls:
        for index, raw in enumerate(taken):
            try:
                if index in oversized:
                    raise Refused(TOO_LARGE)
                calls.append(_read_member(raw))
            except Refused as reason:
                refused.append(Refusal(index, str(reason), bytes(raw)[:4096]))
    refused += [
        Refusal(beyond, "batch_event_limit", bytes(members[beyond])[:4096])
        for beyond in range(len(taken), len(members))
    ]
    body = _without(envelope, {refusal.index for refusal in refused}) if refused and calls else text
    return Received(
        calls, body, envelope.write_key or None, envelope.sent_at, envelope.context, envelope.integrations,
        refused, len(members),
    )  # fmt: skip


def _read_member(raw: Raw) -> AnyCall:
    try:
        return checked(_decode_call(raw))
    except msgspec.ValidationError:
        return judge(bytes(raw), None)


def _weigh(text: bytes, members: list[Raw], limits: Limits) -> frozenset[int]:
    """The indexes of members that are too large; raises RequestRefused when anything is nested too deep.

    Members are looked at in groups: where a whole group is small and has few brackets, so has each of it.
    """
    outside = len(text)
    oversized: set[int] = set()
    for first in range(0, len(members), _GROUP):
        group = members[first : first + _GROUP]
        joined = b"".join(group)
        outside -= len(joined) + len(group)
        if len(joined) > limits.event_bytes:
            for index, raw in enumerate(group, first):
                if (
                    len(memoryview(raw)) > limits.event_bytes
                    and compact_size(bytes(raw)) > limits.event_bytes
                ):
                    oversized.add(index)
        if opening_brackets(joined) > DEPTH - 2:
            for raw in group:  # the batch itself is two levels
                if is_deeper_than(bytes(raw), DEPTH - 2):
                    raise _too_deep()
    if outside > DEPTH and is_deeper_than(text, DEPTH):
        raise _too_deep()
    return frozenset(oversized)


def _envelope(text: bytes) -> _Batch:
    try:
        return _decode_batch(text)
    except msgspec.ValidationError:
        members = _decode_members(text)
    try:
        batch = msgspec.json.decode(members.get("batch", b"null"), type=list[Raw])
    except msgspec.ValidationError:
        raise RequestRefused(400, "invalid_batch", '"batch" must be an array of events') from None
    return _Batch(
        batch, _key(members.get("writeKey", ABSENT)), _instant(members.get("sentAt", ABSENT)),
        members.get("context", ABSENT), members.get("integrations", ABSENT),
    )  # fmt: skip


def _without(envelope: _Batch, gone: set[int]) -> bytes:
    """The batch without some of its members: what is kept of the request."""
    members = b",".join([bytes(raw) for index, raw in enumerate(envelope.batch) if index not in gone])
    rest = b"".join(
        b',"%s":%s' % (name, value)
        for name, value in (
            (b"context", bytes(envelope.context)),
            (b"integrations", bytes(envelope.integrations)),
            (b"sentAt", msgspec.json.encode(envelope.sent_at)),
        )
        if value and value != b"null"
    )
    return b'{"batch":[' + members + b"]" + rest + b"}"


def _key(raw: Raw) -> str | None:
    if raw is ABSENT:
        return None
    try:
        return msgspec.json.decode(raw, type=str) or None
    except msgspec.ValidationError:
        return None


def _instant(raw: Raw) -> Instant | None:
    try:
        return msgspec.json.decode(raw, type=Instant) if raw is not ABSENT else None
    except msgspec.ValidationError:
        return None


def _invalid(message: str) -> RequestRefused:
    return RequestRefused(400, "invalid_json", message)


def _too_deep() -> RequestRefused:
    return _invalid(f"the body is nested deeper than {DEPTH} levels")


def _too_large(message: str) -> RequestRefused:
    return RequestRefused(400, TOO_LARGE, f"Exceed payload limit: {message}")
