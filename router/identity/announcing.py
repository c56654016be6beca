"""The events that tell destinations of a computed trait or an audience, in the form that Segment gives them.

They are events of a source of their own, named after the workspace, and come right behind the event that they are
made of. Who they are about is said by the ids of that event, where those lead to the profile, else by the profile's.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec import Raw, Struct
from xxhash import xxh3_128_hexdigest

from router.events.calls import AnyEvent, Group, Identify, Track
from router.rules.consent import preferences
from router.rules.identity.computed.audience import Audience
from router.rules.identity.computed.trait import ComputedTrait
from router.rules.identity.memory import Space
from router.rules.identity.node import Node
from router.rules.identity.values import identifier_value

PREFIX = "computed-"
SOURCE_PREFIX = "engage_"
ENTERED, EXITED, TRAIT_COMPUTED = "Audience Entered", "Audience Exited", "Trait Computed"
VERSION = 2
Rule = ComputedTrait | Audience
_encode = msgspec.json.Encoder().encode


def source_of(space: str) -> str:
    """Name of the source that the events of a space are of."""
    return SOURCE_PREFIX + space


class Ids(Struct, frozen=True):
    """Who an event is about."""

    user: str | None
    anonymous: str | None
    group: str | None = None
    consent: bytes = b""
    """What that user allows, by category."""


class Occasion(Struct, frozen=True):
    """What the events come of."""

    event: AnyEvent
    """A call of a client, or a moment that came."""
    id: str
    """What their message ids derive from."""
    user: Node | None
    """Whom the call is about."""


def ids_of(space: Space, node: Node, occasion: Occasion) -> Ids | None:
    """Ids that lead to the profile; None where it has none that an event can carry."""
    event = occasion.event
    if node.profile.collection == "users":
        user = _own(space, node, "user_id", event.user_id)
        anonymous = _sent(space, node, "anonymous_id", event.anonymous_id)
        if user is None and anonymous is None:
            anonymous = _newest(space, node, "anonymous_id")
        if user is None and anonymous is None:
            return None
        return Ids(user, anonymous, None, _consent(node, occasion))
    sent = event.group_id if isinstance(event, Group) else None
    group = _own(space, node, "group_id", sent)
    if group is None:
        return None
    if occasion.user is None:  # nobody did it: the account stands for itself
        return Ids(None, node.profile.id, group)
    return Ids(event.user_id, event.anonymous_id, group, _consent(node, occasion))


def told(rule: Rule, json: bytes | None, form: str, ids: Ids, node: Node, occasion: Occasion) -> AnyEvent:
    """The call that tells of a new value, null where there is none any more: in the form `identify` or `track`.

    Of an account, `identify` is a group call.
    """
    value = Raw(json or b"null")
    shared = _shared(rule, form, ids, node, occasion)
    if form == "track":
        event = TRAIT_COMPUTED
        if isinstance(rule, Audience):
            event = ENTERED if json == b"true" else EXITED
        key = "audience_key" if isinstance(rule, Audience) else "trait_key"
        return Track(event=event, properties_json=Raw(_encode({key: rule.name, rule.name: value})), **shared)
    traits = Raw(_encode({rule.name: value}))
    if ids.group is not None:
        return Group(group_id=ids.group, traits_json=traits, **shared)
    return Identify(traits_json=traits, **shared)


def _shared(rule: Rule, form: str, ids: Ids, node: Node, occasion: Occasion) -> Mapping[str, Any]:
    event, space = occasion.event, node.profile.space
    text = f"{occasion.id}\0{space}\0{rule.collection}\0{rule.name}\0{form}"
    return {
        "message_id": PREFIX + xxh3_128_hexdigest(text.encode(errors="replace")),
        "user_id": ids.user,
        "anonymous_id": ids.anonymous,
        "context_json": _context(rule, space, ids.group, ids.consent),
        "original_timestamp": event.received_at,
        "received_at": event.received_at,
        "timestamp": event.received_at,
        "version": VERSION,
    }


@lru_cache(maxsize=200)
def _context(rule: Rule, space: str, group: str | None, consent: bytes) -> Raw:
    """The context that says what was computed, and what the user allows."""
    context: dict[str, Any] = {
        "personas": {
            "computation_class": rule.kind_name,
            "computation_id": rule.fingerprint,
            "computation_key": rule.name,
            "namespace": space,
            "space_id": space,
        }
    }
    if group is not None:
        context["groupId"] = group
    if consent:
        context["consent"] = {"categoryPreferences": Raw(consent)}
    return Raw(_encode(context))


def _consent(node: Node, occasion: Occasion) -> bytes:
    """What the user allows: as the profile knows it, else as the event says; empty for no word of it."""
    user = node if node.profile.collection == "users" else occasion.user
    if user is not None and user.traits is not None and user.traits.consent_at:
        return _encode(user.traits.consent)
    found = preferences(occasion.event)
    return b"" if found is None else _encode(found)


def _own(space: Space, node: Node, type: str, sent: str | None) -> str | None:
    """The value that the event has, if it leads to the profile, else the newest that does."""
    found = _sent(space, node, type, sent)
    return _newest(space, node, type) if found is None else found


def _sent(space: Space, node: Node, type: str, sent: str | None) -> str | None:
    value = identifier_value(type, sent) if sent is not None else None
    return value if value is not None and _leads(space, node, type, value) else None


def _newest(space: Space, node: Node, type: str) -> str | None:
    own = (one.value for one in reversed(node.profile.identifiers) if one.type == type)
    return next((one for one in own if _leads(space, node, type, one)), None)


def _leads(space: Space, node: Node, type: str, value: str) -> bool:
    return space.owner(node.profile.collection, (type, value)) is node
