"""Finds the events of some ids in an encoded segment by its columns of keys, without reading the rest of it.

The columns are a tenth of a segment. They are read without their checksum: who then decodes an event checks the whole.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.storage.segment_layout import FACTS, HEAD, MAGIC, VERSIONS, SegmentDamaged

FRONT_BYTES = HEAD.size + FACTS.size
"""So many bytes of a segment say where its columns of keys are."""
_BEFORE_KEYS = 4 + 2 + 1 + 4
"""Bytes of a slot in the columns that lie before: offset, source, type, event name."""
_FEW_KEYS = 16
Hashes = NDArray[np.int64]


class KeyColumns(Struct, frozen=True):
    """Where the columns of keys lie in one segment."""

    start: int
    size: int
    _count: int
    _previous: int

    @classmethod
    def read(cls, front: bytes) -> "KeyColumns":
        """From the first `FRONT_BYTES` of a segment; raises SegmentDamaged."""
        if len(front) < FRONT_BYTES or front[:4] != MAGIC or front[4] not in VERSIONS:
            raise SegmentDamaged("its front cannot be read")
        _, count, _, previous, _ = FACTS.unpack_from(front, HEAD.size)
        return cls(FRONT_BYTES + 4 + _BEFORE_KEYS * count, 16 * count + 12 * previous, count, previous)

    def hashes(self, columns: bytes) -> Hashes:
        """All hashes of user, anonymous and previous ids, each as often as it stands there."""
        if len(columns) != self.size:
            raise SegmentDamaged("its columns are cut off")
        ids = np.frombuffer(columns, "<i8", 2 * self._count)
        previous = np.frombuffer(columns, "<i8", self._previous, 16 * self._count + 4 * self._previous)
        return np.concatenate([ids[ids != 0], previous])

    def find(self, columns: bytes, keys: Sequence[int]) -> list[int]:
        """The slots whose user, anonymous or previous id has one of the hashes `keys`, in order."""
        if len(columns) != self.size:
            raise SegmentDamaged("its columns are cut off")
        slots_at = 16 * self._count
        hashes_at = slots_at + 4 * self._previous
        found = {place % self._count for place in _places(columns, keys, 0, slots_at)}
        if self._previous:
            slots = np.frombuffer(columns, "<u4", self._previous, slots_at)
            found.update(int(slots[place]) for place in _places(columns, keys, hashes_at, self.size))
        return sorted(found)


def _places(columns: bytes, keys: Sequence[int], start: int, end: int) -> list[int]:
    """Where one of the keys stands between two offsets, counted in keys."""
    if len(keys) > _FEW_KEYS:
        column = np.frombuffer(columns, "<i8", (end - start) // 8, start)
        places: list[int] = np.nonzero(np.isin(column, np.array(keys, np.int64)))[0].tolist()
        return places
    places = []
    for key in keys:
        wanted = key.to_bytes(8, "little", signed=True)
        at = columns.find(wanted, start, end)  # ten times as quick as numpy, as segments are small
        while at >= 0:
            if (at - start) % 8 == 0:
                places.append((at - start) // 8)
            at = columns.find(wanted, at + 1, end)
    return places
