"""What became of events at a destination, recorded run-length with the cursor that it moved."""

from typing import Literal

from msgspec import Struct

OutcomeName = Literal["delivered", "filtered", "suppressed", "dead", "expired", "deleted", "revived"]
"""How an event ended; `revived` takes the end `dead` back: somebody sent the event again."""


class Run(Struct, frozen=True, array_like=True, gc=False):
    """`count` neighbouring positions, from `first` on, that met the same end."""

    first: int
    count: int
    outcome: OutcomeName
    reason: str = ""
    """The reason code (operations 3.2); empty for delivered."""
    attempts: int = 1


class OutcomeRecord(Struct, frozen=True, array_like=True, gc=False):
    """One cursor move of one destination: the runs that it completed, and when."""

    at: int
    """Milliseconds since the epoch."""
    runs: tuple[Run, ...]
