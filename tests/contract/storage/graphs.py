"""Profiles and their changes for tests of stores."""

from typing import Any

from msgspec.structs import replace

from router.storage.profile import Collection, Identifier, Key, Profile, Trait
from router.storage.profile_changes import Change, ProfileChanges
from router.storage.profile_ids import numbered, profile_id
from router.storage.store import Commit, Storage


def id_of(store: Storage, position: int, collection: Collection = "users") -> str:
    return profile_id(store.store_id, numbered(position, collection))


def key(
    value: str, type: str = "user_id", *, collection: Collection = "users", space: str = "default"
) -> Key:
    return Key(space, collection, type, value)


def profile(
    store: Storage, position: int, *values: str, collection: Collection = "users", **changes: Any
) -> Profile:
    """A profile made by the event at `position`, with the values as user ids."""
    found = Profile(
        id=id_of(store, position, collection),
        space="default",
        collection=collection,
        created_at=1000 + position,
        updated_at=2000,
        first_message_id=f"m{position}",
        first_source="website",
        last_message_id="m9",
        last_source="app",
        identifiers=tuple(Identifier("user_id", one, 1500, "app", "m7") for one in values),
    )
    return replace(found, **changes)


def owned(*profiles: Profile) -> list[tuple[Key, str]]:
    return [
        (Key(one.space, one.collection, identifier.type, identifier.value), one.id)
        for one in profiles
        for identifier in one.identifiers
    ]


def made(*profiles: Profile, **more: Any) -> ProfileChanges:
    """New profiles with their identifiers."""
    return ProfileChanges(profiles=profiles, gained=owned(*profiles), **more)


def trait(json: bytes | None, at: int = 5) -> Trait:
    return Trait(json, at, at + 1, f"m{at}", "app")


def told(store: Storage, position: int, data: bytes = b"{}") -> Change:
    return Change(
        "created", id_of(store, position), "default", "users", data, 1, 2, "m1", "track", "Met", "app"
    )


async def write(store: Storage, changes: ProfileChanges) -> None:
    """Commit changes of the graph alone."""
    cursor = (await store.facts()).inbox_cursor
    assert await store.commit(Commit(cursor, cursor, None, {}, profiles=changes))
