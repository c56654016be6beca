"""Finds the identifiers, traits and consent in an event (identity 2, 6, 7, 8).

Most events have a user id and an anonymous id and nothing else for the graph. `is_plain` sees that from the bytes,
so that their open JSON is not decoded at all.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec import Raw, Struct

from router.events.calls import Alias, AnyEvent, Group, Identify, Track, decode_open_json
from router.events.wire import ABSENT
from router.rules.consent import ID as CATEGORY
from router.rules.identity.computed.rules import ComputedRules
from router.rules.identity.facts import Facts, Named
from router.rules.identity.space_rules import SpaceRules
from router.rules.identity.values import LONGEST, identifier_value

MOST_KEYS = 300
"""An event with more traits or properties is left out of the graph."""
MOST_MESSAGE_ID = 100
LONGEST_TYPE = 100
CONSENT_EVENT = "Segment Consent Preference Updated"
_FEWEST_BYTES = 6 * MOST_KEYS
"""Fewer bytes cannot hold more than `MOST_KEYS` different keys with their values: `"a":1,`."""
_TELLING = (b"device", b"externalIds", b"groupId", b"traits", b"integrations", b"Braze", b"\\")
"""A context without these words, and without a key that is written with escapes, has nothing for the graph."""
MOST_CONTEXTS = 1000
LONGEST_CONTEXT = 2000
MOST_VALUES = 4000
_UNKNOWN = "?"
BUILT_IN = frozenset(
    {
        "user_id", "email", "anonymous_id", "group_id", "android.id", "android.idfa", "android.push_token", "ios.id",
        "ios.idfa", "ios.push_token", "ga_client_id", "braze_id",
    }
)  # fmt: skip
"""The types that need no configuration."""
_EMAIL = ("email",)


class _Context(Struct, gc=False):
    """The members of `context` that matter here."""

    traits: Any = None
    device: Any = None
    external_ids: Any = msgspec.field(name="externalIds", default=None)
    group_id: Any = msgspec.field(name="groupId", default=None)
    integrations: Any = None
    braze: Any = msgspec.field(name="Braze", default=None)
    consent: Any = None


_decode_context = msgspec.json.Decoder(_Context).decode
_decode_members = msgspec.json.Decoder(dict[str, Raw]).decode


class Extraction:
    """Reads events by the rules of a space."""

    def __init__(self, rules: SpaceRules) -> None:
        self._rules = rules
        self._contexts: dict[bytes, bool] = {}
        self._last_plain: Raw | None = None
        self._values: dict[tuple[str, str], str | None] = {}
        self._spellings = {one: (one, _camel(one)) for one in rules.custom_types}
        self._custom = tuple(
            {f'"{word}"'.encode() for pair in self._spellings.values() for word in pair}
            | ({b'"email"'} if rules.email_from_properties else set())
        )

    def is_plain(self, event: AnyEvent) -> bool:
        """Whether the user id and the anonymous id are all that the event has for the graph, as far as bytes tell."""
        kind = event.__class__
        if kind is Identify or kind is Group or kind is Alias or self._rules.filters:
            return False
        context = event.context_json
        if context is not self._last_plain:  # calls of one request often share it
            text = bytes(context)
            is_plain = self._contexts.get(text)
            if is_plain is None:
                is_plain = self._look_at(text)
            if not is_plain:
                return False
            self._last_plain = context
        if len(event.properties_json) > _FEWEST_BYTES:  # type: ignore[union-attr]
            properties = bytes(event.properties_json)  # type: ignore[union-attr]
            if properties.count(b":") > MOST_KEYS:
                return False
        if kind is Track and event.event == CONSENT_EVENT:  # type: ignore[union-attr]
            return False
        return not self._custom or not any(word in event.json for word in self._custom)

    def _look_at(self, context: bytes) -> bool:
        """Whether a context has nothing for the graph; the answer is kept, as contexts come again and again."""
        is_plain = not any(word in context for word in _TELLING)
        if len(self._contexts) >= MOST_CONTEXTS:
            self._contexts.clear()
        if len(context) <= LONGEST_CONTEXT:
            self._contexts[context] = is_plain
        return is_plain

    def facts(self, event: AnyEvent) -> Facts:
        """What the graph takes up of `event`."""
        found = Facts()
        if (reason := self._refusal(event)) is not None:
            found.left_out.append(reason)
        elif isinstance(event, Alias):
            self._alias(event, found)
        else:
            self._decoded(event, found)
        found.users.sort(key=self._rank)
        found.accounts.sort(key=self._rank)
        return found

    def plain_facts(self, event: AnyEvent) -> Facts:
        """What the graph takes up of a plain event."""
        found = Facts()
        self._take(found, found.users, (("user_id", event.user_id), ("anonymous_id", event.anonymous_id)))
        found.users.sort(key=self._rank)
        return found

    def _rank(self, one: Named) -> tuple[int, str]:
        return self._rules.rank(one[0])

    def _refusal(self, event: AnyEvent) -> str | None:
        """Why the event does not touch the graph at all."""
        if any(one.matches(event) for one in self._rules.filters):
            return "filter"
        return "long_message_id" if len(event.message_id) > MOST_MESSAGE_ID else None

    def _decoded(self, event: AnyEvent, found: Facts) -> None:
        own, context = _own(event), _context(event)
        group = event.group_id if isinstance(event, Group) else context.group_id
        if len(own) > MOST_KEYS:
            found.left_out.append("too_many_keys")
        elif isinstance(group, str) and (not group.strip() or len(group) > LONGEST):
            found.left_out.append("group_id")
        else:
            found.is_group = isinstance(event, Group)
            self._take(found, found.users, self._users(event, context, {} if found.is_group else own))
            self._take(found, found.accounts, [("group_id", group)])
            self._external(context.external_ids, found)
            self._take_traits(event, context, own, found)

    def _alias(self, event: Alias, found: Facts) -> None:
        if self._rules.alias_merges and event.previous_id != event.user_id:
            self._take(found, found.users, [("user_id", event.user_id)])
            found.previous = identifier_value("user_id", event.previous_id)

    def _users(self, event: AnyEvent, context: _Context, own: Mapping[str, Raw]) -> Iterator[tuple[str, Any]]:
        traits: Any = context.traits if isinstance(context.traits, dict) else {}
        yield "user_id", event.user_id
        yield "anonymous_id", event.anonymous_id
        has_email = isinstance(event, Identify) or self._rules.email_from_properties
        email = _first(own, _EMAIL) if has_email else None
        yield "email", traits.get("email") if email is None else email
        yield from _device(context.device)
        yield "ga_client_id", _member(_member(context.integrations, "Google Analytics"), "clientId")
        yield "braze_id", _member(context.braze, "braze_id")
        for name, words in self._spellings.items():
            value = _first(own, words)
            if value is None:
                value = next((traits[word] for word in words if traits.get(word) is not None), None)
            yield name, value

    def _external(self, entries: Any, found: Facts) -> None:
        for entry in entries if isinstance(entries, list) else ():
            type, value, collection = (_member(entry, name) for name in ("type", "id", "collection"))
            is_type = isinstance(type, str) and 0 < len(type) <= LONGEST_TYPE and type == type.lower()
            is_whole = is_type and value is not None and _member(entry, "encoding") is not None
            if is_whole and collection == "users":
                self._take(found, found.users, [(type, value)])
            elif is_whole and collection == "accounts":
                self._take(found, found.accounts, [(type, value)])
            else:
                found.left_out.append("external_id")

    def _take(self, found: Facts, ids: list[Named], candidates: Iterable[tuple[str, Any]]) -> None:
        for type, sent in candidates:
            if sent is None:
                continue
            value = self._value(type, sent) if sent.__class__ is str else identifier_value(type, sent)
            if value is None:
                found.left_out.append("identifier")
            elif not value or (sent.__class__ is not str and self._rules.is_blocked(type, value)):
                found.left_out.append("blocked_identifier")
            elif (type, value) not in ids:
                ids.append((type, value))

    def _value(self, type: str, sent: str) -> str | None:
        """The value of an identifier, "" when it is blocked, None for none; kept, as the same come again and again."""
        known = self._values.get((type, sent), _UNKNOWN)
        if known is not _UNKNOWN:
            return known
        value = identifier_value(type, sent)
        if value is not None and self._rules.is_blocked(type, value):
            value = ""
        if len(self._values) >= MOST_VALUES:
            self._values.clear()
        if len(sent) <= 100:
            self._values[type, sent] = value
        return value

    def _take_traits(self, event: AnyEvent, context: _Context, own: dict[str, Raw], found: Facts) -> None:
        if isinstance(event, Identify | Group):
            found.traits = own
        elif self._rules.context_traits and isinstance(context.traits, dict):
            found.traits = {name: Raw(msgspec.json.encode(one)) for name, one in context.traits.items()}
        if found.traits and self._rules.computed:
            _leave_out_computed(found, self._rules.computed)
        if isinstance(event, Track) and event.event == CONSENT_EVENT:
            given = _member(context.consent, "categoryPreferences")
            if isinstance(given, dict):
                found.consent = {name: one is True for name, one in given.items() if CATEGORY.fullmatch(name)}


def _leave_out_computed(found: Facts, rules: ComputedRules) -> None:
    """A trait that is computed has no other value than that."""
    computed = rules.by_name["accounts" if found.is_group else "users"]
    named = computed.keys() & found.traits.keys()
    if named:
        found.traits = {name: raw for name, raw in found.traits.items() if name not in named}
        found.left_out += ["computed_trait"] * len(named)


def _context(event: AnyEvent) -> _Context:
    raw = event.context_json
    if raw is ABSENT or not len(raw):
        return _Context()
    try:
        return _decode_context(raw)
    except msgspec.ValidationError:  # a number that msgspec cannot hold
        members = decode_open_json(raw)
    if not isinstance(members, dict):
        return _Context()
    names = zip(_Context.__struct_fields__, _Context.__struct_encode_fields__, strict=True)
    return _Context(**{field: members.get(name) for field, name in names})


def _own(event: AnyEvent) -> dict[str, Raw]:
    """The traits or properties of an event, each still raw."""
    if isinstance(event, Alias):
        return {}
    raw = event.traits_json if isinstance(event, Identify | Group) else event.properties_json
    return _decode_members(raw) if bytes(raw)[:1] == b"{" else {}


def _device(device: Any) -> Iterator[tuple[str, Any]]:
    kind = _member(device, "type")
    if isinstance(kind, str) and kind.lower() in ("android", "ios"):
        kind = kind.lower()
        yield f"{kind}.id", device.get("id")
        yield f"{kind}.push_token", device.get("token")
        if device.get("adTrackingEnabled") is True:
            yield f"{kind}.idfa", device.get("advertisingId")


def _first(own: Mapping[str, Raw], words: tuple[str, ...]) -> Any:
    for word in words:
        if word in own and (value := decode_open_json(own[word])) is not None:
            return value
    return None


def _member(value: Any, name: str) -> Any:
    return value.get(name) if isinstance(value, dict) else None


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(one.capitalize() for one in rest)
