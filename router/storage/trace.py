"""What a store knows of one event at one destination."""

from collections.abc import Sequence

from msgspec import Struct

from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.outcome import OutcomeRecord


class Trace(Struct, frozen=True):
    """One destination's part in an event's way."""

    destination: str
    kind: str
    birth: int
    is_retired: bool
    cursor: Cursor
    records: Sequence[OutcomeRecord]
    """The records that tell of it, oldest first."""
    parked: Parked | None
    """Its row while it is parked, without the copy."""
    barrier: int | None
    """Position of the earliest parked event before it that shares an order key with it."""
