"""The stream up to a fixed position, for a reader that gets nothing beyond it."""

import asyncio

from msgspec.structs import replace

from router.storage.follower import Reading, Stream


class BoundedStream(Stream):
    """Ends before `until`; whoever waits for more waits for ever."""

    def __init__(self, stream: Stream, until: int) -> None:
        self._whole = stream
        self._until = until

    @property
    def head(self) -> int:
        """Where it ends now."""
        return min(self._whole.head, self._until)

    async def wait_beyond(self, position: int) -> None:
        """Return once there is something at `position`."""
        if position >= self._until:
            await asyncio.Event().wait()
        await self._whole.wait_beyond(position)

    async def read(self, position: int) -> Reading:
        """What lies from `position` on, cut at the end; empty there."""
        if position >= self._until:
            return Reading(position, position, ())
        reading = await self._whole.read(position)
        if reading.after <= self._until:
            return reading
        return replace(
            reading,
            after=self._until,
            envelopes=[one for one in reading.envelopes if one.position < self._until],
            gaps=tuple(
                (first, min(after, self._until)) for first, after in reading.gaps if first < self._until
            ),
        )
