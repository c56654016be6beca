"""Where a destination stands, as operators see it."""

from msgspec import Struct

from router.storage.cursor import Cursor


class DeliveryStatus(Struct, frozen=True):
    """Where a destination stands, for operators."""

    cursor: Cursor
    pending: int
    """Positions of the stream that it has not finished, and parked events. Counted, never subtracted."""
    parked: int
    held: int
    """Events that wait behind a parked one."""
    in_flight: int
    is_paused: bool
    reason: str
    """Why it pauses."""
