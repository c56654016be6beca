"""On which page of the file each row of a table lies, as the upper pages of the table's tree say.

The format is SQLite's own (https://sqlite.org/fileformat2.html, "B-tree Pages"), which does not change. What is read
here may be older than what SQLite sees, since the newest pages lie in the WAL, or half written: it is good for a
guess, and never for an answer.
"""

import time
from collections.abc import Callable, Iterable, Sequence

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.int64]
_INDEX, _TABLE = b"\2", b"\5"
_UPPER = (_INDEX, _TABLE)
"""The first byte of an upper page; that of a leaf is another one."""
_DEEPEST = 8
"""Levels: only a damaged page could lead further."""
_WIDTHS = np.array([0, 1, 2, 3, 4, 6, 8] + [0] * 249)
"""How many bytes an integer takes in a record, by its type there; types 8 and 9 are the numbers 0 and 1."""


class Leaves:
    """The lowest pages of one table, whose rows lie by row number or, without one, by an integer first column."""

    def __init__(self, bounds: Numbers, pages: Numbers) -> None:
        self._bounds = bounds
        self._pages = pages
        self.read_at = time.monotonic()

    @classmethod
    def read(cls, root: int, fetch: Callable[[Sequence[int]], Iterable[bytes]]) -> "Leaves":
        """Walk down from the page `root`; raises ValueError or IndexError where the pages are not a tree."""
        bounds, pages = np.empty(0, np.int64), np.array([root])
        for _ in range(_DEEPEST):
            [first] = fetch(pages[:1].tolist())
            if first[:1] not in _UPPER:
                return cls(bounds, pages)
            below = [_below(page) for page in fetch(pages.tolist())]
            # the last page below an upper page ends where that ends, which the page above says
            ends = [bounds[place : place + 1] for place in range(len(below))]
            bounds = np.concatenate(
                [part for (keys, _), end in zip(below, ends, strict=True) for part in (keys, end)]
            )
            pages = np.concatenate([children for _, children in below])
            ordered = np.sort(pages)
            if (ordered[1:] == ordered[:-1]).any():  # a damaged tree must not grow without end
                raise ValueError("a page lies below two others")
        raise ValueError("the tree has no end")

    def __len__(self) -> int:
        return len(self._pages)

    def pages(self, keys: Sequence[int]) -> list[int]:
        """The pages on which the rows with these keys lie, if they exist, each once and in order."""
        places = np.searchsorted(self._bounds, np.array(keys, np.int64))
        return sorted(set(self._pages[places].tolist()))


def _below(page: bytes) -> tuple[Numbers, Numbers]:
    """The pages below an upper page, and the greatest key of each but the last."""
    if page[:1] not in _UPPER:
        raise ValueError("a leaf among upper pages")
    data = np.frombuffer(page + bytes(16), np.uint8)  # a key at the very end is looked at beyond it
    count = int.from_bytes(page[3:5], "big")
    cells = np.frombuffer(page, ">u2", count, 12).astype(np.int64)
    children = np.append(_bytes(data, cells, 4).view(">u4")[:, 0], int.from_bytes(page[8:12], "big"))
    keys = _first_columns(data, cells + 4) if page[:1] == _INDEX else _row_numbers(data, cells + 4)
    return keys, children.astype(np.int64)


def _bytes(data: npt.NDArray[np.uint8], places: Numbers, count: int) -> npt.NDArray[np.uint8]:
    found: npt.NDArray[np.uint8] = data[places[:, None] + np.arange(count)]
    return found


def _row_numbers(data: npt.NDArray[np.uint8], places: Numbers) -> Numbers:
    """Seven bits a byte while its highest bit is set; of a ninth byte all eight."""
    found = np.zeros(len(places), np.uint64)
    is_read = np.zeros(len(places), bool)
    for place in range(8):
        byte = data[places + place].astype(np.uint64)
        found = np.where(is_read, found, found << np.uint64(7) | byte & np.uint64(0x7F))
        is_read |= byte < 0x80
        if is_read.all():
            return found.view(np.int64)
    found = np.where(is_read, found, found << np.uint64(8) | data[places + 8])
    return found.view(np.int64)


def _first_columns(data: npt.NDArray[np.uint8], places: Numbers) -> Numbers:
    """A record of a few integers: its length, the length of its head, the type of each column; then the columns."""
    head = places + 1
    type = data[head + 1].astype(np.int64)
    width = _WIDTHS[type]
    column = _bytes(data, head + data[head], 8).view(">i8")[:, 0].astype(np.int64)
    return np.where(width == 0, type - 8, column >> np.minimum(64 - 8 * width, 63))
