"""A search of the stream for the events of some ids: what is asked, and what one bounded look found."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from router.storage.store import StoredSegment


class Search(Struct, frozen=True, kw_only=True):
    """Which events are looked for, and where."""

    keys: Sequence[int]
    """Hashes (`router.storage.hashing.key_hash`) of user, anonymous or previous ids; one of them is enough."""
    first: int
    after: int
    """Only positions from `first` to before `after`."""
    limit: int
    """At most so many events."""
    newest_first: bool = True


class Hits(Struct, frozen=True):
    """What one look found, in the order that was asked for."""

    found: "Sequence[tuple[StoredSegment, Sequence[int]]]"
    """Whole segments, each with the slots that have one of the keys."""
    reached: int
    """Where the look ended: nothing is between here and where it began but what was found. Searching on from here
    (as `after` when the newest come first, else as `first`) finds the rest."""
