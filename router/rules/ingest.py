"""The slow road of a call: read member by member, judged by reason code, brought into the strict structs.

Only calls that the structs of `router.events.wire` refuse come here (tracking-api 6.2). The rules in one breath: null
is absent; ids are text; a bad member either makes the call refused, with the documented reason, or counts as absent
where the specification says so; unknown members stay as they were sent.
"""

from itertools import islice
from typing import Any

import msgspec
from msgspec import Raw

from router.events import wire
from router.events.calls import decode_open_json
from router.events.wire import ABSENT, AnyCall, Extra

CONSENT_EVENT = "Segment Consent Preference Updated"
"""The only semantic event that is validated at ingest (events 4.4)."""
MESSAGE_ID_CHARACTERS = 100
PROPERTIES = 10_000
"""Properties beyond so many are not stored; the event is kept (tracking-api 7)."""
_PROPERTIES_BYTES = 5 * PROPERTIES
_OBJECT = ord("{")

CALLS: dict[str, type[AnyCall]] = {
    "track": wire.TrackCall,
    "identify": wire.IdentifyCall,
    "page": wire.PageCall,
    "screen": wire.ScreenCall,
    "group": wire.GroupCall,
    "alias": wire.AliasCall,
}
_COMMON = {
    "type", "messageId", "userId", "anonymousId", "timestamp", "originalTimestamp", "sentAt", "receivedAt",
    "context", "integrations", "version", "_metadata", "writeKey",
}  # fmt: skip
_OWN = {
    "track": {"event", "properties"},
    "identify": {"traits"},
    "page": {"name", "category", "properties"},
    "screen": {"name", "category", "properties"},
    "group": {"groupId", "traits"},
    "alias": {"previousId"},
}
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.encode


class Refused(Exception):
    """A call is dropped; the argument is its reason code."""


def judge(raw: bytes, type: str | None) -> AnyCall:
    """Read a call of any shape; `type` is the path's on single-event doors and wins over the body's.

    Raises Refused with the reason code when the call is to be dropped.
    """
    try:
        members = _members(raw)
    except msgspec.ValidationError:
        raise Refused("invalid_event") from None
    kind = type if type is not None else _decoded(members.get("type"))
    if not isinstance(kind, str) or kind not in CALLS:
        raise Refused("invalid_type")
    fields: dict[str, Any] = {
        **_ids(members, kind),
        **_own(members, kind),
        "message_id": _message_id(members.get("messageId")),
        "timestamp": _instant(members.get("timestamp")),
        "original_timestamp": _instant(members.get("originalTimestamp")),
        "sent_at": _instant(members.get("sentAt")),
        "context": _object(members.get("context")),
        "integrations": _object(members.get("integrations")),
        "metadata": _object(members.get("_metadata")),
        "write_key": members.get("writeKey", ABSENT),
    }
    known = _COMMON | _OWN[kind]
    channel = _decoded(members.get("channel"))
    if channel is None or isinstance(channel, str):
        fields["channel"] = channel
        known = known | {"channel"}
    extra = [_encode(name) + b":" + bytes(value) for name, value in members.items() if name not in known]
    call = CALLS[kind](**fields, extra=Extra(b",".join(extra)))
    return checked(call)


def checked(call: AnyCall) -> AnyCall:
    """Apply the rules that the structs cannot express; returns the call, cut where it must be, or raises Refused."""
    kind = type(call)
    if call.user_id is None and (call.anonymous_id is None or kind is wire.AliasCall):
        raise Refused("id_required" if kind is wire.AliasCall else "no_user_anon_id")
    if isinstance(call, wire.TrackCall):
        name, raw = "properties", call.properties
        if call.event == CONSENT_EVENT:
            _check_consent(call.context)
    elif isinstance(call, wire.AliasCall):
        return call
    elif isinstance(call, wire.PageCall | wire.ScreenCall):
        name, raw = "properties", call.properties
    else:
        name, raw = "traits", call.traits
    if raw is ABSENT:
        return call
    text = bytes(raw)
    if text[0] == _OBJECT and len(text) < _PROPERTIES_BYTES:
        return call
    return _with_open(call, name, text)


