"""Profiles, identifiers and events in the shapes of the Profile API."""

from typing import Any

from msgspec import Raw

from router.events.calls import Group, Identify, Page, Screen, Track
from router.events.envelope import Envelope
from router.events.times import format_instant
from router.storage.profile import Collection, Identifier, Profile, Trait


def identifier_shape(one: Identifier, collection: Collection) -> dict[str, Any]:
    """An entry of `external_ids`."""
    return {
        "source_id": one.source,
        "collection": collection,
        "id": one.value,
        "type": one.type,
        "created_at": format_instant(one.created_at),
        "encoding": "none",
        "first_message_id": one.message_id,
    }


def trait_shape(one: Trait, *, is_verbose: bool) -> Any:
    """The value of a trait, or with where and when it was set."""
    value = Raw(one.json or b"null")
    if not is_verbose:
        return value
    return {"value": value, "source_id": one.source, "updated_at": format_instant(one.at)}


def metadata_shape(profile: Profile) -> dict[str, Any]:
    """When a profile was made and changed, and by what."""
    return {
        "created_at": format_instant(profile.created_at),
        "updated_at": format_instant(profile.updated_at),
        "expires_at": None,
        "first_message_id": profile.first_message_id,
        "first_source_id": profile.first_source,
        "last_message_id": profile.last_message_id,
        "last_source_id": profile.last_source,
    }


def event_shape(envelope: Envelope, profile: Profile) -> dict[str, Any]:
    """An entry of `events`. What a person allowed (`context.consent`) is never shown."""
    event = envelope.event
    shape: dict[str, Any] = {
        "external_ids": _external_ids(envelope),
        "context": {name: one for name, one in event.context.items() if name != "consent"},
        "type": event.type,
        "message_id": event.message_id,
        "source_id": envelope.source,
        "timestamp": event.timestamp,
        "related": {profile.collection: profile.id},
    }
    if isinstance(event, Track):
        shape["event"] = event.event
    if isinstance(event, Page | Screen) and event.name is not None:
        shape["name"] = event.name
    if isinstance(event, Track | Page | Screen):
        shape["properties"] = event.properties
    if isinstance(event, Identify | Group):
        shape["traits"] = event.traits
    return shape


def _external_ids(envelope: Envelope) -> list[dict[str, str]]:
    event = envelope.event
    found = [("users", "user_id", event.user_id), ("users", "anonymous_id", event.anonymous_id)]
    if isinstance(event, Group):
        found.append(("accounts", "group_id", event.group_id))
    return [
        {"collection": collection, "type": type, "id": id, "encoding": "none"}
        for collection, type, id in found
        if id is not None
    ]
