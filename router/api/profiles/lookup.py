"""Finds the profile that a path speaks of, by any of its identifiers or by its own id."""

from router.api.profiles.query import decoded
from router.api.profiles.refused import INVALID, ProfileRequestRefused, unknown_profile
from router.storage.profile import Collection, Key, Profile
from router.storage.profiles import Profiles

_IDS: dict[Collection, str] = {"users": "use_", "accounts": "gro_"}


def looked_for(segment: str, space: str, collection: Collection) -> Key | str:
    """The identifier, or the id of a profile, in a segment of a path. Raises ProfileRequestRefused.

    Types are written small, and so are the values of emails; others are compared as they are.
    """
    text = decoded(segment)
    type, colon, value = text.partition(":")
    if not colon and text.startswith(_IDS[collection]):
        return text
    if not colon or not type or not value:
        message = "name a profile as {type}:{value}, percent-encoded, e.g. user_id:u1, or by its own id"
        raise ProfileRequestRefused(400, INVALID, message)
    type = type.lower()
    return Key(space, collection, type, value.lower() if type == "email" else value)


async def find_profile(profiles: Profiles, segment: str, space: str, collection: Collection) -> Profile:
    """The profile, or the one into which it was merged. Raises ProfileRequestRefused."""
    wanted = looked_for(segment, space, collection)
    [found] = await (profiles.read([wanted]) if isinstance(wanted, str) else profiles.owners([wanted]))
    if found is None or (found.space, found.collection) != (space, collection):
        raise unknown_profile()
    return found
