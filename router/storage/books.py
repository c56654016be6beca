"""What the sums of conservation are drawn from, all of one moment."""

from msgspec import Struct

from router.storage.cursor import Cursor
from router.storage.side_log import Lane


class Standing(Struct, frozen=True):
    """Where a destination stands."""

    name: str
    birth: int
    cursor: Cursor
    parked: int
    """Events that the cursor has passed and that are pending as a parked row."""
    until: int | None = None
    """The position from which on it gets nothing, while it retires and afterwards."""


class Books(Struct, frozen=True):
    """Both logs, the counters and the destinations, read in one transaction: a router that moves looks whole."""

    inbox_cursor: int
    """Accepted events that were processed."""
    inbox_lost: int
    """How many of these were in damaged rows that were set aside."""
    stream_next: int
    """Events that reached the stream."""
    counters: tuple[tuple[tuple[str, ...], int], ...]
    destinations: tuple[Standing, ...]
    lanes: tuple[Lane, ...] = ()
    """What waits in the side log."""

    def counts(self) -> dict[tuple[str, ...], int]:
        """The counters by name."""
        return dict(self.counters)
