"""One call of a request by itself, and sent once more later on, as its client would send it again."""

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from router.events.times import format_instant, parse_instant
from router.events.wire import Instant
from router.rules.merge import set_member
from router.rules.request import BATCH_DOORS, Received, read_entry
from router.storage.entry import Door, Entry

_encode = msgspec.json.encode
_members = msgspec.json.Decoder(dict[str, Raw]).decode


def alone(entry: Entry, received: Received, call: bytes, message_id: str) -> Entry:
    """The entry of a request that had this call only, under the id that it was given."""
    call = set_member(call, "messageId", _encode(message_id))
    if entry.door not in BATCH_DOORS:
        return replace(entry, events=1, body=call, refused=(), position=0)
    envelope: dict[str, object] = {"batch": [Raw(call)], "sentAt": received.sent_at}
    for name, value in (("context", received.context), ("integrations", received.integrations)):
        if bytes(value):
            envelope[name] = value
    return replace(entry, events=1, body=_encode(envelope), refused=(), position=0)


def sent_again(entry: Entry, now: int) -> Entry:
    """The entry of one call, received at `now`: its `sentAt` moves with it, so that its time stays what it was.

    A client that sends a call again stamps `sentAt` anew too; `timestamp` is corrected by the difference between the
    two clocks, and that must not grow by the time in which the call lay here.
    """
    if entry.door is Door.RETURNED:
        return replace(entry, received_at=now)
    received = read_entry(entry)
    [call] = received.calls
    sent = _parsed(call.sent_at if call.sent_at is not None else received.sent_at)
    is_batch = entry.door in BATCH_DOORS
    envelope = _members(entry.body) if is_batch else {}
    text = bytes(msgspec.json.decode(envelope["batch"], type=list[Raw])[0]) if is_batch else entry.body
    if call.timestamp is None and call.original_timestamp is None:
        claimed = entry.received_at if sent is None else sent
        text = set_member(text, "timestamp", _encode(format_instant(claimed)))
    if sent is not None:
        moved = _encode(format_instant(sent + now - entry.received_at))
        if call.sent_at is not None:
            text = set_member(text, "sentAt", moved)
        else:
            envelope["sentAt"] = Raw(moved)
    body = _encode({**envelope, "batch": [Raw(text)]}) if is_batch else text
    return replace(entry, received_at=now, body=body)


def _parsed(value: Instant | None) -> int | None:
    return None if value is None else parse_instant(value)
