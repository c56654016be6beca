"""How a directory lies in its row, and what it answers.

    count of segments u32 · their first positions i64 each · half of each hash u32 each, ascending · segment u16 each

Half a hash is enough: who is told of a segment looks into it.
"""

import struct
from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from router.storage.segment_keys import Hashes

SEGMENTS = 32
"""What one directory is of. The fewer, the less of the stream has none; the more, the fewer there are to ask."""
_COUNT = struct.Struct("<I")
_ENTRY = 4 + 2


class Covered(Struct, frozen=True):
    """A segment that a directory is to tell of."""

    first: int
    hashes: Hashes
    """Those of its user, anonymous and previous ids; none where it cannot be read."""


def encode_directory(segments: Sequence[Covered]) -> bytes:
    """The directory of `segments`, which come in order."""
    halves = [_once(_half(one.hashes)) for one in segments]
    numbers = np.repeat(np.arange(len(segments), dtype="<u2"), [len(one) for one in halves])
    joined = np.concatenate(halves)
    order = np.argsort(joined, kind="stable")
    firsts = np.array([one.first for one in segments], "<i8")
    return b"".join(
        (_COUNT.pack(len(segments)), firsts.tobytes(), joined[order].tobytes(), numbers[order].tobytes())
    )


def find(directory: bytes, keys: Sequence[int]) -> list[int]:
    """The first positions of the segments that may hold one of the hashes `keys`, in order."""
    (count,) = _COUNT.unpack_from(directory)
    start = _COUNT.size + 8 * count
    entries = (len(directory) - start) // _ENTRY
    halves = np.frombuffer(directory, "<u4", entries, start)
    asked = _half(np.array(keys, "<i8"))
    begin, end = np.searchsorted(halves, asked, "left"), np.searchsorted(halves, asked, "right")
    hit = np.nonzero(end > begin)[0]
    if not len(hit):
        return []
    numbers = np.frombuffer(directory, "<u2", entries, start + 4 * entries)
    found = sorted({number for one in hit.tolist() for number in numbers[begin[one] : end[one]].tolist()})
    positions: list[int] = np.frombuffer(directory, "<i8", count, _COUNT.size)[found].tolist()
    return positions


def _once(values: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """Each value once. What numpy has for it imports a tenth of a second's worth of code the first time."""
    ascending = np.sort(values)
    is_new = np.ones(len(ascending), bool)
    np.not_equal(ascending[1:], ascending[:-1], out=is_new[1:])
    return ascending[is_new]


def _half(hashes: NDArray[np.int64]) -> NDArray[np.uint32]:
    return hashes.astype("<u4")  # the lower half
