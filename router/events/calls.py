"""Events as they are kept and delivered: the six calls in their stored form (events 2.2).

Open JSON (`properties`, `traits`, `context`, `integrations`) stays raw bytes until somebody asks for it, is then
decoded once and shared by every destination: read it, never change it. `event.replace(…)` makes a changed copy.
`event.json` is the stored form as bytes, encoded once for all destinations.
"""

import json
from typing import TYPE_CHECKING, Any, Self

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType, field
from msgspec.structs import fields, force_setattr, replace

from router.events.wire import ABSENT, NAMES

EMPTY_OBJECT = Raw(b"{}")
_OPEN_JSON = {name: f"{name}_json" for name in ("properties", "traits", "context", "integrations")}
_encode = msgspec.json.Encoder().encode
if TYPE_CHECKING:
    from router.events.profile import ProfileSnapshot

    _Hidden = Any
else:  # a client's own field of such a name is passed over whatever it holds; `decode_event` takes it out again
    _Hidden = Raw


def decode_open_json(raw: Raw | bytes) -> Any:
    """Decode customer JSON; numbers beyond a float or 64 bits keep their digits as Python's own types allow."""
    try:
        return msgspec.json.decode(raw)
    except msgspec.ValidationError:  # a number that msgspec cannot hold: 1e400 or a very long integer
        return json.loads(bytes(raw), parse_int=_long_integer)


def _long_integer(digits: str) -> int | float:
    try:
        return int(digits)
    except ValueError:  # Python refuses to convert more than 4,300 digits
        return float(digits)


class Event(
    Struct,
    frozen=True,
    gc=False,
    kw_only=True,
    omit_defaults=True,
    tag_field="type",
    rename={
        **NAMES,
        "properties_json": "properties",
        "traits_json": "traits",
        "context_json": "context",
        "integrations_json": "integrations",
    },
):
    """What every event has. Times are ISO 8601 text in UTC with milliseconds and `Z` (tracking-api 10)."""

    message_id: str
    user_id: str | None = None
    anonymous_id: str | None = None
    context_json: Raw = field(default_factory=lambda: EMPTY_OBJECT)
    integrations_json: Raw = field(default_factory=lambda: EMPTY_OBJECT)
    original_timestamp: str | None = None
    sent_at: str | None = None
    received_at: str
    timestamp: str
    channel: str | None = None
    version: int | None = None
    # What follows is no part of the stored form.
    _extra: _Hidden = UNSET
    """Unknown top-level fields as JSON text `"key":value,"key":value`."""
    _json: _Hidden = UNSET
    """The stored form, once it was encoded."""
    _open: _Hidden = UNSET
    """What of the open JSON was decoded already."""
    _without: _Hidden = UNSET
    """Names that the stored form lacks although the struct has a value there: fields that were removed."""
    _profile: _Hidden = UNSET
    """Whose it is (`router.events.profile`)."""

    @property
    def type(self) -> str:
        """`track`, `identify`, `page`, `screen`, `group` or `alias`."""
        return _TAGS[self.__class__]

    @property
    def json(self) -> bytes:
        """The stored form as compact UTF-8 JSON, encoded on first use."""
        if self._json is UNSET:
            force_setattr(self, "_json", encode_event(self))
        stored: bytes = self._json
        return stored

    @property
    def fields(self) -> dict[str, Any]:
        """Every field of the stored form, decoded, by its name in JSON; shared, not to be changed."""
        return self._opened("json")

    @property
    def context(self) -> dict[str, Any]:
        """The decoded `context`; shared, not to be changed."""
        return self._opened("context_json")

    @property
    def integrations(self) -> dict[str, Any]:
        """The decoded `integrations`; shared, not to be changed."""
        return self._opened("integrations_json")

    @property
    def profile(self) -> "ProfileSnapshot | None":
        """Whose it is: the profile's id, and the traits that are kept with it; None where there are no profiles.

        Only on the way to destinations: before an event is kept, nobody knows yet. Never a part of `json`.
        """
        return None if self._profile is UNSET else self._profile

    def replace(self, **changes: Any) -> Self:
        """Return a copy with `changes`; the original stays as it is.

        Open JSON may be given decoded: `event.replace(properties={**event.properties, "plan": "pro"})`.
        """
        # half of what `msgspec.structs.replace` takes here
        made: Self = self.__copy__()  # type: ignore[attr-defined]  # msgspec's stubs do not have it
        for name, value in changes.items():
            if name in _OPEN_JSON:
                force_setattr(made, _OPEN_JSON[name], Raw(_encode(value)))
            else:
                force_setattr(made, name, value)
        if self._json is not UNSET:
            if self._extra is UNSET:
                force_setattr(made, "_extra", _unknown_fields(self._json))
            force_setattr(made, "_json", UNSET)
        if self._open is not UNSET:
            force_setattr(made, "_open", UNSET)
        if self._without is not UNSET:
            given = {_ENCODED[_OPEN_JSON.get(name, name)] for name in changes}
            force_setattr(made, "_without", self._without - given or UNSET)
        return made

    def _opened(self, name: str) -> dict[str, Any]:
        if self._open is UNSET:
            force_setattr(self, "_open", {})
        cache: dict[str, Any] = self._open
        if name not in cache:
            raw = getattr(self, name)
            cache[name] = decode_open_json(raw) if len(bytes(raw)) else {}
        value: dict[str, Any] = cache[name]
        return value


class _EventWithProperties(Event, frozen=True, kw_only=True):
    """An event that says what happened."""

    properties_json: Raw = ABSENT

    @property
    def properties(self) -> dict[str, Any]:
        """The decoded `properties`; shared, not to be changed."""
        return self._opened("properties_json")


