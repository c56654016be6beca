"""Answers of the Profile API that the graph alone gives: traits, identifiers, metadata and links."""

from collections.abc import Awaitable, Callable
from itertools import islice
from typing import Any

from msgspec import Struct

from router.api.profiles.paging import decode_cursor, page_cursor
from router.api.profiles.query import Query
from router.api.profiles.shapes import identifier_shape, metadata_shape, trait_shape
from router.rules.identity.computed.rules import NO_RULES, ComputedRules, class_of
from router.storage.profile import Collection, Profile
from router.storage.store import Storage

MOST_LINKS = 20
_LINKS_READ = 100
"""Links that two profiles had before they were merged come twice, so more are read than shown."""
_MOST_OF_A_LINK = 100
"""So many identifiers are shown of whom a link leads to."""


class Asked(Struct, frozen=True):
    """A request about one profile."""

    storage: Storage
    profile: Profile
    query: Query
    path: str
    """The path of the profile by its own id."""
    computed: ComputedRules = NO_RULES
    """What is computed of profiles today."""

    def cursor(self, endpoint: str, limit: int, next_place: int | str | None) -> dict[str, Any]:
        """The object `cursor` of the answer."""
        return page_cursor(self.path, self.query.given, endpoint=endpoint, limit=limit, next_place=next_place)


Answering = Callable[[Asked], Awaitable[dict[str, Any]]]


async def traits(asked: Asked) -> dict[str, Any]:
    """The traits in the order of their names, so that pages do not shift."""
    query = asked.query
    limit = query.limit(10, 200)
    is_verbose = query.flag("verbose")
    beyond = decode_cursor("traits", query.given.get("next", ""), "")
    wanted = query.names("include")
    kind = query.choice("class", "", "audience", "computed_trait")
    [found] = await asked.storage.profiles.traits([asked.profile.id])
    classes = class_of(found, asked.computed.by_name[asked.profile.collection]) if kind else {}
    names = sorted(
        name
        for name, one in found.values.items()
        if one.json is not None
        and (wanted is None or name in wanted)
        and name > beyond
        and classes.get(name, "") == kind
    )
    shown = {name: trait_shape(found.values[name], is_verbose=is_verbose) for name in names[:limit]}
    last = names[limit - 1] if len(names) > limit else None
    return {"traits": shown, "cursor": asked.cursor("traits", limit, last)}


async def external_ids(asked: Asked) -> dict[str, Any]:
    """The identifiers in the order in which they came."""
    query, profile = asked.query, asked.profile
    limit = query.limit(10, 100)
    query.flag("verbose")
    skip = decode_cursor("external_ids", query.given.get("next", ""), 0)
    wanted = query.names("include")
    found = [one for one in profile.identifiers if wanted is None or one.type in wanted]
    shown = [identifier_shape(one, profile.collection) for one in found[skip : skip + limit]]
    after = skip + limit if len(found) > skip + limit else None
    return {"data": shown, "cursor": asked.cursor("external_ids", limit, after)}


async def metadata(asked: Asked) -> dict[str, Any]:
    """When the profile was made and changed."""
    asked.query.flag("verbose")
    return {"metadata": metadata_shape(asked.profile)}


async def links(asked: Asked) -> dict[str, Any]:
    """The accounts of a user, or the users of an account."""
    profile, profiles = asked.profile, asked.storage.profiles
    other: Collection = "accounts" if profile.collection == "users" else "users"
    found = await profiles.links(profile.id, limit=_LINKS_READ)
    ids = dict.fromkeys(one.account if other == "accounts" else one.user for one in found)
    linked = await profiles.read(list(ids)[:MOST_LINKS])
    return {
        "data": [
            {
                "to_collection": other,
                "external_ids": [
                    identifier_shape(id, other) for id in islice(one.identifiers, _MOST_OF_A_LINK)
                ],
            }
            for one in linked
            if one is not None
        ]
    }
