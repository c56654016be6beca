"""From a time to positions of the stream, and which of them are gone."""

import asyncio
from bisect import bisect_left

from msgspec import Struct

from router.storage.segment import decode_segment
from router.storage.store import Storage

ALWAYS = 1 << 62
"""A moment after every event."""


class Span(Struct, frozen=True):
    """Half-open ranges of positions that belong to a time."""

    first: int
    after: int
    lost: tuple[int, int] = (0, 0)
    """Positions of that time that are not kept any more; `first` is the second of the two then."""
    is_exact: bool = True
    """Whether `lost` is all; otherwise older positions may have been of that time too, and nobody knows."""

    @property
    def is_empty(self) -> bool:
        """Whether nothing of it is kept."""
        return self.first >= self.after

    @property
    def lost_events(self) -> int:
        """How many positions are known to be gone."""
        return self.lost[1] - self.lost[0]


async def find_span(storage: Storage, since: int, until: int) -> Span:
    """The positions received from `since` to before `until`, both in milliseconds since the epoch."""
    place = await storage.find_time(since)
    end = await storage.find_time(until)
    first = await _exact(storage, place.kept, since)
    after = max(first, await _exact(storage, end.kept, until))
    lost = (place.known, min(place.kept, end.known) if end.kept == place.kept else place.kept)
    return Span(first, after, lost if lost[0] < lost[1] else (0, 0), place.is_exact)


async def _exact(storage: Storage, position: int, moment: int) -> int:
    """The first event of the segment at `position` that was received at `moment` or later."""
    segments = await storage.read_stream(position, 1)
    if not segments or segments[0].first_position != position or not segments[0].data:
        return position
    envelopes = await asyncio.to_thread(decode_segment, segments[0].data)
    index = bisect_left(envelopes, moment, key=lambda one: one.received_at)
    return envelopes[index].position if index < len(envelopes) else position + segments[0].count