class _EventWithTraits(Event, frozen=True, kw_only=True):
    """An event that says what somebody is like."""

    traits_json: Raw = ABSENT

    @property
    def traits(self) -> dict[str, Any]:
        """The decoded `traits`; shared, not to be changed."""
        return self._opened("traits_json")


class Track(_EventWithProperties, tag="track", frozen=True):
    """Something a user did."""

    event: str


class Identify(_EventWithTraits, tag="identify", frozen=True):
    """Who a user is."""


class Page(_EventWithProperties, tag="page", frozen=True):
    """A page of a website was seen."""

    name: str | None = None
    category: str | None = None


class Screen(_EventWithProperties, tag="screen", frozen=True):
    """A screen of an app was seen."""

    name: str | None = None
    category: str | None = None


class Group(_EventWithTraits, tag="group", frozen=True):
    """A user belongs to an account."""

    group_id: str


class Alias(Event, tag="alias", frozen=True):
    """Two ids are one user."""

    previous_id: str


AnyEvent = Track | Identify | Page | Screen | Group | Alias
"""An event of any of the six types."""
_TAGS: dict[type[Event], str] = {one: str(one.__struct_config__.tag) for one in AnyEvent.__args__}
EVENT_TYPES: tuple[str, ...] = ("track", "identify", "page", "screen", "group", "alias")
_decode = msgspec.json.Decoder(AnyEvent).decode
_NOTHING_HIDDEN = dict.fromkeys(("_extra", "_json", "_open", "_without", "_profile"), UNSET)
_REQUIRED = {
    one: tuple(part.encode_name for part in fields(one) if part.required) for one in AnyEvent.__args__
}
_IN_PLACE = {"receivedAt": "received_at", "timestamp": "timestamp"}
"""Required fields that an event keeps for itself when its stored form is to lack them."""
_ENCODED = {
    name: encoded
    for one in AnyEvent.__args__
    for name, encoded in zip(one.__struct_fields__, one.__struct_encode_fields__, strict=True)
}
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_KNOWN = {"type"}.union(*(one.__struct_encode_fields__ for one in AnyEvent.__args__)) - set(_NOTHING_HIDDEN)


def encode_event(event: Event) -> bytes:
    """Encode the stored form of `event` in one line, with its unknown top-level fields behind the known ones."""
    without = event._without
    is_plain = event._extra is UNSET and event._open is UNSET and event._json is UNSET
    if is_plain and without is UNSET and event._profile is UNSET:
        encoded = _encode(event)
    else:
        encoded = _encode(replace(event, **_NOTHING_HIDDEN))
        if event._extra:
            encoded = encoded[:-1] + b"," + event._extra + b"}"
        if without is not UNSET:
            encoded = _encode({name: raw for name, raw in _members(encoded).items() if name not in without})
    if b"\n" in encoded or b"\r" in encoded:  # a line end can only be white space between tokens
        encoded = msgspec.json.format(encoded, indent=-1)
    return encoded


def _hide(event: Event) -> None:
    for name in _NOTHING_HIDDEN:
        force_setattr(event, name, UNSET)


def _unknown_fields(stored: bytes) -> bytes | UnsetType:
    members = _members(stored)
    unknown = [_encode(key) + b":" + bytes(raw) for key, raw in members.items() if key not in _KNOWN]
    return b",".join(unknown) or UNSET


def decode_event(stored: bytes) -> AnyEvent:
    """Decode one stored event; `event.json` is `stored` itself."""
    event: AnyEvent = _decode(stored)
    is_client_s = event._extra is not UNSET or event._open is not UNSET or event._without is not UNSET
    if is_client_s or event._profile is not UNSET:  # it sent a field of such a name
        _hide(event)
    force_setattr(event, "_json", stored)
    return event


def keep_profile(event: AnyEvent, made: AnyEvent) -> AnyEvent:
    """`made`, which was made of `event` and perhaps anew, as an event of the same profile."""
    if made._profile is not event._profile:
        force_setattr(made, "_profile", event._profile)
    return made


def cut(event: AnyEvent, shortened: bytes) -> AnyEvent:
    """`event` with `shortened` as its stored form: its own without some fields, but with its type and message id.

    An id or open JSON that is gone is absent, the name of a track call and the ids of group and alias calls are empty.
    `timestamp` and `received_at` are still there for whoever reckons with them, and only in the stored form are they
    not. A changed copy of the result lacks the same fields, unless it is given them again.
    """
    gone: list[str] = []
    try:
        made: AnyEvent = _decode(shortened)
    except msgspec.ValidationError:
        members = _members(shortened)
        for name in _REQUIRED[type(event)]:
            if name not in members:
                gone.append(name)
                members[name] = Raw(_encode(getattr(event, _IN_PLACE[name]) if name in _IN_PLACE else ""))
        made = _decode(_encode(members))
    if made.context_json is EMPTY_OBJECT:  # the default, and no empty object that was sent
        gone.append("context")
    if made.integrations_json is EMPTY_OBJECT:
        gone.append("integrations")
    _hide(made)
    force_setattr(made, "_json", shortened)
    force_setattr(made, "_profile", event._profile)
    if gone:
        force_setattr(made, "_without", frozenset(gone))
    return made


def readable(event: Event) -> bytes:
    """The stored form as `decode_event` reads it: with the fields that it needs, also where `cut` removed them."""
    return event.json if event._without is UNSET else encode_event(replace(event.replace(), _without=UNSET))
