"""The part of the stream that a replay reads: up to its end, only what is selected, changed on the way."""

from collections.abc import Callable

from msgspec.structs import replace

from router.events.envelope import Envelope
from router.replay.selection import Predicate
from router.storage.bounded import BoundedStream
from router.storage.follower import Reading, Stream


class Slice(BoundedStream):
    """Passes over what is not selected; what the stream holds is never altered."""

    def __init__(
        self,
        stream: Stream,
        until: int,
        *,
        selects: Predicate | None,
        change: Callable[[Envelope], Envelope],
    ) -> None:
        super().__init__(stream, until)
        self._selects = selects
        self._change = change

    async def read(self, position: int) -> Reading:
        """What lies from `position` on; empty at the end."""
        reading = await super().read(position)
        selects, change = self._selects, self._change
        meant: list[Envelope] = []
        passed: list[Envelope] = []
        for one in reading.envelopes:
            (meant if selects is None or selects(one) else passed).append(one)
        return replace(reading, envelopes=[change(one) for one in meant], passed=passed)
