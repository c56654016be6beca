"""From a call as the client sent it to the event as it is kept (events 2.2, tracking-api 4, 9, 10)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct

from router.events import calls, wire
from router.events.times import format_instant, parse_instant
from router.events.wire import ABSENT
from router.rules.again import alone
from router.rules.client_ip import CLIENT_DOORS, collects_ip
from router.rules.merge import add_member, merge_objects, set_member
from router.rules.request import Received
from router.storage.entry import Entry

VERSION = 2
"""The `version` of every stored event."""
_EMPTY = Raw(b"{}")


class _ContextHints(Struct, gc=False):
    """The members of `context` that decide about filling it."""

    ip: Any = None
    user_agent: Any = msgspec.field(name="userAgent", default=None)
    channel: Any = None
    direct: Any = None
    library: Any = None


_hints = msgspec.json.Decoder(_ContextHints).decode
_text = msgspec.json.Encoder().encode
_format = lru_cache(maxsize=4096)(format_instant)


def as_sent(call: wire.AnyCall) -> bytes:
    """The call as JSON with the protocol's names, without its write key; for the dead letter of one that failed."""
    members: dict[str, Any] = {"type": call.__struct_config__.tag}
    for field, name in zip(call.__struct_fields__, call.__struct_encode_fields__, strict=True):
        value = getattr(call, field)
        if field not in ("extra", "write_key") and value is not None and value is not ABSENT:
            members[name] = value
    encoded = _text(members)
    return encoded[:-1] + b"," + call.extra + b"}" if call.extra else encoded


class RequestForm:
    """What all events of one request have in common, worked out once."""

    def __init__(self, entry: Entry, received: Received) -> None:
        self._entry, self._received = entry, received
        self.door = entry.door
        self.received_at = entry.received_at
        self.received_text = _format(entry.received_at)
        self.is_client = entry.door in CLIENT_DOORS
        self.ip = _text(entry.client_ip) if entry.client_ip else b""
        self.user_agent = _text(entry.user_agent) if entry.user_agent and self.is_client else b""
        self.context = _object_or_none(received.context)
        self.integrations = _object_or_none(received.integrations)
        self._contexts: dict[tuple[bytes, str | None], Raw] = {}
        self.sent_at = parse_instant(received.sent_at) if received.sent_at is not None else None

    def event(self, call: wire.AnyCall, message_id: str) -> tuple[calls.AnyEvent, Raw]:
        """Return the stored form of `call`, its JSON encoded, and its `_metadata`."""
        sent_at = parse_instant(call.sent_at) if call.sent_at is not None else self.sent_at
        claimed = call.timestamp if call.timestamp is not None else call.original_timestamp
        original = parse_instant(claimed) if claimed is not None else None
        metadata = call.metadata
        if claimed is not None and original is None:
            metadata = Raw(
                set_member(bytes(_object_or_none(metadata) or _EMPTY), "invalidTimestamp", _text(claimed))
            )
        if original is None:
            original_text = timestamp_text = self.received_text
        else:
            original_text = (
                claimed if isinstance(claimed, str) and _is_canonical(claimed) else format_instant(original)
            )
            if sent_at is None:
                timestamp_text = original_text
            else:
                timestamp_text = format_instant(self.received_at - (sent_at - original))
        kind, own = _KINDS[type(call)]
        event = kind(
            **own(call),
            message_id=message_id,
            user_id=call.user_id,
            anonymous_id=call.anonymous_id,
            context_json=self._context(call),
            integrations_json=self._integrations(call),
            original_timestamp=original_text,
            sent_at=_format(sent_at) if sent_at is not None else None,
            received_at=self.received_text,
            timestamp=timestamp_text,
            channel=call.channel,
            version=VERSION,
            _extra=call.extra or UNSET,
        )
        return event, metadata

    @property
    def entry(self) -> Entry:
        """The request as it stands in the inbox."""
        return self._entry

    def guarded(self, guard: Callable[[Entry, Received], tuple[Entry, Received]]) -> "RequestForm":
        """The form of the same request as `guard` leaves it."""
        return RequestForm(*guard(self._entry, self._received))

    def alone(self, call: wire.AnyCall, message_id: str) -> Entry:
        """The request as if it had held this call only, for one that failed and may be sent again."""
        return alone(self._entry, self._received, as_sent(call), message_id)

    def _context(self, call: wire.AnyCall) -> Raw:
        """The call's context, merged and filled; calls of one request often have the same, so it is kept."""
        own = bytes(call.context)
        known = self._contexts.get((own, call.channel))
        if known is None:
            known = self._contexts[own, call.channel] = Raw(self._filled(own, call.channel))
        return known

    def _filled(self, own: bytes, channel: str | None) -> bytes:
        context = own if own[:1] == b"{" else b"{}"
        if self.context is not None:
            context = merge_objects(self.context, context)
        if not self.ip and not self.user_agent:
            return context
        hints = _hints(context)
        if self.ip and hints.ip is None and collects_ip(self.door, channel, hints):
            context = _fill(context, "ip", self.ip)
        if self.user_agent and hints.user_agent is None:
            context = _fill(context, "userAgent", self.user_agent)
        return context

    def _integrations(self, call: wire.AnyCall) -> Raw:
        own = _object_or_none(call.integrations)
        if self.integrations is None:
            return call.integrations if own else _EMPTY
        return Raw(merge_objects(self.integrations, own) if own else self.integrations)


def _fill(context: bytes, key: str, value: bytes) -> bytes:
    """Set an absent or null member."""
    quoted = b'"' + key.encode() + b'"'
    return set_member(context, key, value) if quoted in context else add_member(context, quoted, value)


def _object_or_none(raw: Raw) -> bytes | None:
    text = bytes(raw)
    return text if text[:1] == b"{" else None


def _is_canonical(text: str) -> bool:
    """Whether the text already has the one form that the router writes: 2030-05-01T10:00:02.000Z."""
    return len(text) == 24 and text[-1] == "Z" and text[10] == "T" and text[19] == "." and text[7] == "-"


def _open(raw: Raw) -> Raw:
    """Open JSON as it is; null counts as absent."""
    return ABSENT if raw is ABSENT or bytes(raw) == b"null" else raw


def _with_properties(call: wire.PageCall | wire.ScreenCall) -> dict[str, Any]:
    return {"name": call.name, "category": call.category, "properties_json": _open(call.properties)}


_KINDS: dict[type, tuple[Callable[..., calls.AnyEvent], Callable[[Any], dict[str, Any]]]] = {
    wire.TrackCall: (
        calls.Track,
        lambda call: {"event": call.event, "properties_json": _open(call.properties)},
    ),
    wire.IdentifyCall: (calls.Identify, lambda call: {"traits_json": _open(call.traits)}),
    wire.PageCall: (calls.Page, _with_properties),
    wire.ScreenCall: (calls.Screen, _with_properties),
    wire.GroupCall: (
        calls.Group,
        lambda call: {"group_id": call.group_id, "traits_json": _open(call.traits)},
    ),
    wire.AliasCall: (calls.Alias, lambda call: {"previous_id": call.previous_id}),
}
"""For each call the class of its stored form, and the fields that only this kind has."""
