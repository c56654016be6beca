"""Finds the events of some ids in an encoded segment by its columns of keys, without reading the rest of it.

The columns are a tenth of a segment. They are read without their checksum: who then decodes an event checks the whole.
"""

from collections.abc import Iterable

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.storage.segment_layout import FACTS, HEAD, MAGIC, VERSION, SegmentDamaged

FRONT_BYTES = HEAD.size + FACTS.size
"""So many bytes of a segment say where its columns of keys are."""
_BEFORE_KEYS = 4 + 2 + 1 + 4
"""Bytes of a slot in the columns that lie before: offset, source, type, event name."""


class KeyColumns(Struct, frozen=True):
    """Where the columns of keys lie in one segment."""

    start: int
    size: int
    _count: int
    _previous: int

    @classmethod
    def read(cls, front: bytes) -> "KeyColumns":
        """From the first `FRONT_BYTES` of a segment; raises SegmentDamaged."""
        if len(front) < FRONT_BYTES or front[:4] != MAGIC or front[4] != VERSION:
            raise SegmentDamaged("its front cannot be read")
        _, count, _, previous, _ = FACTS.unpack_from(front, HEAD.size)
        return cls(FRONT_BYTES + 4 + _BEFORE_KEYS * count, 16 * count + 12 * previous, count, previous)

    def find(self, columns: bytes, keys: Iterable[int]) -> list[int]:
        """The slots whose user, anonymous or previous id has one of the hashes `keys`, in order."""
        if len(columns) != self.size:
            raise SegmentDamaged("its columns are cut off")
        wanted = np.array(list(keys), np.int64)
        is_found: NDArray[np.bool_] = np.zeros(self._count, np.bool_)
        for place in (0, 8 * self._count):
            is_found |= np.isin(np.frombuffer(columns, "<i8", self._count, place), wanted)
        if self._previous:
            slots = np.frombuffer(columns, "<u4", self._previous, 16 * self._count)
            hashes = np.frombuffer(columns, "<i8", self._previous, 16 * self._count + 4 * self._previous)
            is_found[slots[np.isin(hashes, wanted)]] = True
        found: list[int] = np.nonzero(is_found)[0].tolist()
        return found
