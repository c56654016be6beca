"""The kinds of computed traits: what a value does to a cell, how two cells are joined, and what they come to.

Nothing here depends on the order of events: sums are exact, and of two first or last values the time decides, then
the message id. A cell is what msgpack can hold.
"""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Context, Decimal, Inexact
from functools import reduce
from typing import Any

import msgspec

from router.storage.computed_state import ComputedState, size_of

MOST_VALUES = 10_000
"""So many different values a profile has in one trait; with a window, in all pieces of it together."""
MOST_BYTES = 64 << 10
"""And so many bytes of them."""
MOST_LISTED = 24 << 10
"""So many bytes where all of them are the value: the event that tells of it is to stay below Segment's 32 KB."""
LONGEST_VALUE = 1000
"""A longer value is not taken."""
Order = tuple[int, int, str]
"""Where an event stands among others: its time, when it was received, its message id."""
_LARGEST = 1e300
_INTEGERS = 1 << 53
_exact = Context(prec=1000, Emin=-9999, Emax=9999)
_shown = Context(prec=40, Emin=-9999, Emax=9999)
_exact.traps[Inexact] = True
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder().decode


class Kind(ABC):
    """One kind."""

    needs_property = True
    """Whether a rule must name the property that it reads."""
    needs_new_value = False
    """Whether an event with a value that a cell has already leaves what they come to as it is."""

    def usable(self, value: Any) -> Any:
        """The value as it enters a cell; None when the kind has no use for it."""
        return value

    @abstractmethod
    def add(self, state: ComputedState, place: int, value: Any, order: Order) -> bool:
        """Take a usable value into the cell at `place`; False when there is no room."""

    @abstractmethod
    def join(self, one: Any, other: Any) -> Any:
        """The cell of all events of two cells."""

    def settle(self, state: ComputedState) -> None:
        """Let go, in place, of what finds no room after two states were joined."""

    @abstractmethod
    def result(self, cells: Iterable[Any]) -> bytes | None:
        """What the cells come to, as JSON; None for no value. Without cells, what nothing comes to."""


class Count(Kind):
    """How many events there were."""

    needs_property = False

    def add(self, state: ComputedState, place: int, value: Any, order: Order) -> bool:
        """One more."""
        state.cells[place] = state.cells.get(place, 0) + 1
        return True

    def join(self, one: Any, other: Any) -> Any:
        """Both together."""
        return one + other

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """The number of events."""
        return b"%d" % sum(cells)


class _OfNumbers(Kind):
    """What reads numbers; anything else is passed over."""

    def usable(self, value: Any) -> Any:
        """The number, a whole one as such."""
        if value.__class__ is int:
            if -_INTEGERS < value < _INTEGERS:
                return value
            return float(value) if -_LARGEST < value < _LARGEST else None
        if value.__class__ is not float or not -_LARGEST < value < _LARGEST:
            return None
        return int(value) if value.is_integer() and abs(value) < _INTEGERS else value


class Sum(_OfNumbers):
    """The sum of the numbers, exactly as they are written: 0.1 and 0.2 are 0.3."""

    def add(self, state: ComputedState, place: int, value: Any, order: Order) -> bool:
        """One more summand."""
        number = str(value) if value.__class__ is int else repr(value)
        old = state.cells.get(place)
        state.cells[place] = (number, 1) if old is None else self.join(old, (number, 1))
        return True

    def join(self, one: Any, other: Any) -> Any:
        """The sum of both, and how many they are."""
        total = _exact.add(Decimal(one[0]), Decimal(other[0]))
        return str(total), one[1] + other[1]

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """The sum; of nothing it is 0."""
        return _number(Decimal(_total(self, cells)[0]))


class Average(Sum):
    """The mean of the numbers."""

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """The mean; of nothing there is none."""
        total, count = _total(self, cells)
        return _number(_shown.divide(Decimal(total), Decimal(count))) if count else None


class Min(_OfNumbers):
    """The smallest number."""

    def add(self, state: ComputedState, place: int, value: Any, order: Order) -> bool:
        """Perhaps the smallest."""
        old = state.cells.get(place)
        state.cells[place] = value if old is None else self.join(old, value)
        return True

    def join(self, one: Any, other: Any) -> Any:
        """The smaller one."""
        return min(one, other)

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """The smallest; of nothing there is none."""
        found = list(cells)
        return _encode(reduce(self.join, found)) if found else None


class Max(Min):
    """The largest number."""

    def join(self, one: Any, other: Any) -> Any:
        """The larger one."""
        return max(one, other)