def _with_open(call: AnyCall, name: str, text: bytes) -> AnyCall:
    if text[0] != _OBJECT:
        if text == b"null":
            return msgspec.structs.replace(call, **{name: ABSENT})
        raise Refused(f"{name}_not_object")
    members = _members(text)
    if len(members) <= PROPERTIES:
        return call
    return msgspec.structs.replace(call, **{name: Raw(_encode(dict(islice(members.items(), PROPERTIES))))})


def _check_consent(context: Raw) -> None:
    decoded = decode_open_json(context) if context is not ABSENT else {}
    consent = decoded.get("consent") if isinstance(decoded, dict) else None
    if not isinstance(consent, dict) or consent.get("categoryPreferences") is None:
        raise Refused("consent_categorypreferences_should_exist")
    preferences = consent["categoryPreferences"]
    if not isinstance(preferences, dict):
        raise Refused("consent_categorypreferences_fields_should_be_object")
    if not all(isinstance(value, bool) for value in preferences.values()):
        raise Refused("consent_categorypreferences_fields_should_be_bool")
    version = consent.get("version")
    if version is not None and (isinstance(version, bool) or not isinstance(version, int | float)):
        raise Refused("consent_version_should_be_number")
    device = decoded.get("device")
    advertising = device.get("advertisingId") if isinstance(device, dict) else None
    if advertising is not None and not isinstance(advertising, str):
        raise Refused("device_advertisingid_should_be_string")


def _ids(members: dict[str, Raw], kind: str) -> dict[str, str | None]:
    user, anonymous = (_decoded(members.get(name)) for name in ("userId", "anonymousId"))
    for value in (user, anonymous):
        if value is not None and not isinstance(value, str):
            raise Refused("id_not_string")
    if not user and not anonymous and (user == "" or anonymous == ""):
        raise Refused("id_not_string")
    return {"user_id": user or None, "anonymous_id": anonymous or None}


def _own(members: dict[str, Raw], kind: str) -> dict[str, Any]:
    if kind == "track":
        event = _decoded(members.get("event"))
        if event is None:
            raise Refused("event_not_defined")
        if not isinstance(event, str):
            raise Refused("event_not_string")
        return {"event": event, "properties": members.get("properties", ABSENT)}
    if kind in ("page", "screen"):
        names = {name: _decoded(members.get(name)) for name in ("name", "category")}
        for name, value in names.items():
            if value is not None and (value == "" or not isinstance(value, str)):
                raise Refused(f"{name}_not_string")
        return {**names, "properties": members.get("properties", ABSENT)}
    if kind == "group":
        group = _id_text(members.get("groupId"), "group_id_required")
        return {"group_id": group, "traits": members.get("traits", ABSENT)}
    if kind == "alias":
        return {"previous_id": _id_text(members.get("previousId"), "previous_id_required")}
    return {"traits": members.get("traits", ABSENT)}


def _id_text(raw: Raw | None, reason: str) -> str:
    """Text, or the digits of a number: some clients do not turn group ids into text."""
    value = _decoded(raw)
    if isinstance(value, str) and value:
        return value
    if raw is not None and isinstance(value, int | float) and not isinstance(value, bool):
        return bytes(raw).decode()
    raise Refused(reason)


def _message_id(raw: Raw | None) -> str | None:
    value = _decoded(raw)
    if raw is not None and isinstance(value, int | float) and not isinstance(value, bool):
        value = bytes(raw).decode()
    if not isinstance(value, str) or not value:
        return None
    if len(value) > MESSAGE_ID_CHARACTERS:
        raise Refused("message_id_too_long")
    return value


def _instant(raw: Raw | None) -> str | int | float | None:
    value = _decoded(raw)
    return value if isinstance(value, str | int | float) and not isinstance(value, bool) else None


def _object(raw: Raw | None) -> Raw:
    return raw if raw is not None and bytes(raw)[:1] == b"{" else ABSENT


def _decoded(raw: Raw | None) -> Any:
    return None if raw is None else decode_open_json(raw)
