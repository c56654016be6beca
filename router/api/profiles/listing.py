"""The list of all profiles, where the operator opens it; no part of Segment's API (identity 9, choose).

GET /v1/spaces/{space}/collections/{users|accounts}/profiles?limit=10&next=…
"""

from typing import Any

from router.api.profiles.paging import decode_cursor, page_cursor
from router.api.profiles.query import Query
from router.api.profiles.shapes import identifier_shape, metadata_shape
from router.storage.profile import Collection, Profile
from router.storage.profiles import Profiles

ENDPOINT = "profiles"
_MOST_IDENTIFIERS = 100


async def list_profiles(
    profiles: Profiles, query: Query, *, space: str, collection: Collection, path: str
) -> dict[str, Any]:
    """A page of profiles, the oldest first; `path` is that of the collection."""
    limit = query.limit(10, 100)
    beyond = decode_cursor(ENDPOINT, query.given.get("next", ""), "")
    found = await profiles.pages(space, collection, limit=limit + 1, beyond=beyond)
    last = found[limit - 1].id if len(found) > limit else None
    cursor = page_cursor(path, query.given, endpoint=ENDPOINT, limit=limit, next_place=last)
    return {"data": [_shape(one) for one in found[:limit]], "cursor": cursor}


def _shape(profile: Profile) -> dict[str, Any]:
    identifiers = profile.identifiers[:_MOST_IDENTIFIERS]
    return {
        "segment_id": profile.id,
        "external_ids": [identifier_shape(one, profile.collection) for one in identifiers],
        "metadata": metadata_shape(profile),
    }