class First(Kind):
    """The value of the earliest event."""

    def usable(self, value: Any) -> Any:
        """Any value but null, as JSON."""
        return None if value is None else _text(value)

    def add(self, state: ComputedState, place: int, value: Any, order: Order) -> bool:
        """Perhaps the earliest."""
        cell, old = (*order, value), state.cells.get(place)
        state.cells[place] = cell if old is None else self.join(old, cell)
        return True

    def join(self, one: Any, other: Any) -> Any:
        """The earlier one."""
        return min(one, other, key=tuple)

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """The value of the event that counts; of nothing there is none."""
        found = list(cells)
        return str(reduce(self.join, found)[3]).encode() if found else None


class Last(First):
    """The value of the latest event."""

    def join(self, one: Any, other: Any) -> Any:
        """The later one."""
        return max(one, other, key=tuple)


class _OfValues(Kind):
    """What counts different values: texts, numbers, true and false. A cell is a table from value to how often."""

    most_bytes = MOST_BYTES

    def usable(self, value: Any) -> Any:
        """The value as JSON, a whole number without a point."""
        kind = value.__class__
        if kind is float and value.is_integer() and abs(value) < _INTEGERS:
            value = int(value)
        return _text(value) if kind in (str, int, float, bool) else None

    def add(self, state: ComputedState, place: int, value: Any, order: Order) -> bool:
        """Once more this value."""
        count = state.cells.get(place, {}).get(value)
        if count is None:
            if not self._has_room(state, size := size_of((value,))):
                return False
            state.entries += 1
            state.size += size
        state.cells.setdefault(place, {})[value] = (count or 0) + 1  # no empty table: copies would share it
        return True

    def join(self, one: Any, other: Any) -> Any:
        """How often in both."""
        joined = Counter(one)
        joined.update(other)
        return dict(joined)

    def settle(self, state: ComputedState) -> None:
        """Keep the newest pieces, and of a piece the values that were there first."""
        tables, state.cells, state.entries, state.size = state.cells, {}, 0, 0
        for place in sorted(tables, reverse=True):
            table = tables[place]
            size = size_of(table)
            if state.entries + len(table) <= MOST_VALUES and state.size + size <= self.most_bytes:
                state.cells[place] = table
                state.entries += len(table)
                state.size += size
                continue
            for value, count in table.items():
                if self._has_room(state, size := size_of((value,))):
                    state.cells.setdefault(place, {})[value] = count
                    state.entries += 1
                    state.size += size

    def _has_room(self, state: ComputedState, size: int) -> bool:
        return state.entries < MOST_VALUES and state.size + size <= self.most_bytes


class MostFrequent(_OfValues):
    """The value that was seen most often, at least twice; of several the first in the alphabet."""

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """That value; None as long as none was seen twice."""
        counts = _counted(cells)
        most = max(counts.values(), default=0)
        if most < 2:
            return None
        return min((value for value, count in counts.items() if count == most), key=_alphabet).encode()


class Unique(_OfValues):
    """All different values, in alphabetical order."""

    needs_new_value = True
    most_bytes = MOST_LISTED

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """A list; of nothing it is empty."""
        return f"[{','.join(sorted(_counted(cells), key=_alphabet))}]".encode()


class UniqueCount(_OfValues):
    """How many different values there are."""

    needs_new_value = True

    def result(self, cells: Iterable[Any]) -> bytes | None:
        """Their number."""
        return b"%d" % len(_counted(cells))


KINDS: Mapping[str, Kind] = {
    "count": Count(),
    "sum": Sum(),
    "average": Average(),
    "min": Min(),
    "max": Max(),
    "most_frequent": MostFrequent(),
    "first": First(),
    "last": Last(),
    "unique": Unique(),
    "unique_count": UniqueCount(),
}
"""By the word that a rule has for it. The words are on disk."""


def _text(value: Any) -> str | None:
    try:
        text = _encode(value).decode()
    except (UnicodeEncodeError, OverflowError, RecursionError):  # half a surrogate pair, say
        return None
    return (
        text if len(text) <= LONGEST_VALUE and text != "null" else None
    )  # a number beyond all bounds is null


def _total(kind: Sum, cells: Iterable[Any]) -> tuple[str, int]:
    total: tuple[str, int] = reduce(kind.join, cells, ("0", 0))
    return total


def _number(value: Decimal) -> bytes | None:
    if value == value.to_integral_value() and abs(value) < _INTEGERS:
        return b"%d" % int(value)
    return _encode(float(value)) if abs(value) < Decimal("1e308") else None


def _counted(cells: Iterable[Mapping[str, int]]) -> Mapping[str, int]:
    found = list(cells)
    if len(found) == 1:
        return found[0]
    counts: Counter[str] = Counter()
    for cell in found:
        counts.update(cell)
    return counts


def _alphabet(text: str) -> tuple[str, str]:
    if text[0] != '"':
        return text, text
    return (text[1:-1] if "\\" not in text else str(_decode(text))), text
