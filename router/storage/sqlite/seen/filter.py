"""A filter over hashes, as numpy words: 20 bits an id, one cache line a question, about 4 wrong "maybe" in 10,000.

A Bloom filter in lines of eight 64-bit words. The high half of a hash's first word chooses the line, its low bits two
words of it, and its second word four bits in each of the two. One line means one cache miss; two words instead of
one are five times more exact at this size, which matters because each wrong "maybe" costs a read.
"""

from collections.abc import Sequence

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

BITS = 20
Words = NDArray[np.uint64]
_HALF = np.uint64(32)
_EIGHT = np.uint64(8)
_SEVEN = np.uint64(7)
_THREE = np.uint64(3)
_ONE = np.uint64(1)
_SHIFTS = np.array([[6 * bit] for bit in range(8)], np.uint64)
_SIX_BITS = np.uint64(63)


class Probes(Struct, frozen=True):
    """What a batch of hashes asks of every filter, computed once."""

    high: Words
    offsets: Words
    """The two words of the line: a row with the first of each hash, a row with the second."""
    masks: Words


def probes(keys: Words, others: Words) -> Probes:
    """Prepare hashes given as their two words."""
    first = keys & _SEVEN
    second = (first + _ONE + ((keys >> _THREE) % _SEVEN)) & _SEVEN
    bits = _ONE << ((others >> _SHIFTS) & _SIX_BITS)
    masks = np.bitwise_or.reduce(bits.reshape(2, 4, -1), axis=1)
    return Probes(keys >> _HALF, np.stack([first, second]), masks)


class Filter:
    """One filter; grows by `add`, never forgets."""

    def __init__(self, words: Words) -> None:
        self.words = words
        self._lines = np.uint64(len(words) // 8)

    @classmethod
    def sized(cls, count: int) -> "Filter":
        """An empty filter for `count` ids."""
        return cls(np.zeros(max(1, -(-count * BITS // 512)) * 8, np.uint64))

    def add(self, keys: Words, others: Words) -> None:
        """Add hashes."""
        asked = probes(keys, others)
        np.bitwise_or.at(self.words, self._places(asked), asked.masks)

    def _places(self, asked: Probes) -> NDArray[np.int64]:
        line = ((asked.high * self._lines) >> _HALF) * _EIGHT
        return (line + asked.offsets).view(np.int64)


class Filters:
    """Several filters, asked together: most of the arithmetic is done once for all."""

    def __init__(self, filters: Sequence[Filter]) -> None:
        self._words = [one.words for one in filters]
        self._lines = np.array([len(one.words) // 8 for one in filters], np.uint64).reshape(-1, 1, 1)

    def may_have(self, asked: Probes) -> NDArray[np.bool_]:
        """A row for each filter: for each hash whether it may be there; False is certain."""
        lines = ((asked.high * self._lines) >> _HALF) * _EIGHT
        places = (lines + asked.offsets).view(np.int64)
        found = np.empty(places.shape, np.uint64)
        for words, place, out in zip(self._words, places, found, strict=True):
            words.take(place, out=out, mode="clip")
        found &= asked.masks
        right = found == asked.masks
        return np.asarray(right[:, 0] & right[:, 1])
