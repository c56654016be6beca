"""Events for tests, in the stored form in which a destination gets them: the same call makes the same bytes.

Who did it is `u1` unless you say otherwise, when is `AT`, and the message id follows from all the rest: calls that
differ have ids that differ. `user_id=None` makes an event without a user.

`profile={"traits": {"plan": "gold"}}` gives the event what it would know of its profile; `id` may be said too.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import blake2b
from typing import Any, TypedDict, TypeVar, Unpack

import msgspec
from msgspec import Raw

from router.events.calls import Alias, AnyEvent, Event, Group, Identify, Page, Screen, Track
from router.events.profile import ProfileSnapshot, attach
from router.events.times import format_instant
from router.events.wire import NAMES

AT = "2030-05-01T10:00:00.000Z"
"""When events happen and are received, unless told otherwise."""
PROFILE_ID = "use_00000000000000000000000000000001"
"""The id of a profile that none is given for."""

EventT = TypeVar("EventT", bound=Event)


class Common(TypedDict, total=False):
    """What may be given with an event of any type."""

    user_id: str | None
    anonymous_id: str | None
    message_id: str
    timestamp: str | datetime
    original_timestamp: str | datetime
    sent_at: str | datetime | None
    received_at: str | datetime
    context: Mapping[str, Any]
    integrations: Mapping[str, Any]
    channel: str | None
    profile: Mapping[str, Any] | None


def track(event: str, *, properties: Mapping[str, Any] | None = None, **common: Unpack[Common]) -> Track:
    """Something a user did."""
    return _event(Track, common, event=event, properties=properties or {})


def identify(*, traits: Mapping[str, Any] | None = None, **common: Unpack[Common]) -> Identify:
    """Who a user is."""
    return _event(Identify, common, traits=traits or {})


def page(
    name: str | None = None,
    *,
    category: str | None = None,
    properties: Mapping[str, Any] | None = None,
    **common: Unpack[Common],
) -> Page:
    """A page of a website was seen."""
    return _event(Page, common, name=name, category=category, properties=properties or {})


def screen(
    name: str | None = None,
    *,
    category: str | None = None,
    properties: Mapping[str, Any] | None = None,
    **common: Unpack[Common],
) -> Screen:
    """A screen of an app was seen."""
    return _event(Screen, common, name=name, category=category, properties=properties or {})


def group(group_id: str, *, traits: Mapping[str, Any] | None = None, **common: Unpack[Common]) -> Group:
    """A user belongs to an account."""
    return _event(Group, common, groupId=group_id, traits=traits or {})


def alias(previous_id: str, **common: Unpack[Common]) -> Alias:
    """Two ids are one user."""
    return _event(Alias, common, previousId=previous_id)


def one_of_each(**common: Unpack[Common]) -> list[AnyEvent]:
    """An event of every type."""
    return [
        track("Order Completed", properties={"total": 12.5, "currency": "EUR"}, **common),
        identify(traits={"email": "ada@example.com", "plan": "pro"}, **common),
        page("Home", category="Docs", properties={"url": "https://example.com/"}, **common),
        screen("Inbox", properties={"unread": 3}, **common),
        group("acme", traits={"name": "Acme", "employees": 7}, **common),
        alias("a1", **common),
    ]


def _event(kind: type[EventT], common: Common, **own: Any) -> EventT:
    given = dict(common)
    profile: Any = given.pop("profile", None)
    if "user_id" not in given and "anonymous_id" not in given:
        given["user_id"] = "u1"
    timestamp = _time(given.pop("timestamp", AT))
    members: dict[str, Any] = {
        "type": kind.__struct_config__.tag,
        "timestamp": timestamp,
        "originalTimestamp": _time(given.pop("original_timestamp", timestamp)),
        "receivedAt": _time(given.pop("received_at", timestamp)),
        "context": given.pop("context", {}),
        "integrations": given.pop("integrations", {}),
        "version": 2,
        **own,
    }
    for name, value in given.items():
        members[NAMES.get(name, name)] = _time(value) if isinstance(value, datetime) else value
    members = {name: value for name, value in members.items() if value is not None}
    if "messageId" not in members:
        members["messageId"] = blake2b(msgspec.json.encode(members), digest_size=12).hexdigest()
    event = msgspec.json.decode(msgspec.json.encode(members), type=kind)
    if profile is not None:
        attach(event, snapshot(profile))
    return event


def snapshot(profile: Mapping[str, Any]) -> ProfileSnapshot:
    """What an event knows of a profile that is written as rules see it: `{"id": …, "traits": {…}}`."""
    unknown = profile.keys() - {"id", "traits"}
    if unknown:
        raise TypeError(f"a profile has an id and traits, and no {min(unknown)!r}")
    traits = {name: value for name, value in profile.get("traits", {}).items() if value is not None}
    return ProfileSnapshot(str(profile.get("id", PROFILE_ID)), Raw(msgspec.json.encode(traits)))


def _time(value: Any) -> Any:
    """A datetime as the router writes times; text stays as it is."""
    if not isinstance(value, datetime):
        return value
    moment = value if value.tzinfo is not None else value.replace(tzinfo=UTC)
    return format_instant(int(moment.timestamp() * 1000))
