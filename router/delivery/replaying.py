"""What a replay shares with the live actor of its destination, and what it has of its own.

It sends through the live actor's sender: the plugin is one instance with one connection, one file and one set of
credentials, which two instances would fight over. It keeps to the destination's rate, and to one of its own.
"""

from collections.abc import Sequence

from msgspec import Struct

from router.delivery.clock import Clock
from router.delivery.failure_log import Attempts
from router.delivery.gate import Side
from router.delivery.sending.rate import RateLimit
from router.delivery.sending.sender import Sender
from router.delivery.verdict import Attempt
from router.events.calls import AnyEvent
from router.plugins.policies import Rate

GRACE_SECONDS = 3.0
"""How long its flights may take to end when the router stops: less than live ones, which come after it."""


class Replaying(Struct, frozen=True):
    """Makes a delivery actor one that replays."""

    sender: Sender
    """The live actor's."""
    pace: "Pace"
    side: Side


class Pace(RateLimit):
    """The replay's own rate limit on top of its destination's."""

    def __init__(self, rate: Rate | None, clock: Clock, *, shared: RateLimit) -> None:
        super().__init__(rate, clock)
        self._shared = shared

    def left(self) -> float:
        """Seconds until both let a request leave."""
        return max(super().left(), self._shared.left())


class PacedSender:
    """The live actor's sender at the replay's pace; closing it is the live actor's to do."""

    def __init__(self, sender: Attempts, pace: Pace) -> None:
        self._sender = sender
        self._pace = pace

    async def attempt(self, events: Sequence[AnyEvent]) -> Attempt:
        """Wait for the replay's own pace, then try; the sender waits for the destination's rate itself."""
        await self._pace.wait()
        return await self._sender.attempt(events)

    async def close(self) -> None:
        """Leave the sender open."""
