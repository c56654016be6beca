"""Looks for profiles by their traits. There is no index of values: one profile after the other is looked at.

A look is taken in pieces that are bounded in time, so that a running router is not held up; who asks says how far.
"""

import asyncio
import time
from collections.abc import Sequence

from msgspec import Struct

from router.admin.profiles import Shown
from router.admin.verbs import Desk, Verb
from router.rules.identity.sought import SoughtTrait
from router.storage.profile import Collection
from router.storage.profile_ids import birth_of
from router.storage.store import Storage

LOOK_SECONDS = 0.25
_AT_ONCE = 50
"""Profiles between two moments in which others may use the loop."""


class AskSearch(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for profiles that have all of some traits."""

    space: str
    traits: Sequence[SoughtTrait]
    collection: Collection = "users"
    beyond: str = ""
    """Go on behind the profile of this id."""
    limit: int = 50
    """So many are enough."""
    most: int = 10_000
    """So many are looked at, at most."""


class Searched(Struct, frozen=True):
    """A piece of the search."""

    profiles: Sequence[Shown]
    looked_at: int
    beyond: str = ""
    """Where the next piece begins; empty when all were looked at."""
    share: float = 1.0
    """About how much of the space lies before that."""


SEARCH: Verb[AskSearch, Searched] = Verb("profile_search", AskSearch, Searched)


def answer_search(desk: Desk, storage: Storage) -> None:
    """Have `desk` look for profiles of `storage`."""

    async def search(asked: AskSearch) -> Searched:
        found: list[Shown] = []
        beyond, looked_at, until = asked.beyond, 0, time.monotonic() + LOOK_SECONDS
        most = max(1, asked.most)
        while looked_at < most and len(found) < asked.limit:
            limit = min(_AT_ONCE, most - looked_at)
            page = await storage.profiles.pages(asked.space, asked.collection, limit=limit, beyond=beyond)
            if not page:
                return Searched(found, looked_at)
            traits = await storage.profiles.traits([one.id for one in page])
            for profile, values in zip(page, traits, strict=True):
                looked_at, beyond = looked_at + 1, profile.id
                if all(one.is_in(values) for one in asked.traits):
                    found.append(Shown(profile))
                    if len(found) == asked.limit:
                        break
            if time.monotonic() > until:
                break
            await asyncio.sleep(0)
        events = (await storage.facts()).stream_next
        share = min(1.0, birth_of(storage.store_id, beyond) / max(1, events))
        return Searched(found, looked_at, beyond, share)

    desk.on(SEARCH, search)
