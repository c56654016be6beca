"""What is kept of a profile so that a computed trait or an audience of it can go on from there."""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct, field


class ComputedState(Struct, array_like=True, gc=False):
    """How far one rule has come for one profile. Only profiles that the rule ever met have one.

    It says itself what it is of, so that two profiles can become one where nobody knows the rules.
    """

    rule: str
    """The fingerprint of the rule: another one begins anew."""
    kind: str
    """What is computed (`router.rules.identity.computed.kinds`), or `audience`."""
    window: int = 0
    """Milliseconds for which an event counts; 0 is for ever."""
    cells: dict[int, Any] = field(default_factory=dict)
    """What the events of each piece of the window came to; without a window there is one piece, 0."""
    sent: bytes | None = None
    """The value that destinations were told last, as JSON; None when they were told none."""
    touched_at: int = 0
    """When an event last changed it, in milliseconds, by the log's own clock."""
    due_at: int = 0
    """When time alone changes it, or it has to be looked at again; 0 is never."""
    entries: int = 0
    """How many values the cells hold, for kinds that remember values."""
    size: int = 0
    """How many bytes these values are."""

    def copy(self) -> "ComputedState":
        """A copy that may be changed in place."""
        cells = dict(self.cells)
        if self.entries:  # the cells are tables, which are changed in place
            cells = {place: dict(cell) for place, cell in cells.items()}
        return ComputedState(
            self.rule, self.kind, self.window, cells, self.sent, self.touched_at, self.due_at, self.entries,
            self.size,
        )  # fmt: skip

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        return 400 + 100 * len(self.cells) + 60 * self.entries + self.size


def size_of(values: Iterable[str]) -> int:
    """How many bytes some values are."""
    return sum([len(one) if one.isascii() else len(one.encode()) for one in values])
