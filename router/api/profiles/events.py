"""The events of one profile, read from the stream by the hashes of its user and anonymous ids.

Nothing is indexed by profile. The store finds the slots that have one of the hashes; those events are decoded,
and those that were resolved to the profile, or to one that was merged into it, are shown. A request looks at a bounded
part of the stream: a page may be short, even empty, and yet `has_more`; the next one goes on from there. Their order
is that in which the router received them.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from router.api.profiles.paging import decode_cursor
from router.api.profiles.reading import Asked
from router.api.profiles.refused import INVALID, WRONG_VALUE, ProfileRequestRefused
from router.api.profiles.shapes import event_shape
from router.events.envelope import Envelope
from router.events.times import parse_instant
from router.storage.hashing import key_hash
from router.storage.hits import Hits, Search
from router.storage.profile import Profile
from router.storage.profile_ids import birth_of
from router.storage.segment import Segment, SegmentDamaged
from router.storage.store import Storage

MOST_LOOKS = 2
"""Looks at the stream in one request."""
KEPT = 14 * 86_400_000
"""Older events are not shown, in milliseconds."""
_LOOKED_AT = 100
"""Events that are decoded after one look where many of them may not be wanted."""
_THREAD_SEGMENTS = 8
"""So many segments are read on a thread: on the loop they would hold up everybody else."""
_END = 1 << 62
_TYPES = frozenset({"user_id", "anonymous_id"})


class EventsOf:
    """Answers `events`; `now` tells the time in milliseconds."""

    def __init__(self, now: Callable[[], int]) -> None:
        self._now = now

    async def __call__(self, asked: Asked) -> dict[str, Any]:
        """One page. Raises ProfileRequestRefused."""
        query, profile, storage = asked.query, asked.profile, asked.storage
        if profile.collection == "accounts":
            message = "events are those of users; ask for the links of the account, then for their events"
            raise ProfileRequestRefused(400, INVALID, message)
        limit = query.limit(10, 100)
        newest_first = query.choice("sort", "desc", "asc") == "desc"
        wanted = self._wanted(asked)
        first, after = 0, _END
        if newest_first:
            after = decode_cursor("events", query.given.get("next", ""), _END)
        else:
            first = decode_cursor("events", query.given.get("next", ""), 0)
        search = Search(
            keys=[key_hash(storage.store_id, one.value) for one in profile.identifiers if one.type in _TYPES],
            first=max(first, await _beginning(storage, profile, wanted.start)),
            after=after,
            limit=limit + 1 if wanted.is_open else _LOOKED_AT,
            newest_first=newest_first,
        )
        found, place = await _page(storage, search, wanted, limit)
        shown = [event_shape(one, profile) for one in found]
        return {"data": shown, "cursor": asked.cursor("events", limit, place)}

    def _wanted(self, asked: Asked) -> "_Wanted":
        query = asked.query
        start, end = query.moment("start"), query.moment("end")
        if start is not None and end is not None and start > end:
            raise ProfileRequestRefused(400, WRONG_VALUE, "start must not be later than end")
        include = query.names("include")
        return _Wanted(
            ids=frozenset((asked.profile.id, *asked.profile.absorbed)),
            include=None if include is None else frozenset(include),
            exclude=frozenset(query.names("exclude") or ()),
            start=max(start or 0, self._now() - KEPT),
            end=end,
        )


class _Wanted(Struct, frozen=True):
    """Which of a profile's events."""

    ids: frozenset[str]
    include: frozenset[str] | None
    exclude: frozenset[str]
    start: int
    end: int | None

    @property
    def is_open(self) -> bool:
        """Whether nearly every event of the profile is wanted."""
        return self.include is None and not self.exclude and self.end is None

    def takes(self, one: Envelope) -> bool:
        """Whether this event is one of them."""
        if one.profile_id not in self.ids:
            return False
        name = getattr(one.event, "event", None)
        if (self.include is not None and name not in self.include) or name in self.exclude:
            return False
        at = parse_instant(one.event.timestamp)
        return at is not None and at >= self.start and (self.end is None or at < self.end)


async def _beginning(storage: Storage, profile: Profile, start: int) -> int:
    """A position before which the profile has no event of that time: it was not born, or the time was not come."""
    births = [birth_of(storage.store_id, one) for one in (profile.id, *profile.absorbed)]
    return max(min(births), (await storage.find_time(start)).kept)


async def _page(
    storage: Storage, search: Search, wanted: _Wanted, limit: int
) -> tuple[list[Envelope], int | None]:
    """The events of a page, and where the next one begins; None where nothing more can be."""
    found: list[Envelope] = []
    for _ in range(MOST_LOOKS):
        if not search.keys or search.first >= search.after:
            return found, None
        hits = await storage.search(search)
        for one in await _decoded(hits):
            if not wanted.takes(one):
                continue
            if len(found) == limit:
                last = found[-1].position
                return found, last if search.newest_first else last + 1
            found.append(one)
        if search.newest_first:
            search = replace(search, after=hits.reached)
        else:
            search = replace(search, first=hits.reached)
    return found, hits.reached if search.first < search.after else None


async def _decoded(hits: Hits) -> list[Envelope]:
    if len(hits.found) < _THREAD_SEGMENTS:
        return _decode(hits)
    return await asyncio.to_thread(_decode, hits)


def _decode(hits: Hits) -> list[Envelope]:
    found: list[Envelope] = []
    for stored, slots in hits.found:
        try:
            envelopes = Segment.parse(stored.data).envelopes(slots)
        except SegmentDamaged:
            continue  # a follower that comes by sets it aside, and tells
        found += envelopes if slots[0] <= slots[-1] else envelopes[::-1]
    return found
