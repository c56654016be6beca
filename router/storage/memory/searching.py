"""Finds the events of some ids among segments in memory; one look sees them all."""

from collections.abc import Sequence

from router.storage.hits import Hits, Search
from router.storage.segment import Segment
from router.storage.store import StoredSegment


def search(segments: Sequence[StoredSegment], asked: Search) -> Hits:
    """Look through `segments`, which come in the order that was asked for."""
    found: list[tuple[StoredSegment, Sequence[int]]] = []
    left = asked.limit
    for stored in segments:
        segment = Segment.parse(stored.data)
        first = stored.first_position
        slots = sorted(
            {
                slot
                for key in asked.keys
                for slot in segment.find(key)
                if asked.first <= first + slot < asked.after
            },
            reverse=asked.newest_first,
        )[:left]
        if slots:
            found.append((stored, slots))
            left -= len(slots)
            if not left:
                return Hits(found, first + slots[-1] + (not asked.newest_first))
    return Hits(found, asked.first if asked.newest_first else asked.after)
