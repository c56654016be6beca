"""Deletes one identifier of a profile (identity 10): checks the request, and has the identity actor do it."""

from collections.abc import Awaitable, Callable

import msgspec
from msgspec import Struct

from router.api.profiles.query import decoded
from router.api.profiles.refused import ProfileRequestRefused, unknown_profile
from router.errors import ProfileRefused
from router.storage.profile import Key, Profile
from router.storage.profiles import Profiles

KEPT_TYPES = frozenset({"group_id"})
"""Types that are never deleted: they name an account."""
DELETED = b'{"code":"success","message":"The identifier was deleted."}'

TakeAway = Callable[[str, tuple[str, str]], Awaitable[None]]
"""Takes an identifier, as type and value, from the profile with that id."""


class _Named(Struct, frozen=True, forbid_unknown_fields=True):
    id: str
    type: str


class _Body(Struct, frozen=True):
    delete_external_ids: list[_Named]


async def delete_identifier(
    segment: str, body: bytes, *, space: str, profiles: Profiles, take_away: TakeAway
) -> bytes:
    """Delete what `body` names from the profile that `segment` of the path names. Raises ProfileRequestRefused."""
    type, _, value = decoded(segment).partition(":")
    if type.lower() != "user_id" or not value:
        raise _bad("look the profile up by its user_id: profiles/user_id:{value}/external_ids/delete")
    named = _read(body)
    wanted = named.type.lower(), named.id.lower() if named.type.lower() == "email" else named.id
    if wanted[0] in KEPT_TYPES:
        message = f"an identifier of the type {wanted[0]} cannot be deleted"
        raise ProfileRequestRefused(400, "unsupported_eid_type", message)
    if wanted == ("user_id", value):
        raise _bad("the identifier to delete is the one by which the profile is looked up")
    [profile] = await profiles.owners([Key(space, "users", "user_id", value)])
    if profile is None:
        raise unknown_profile()
    if not _has(profile, wanted):
        raise _no_identifier()
    try:
        await take_away(profile.id, wanted)
    except ProfileRefused as refused:
        [now] = await profiles.read([profile.id])
        if now is None or not _has(now, wanted):  # somebody else was quicker
            raise _no_identifier() from None
        raise _bad(str(refused)) from None
    return DELETED


def _read(body: bytes) -> _Named:
    try:
        named = msgspec.json.decode(body, type=_Body).delete_external_ids
    except (ValueError, RecursionError):
        shape = '{"delete_external_ids":[{"id":"old@example.com","type":"email"}]}'
        raise _bad(f"the body must be {shape}") from None
    if len(named) != 1:
        raise _bad(f"name exactly one identifier; the body has {len(named)}")
    return named[0]


def _has(profile: Profile, wanted: tuple[str, str]) -> bool:
    return any((one.type, one.value) == wanted for one in profile.identifiers)


def _no_identifier() -> ProfileRequestRefused:
    return ProfileRequestRefused(404, "eid_not_found", "the profile has no such identifier")


def _bad(message: str) -> ProfileRequestRefused:
    return ProfileRequestRefused(400, "bad_request", message)
