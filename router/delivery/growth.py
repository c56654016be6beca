"""Names the plugin that keeps ever more memory, as far as Python can tell.

Reading the size of the process once a minute costs nothing. Only when it has grown by the limit are allocations traced
for some seconds; what is still held at their end is added up by the plugin whose code stands in the traceback. It sees
neither what native code allocates for itself nor a leak so slow that those seconds hold nothing of it.
"""

import asyncio
import tracemalloc
from collections.abc import Callable, Mapping

from router.actors.actor import Actor
from router.actors.guard import Foreign
from router.delivery.clock import Clock

EVERY_SECONDS = 60.0
SAMPLE_SECONDS = 10.0
FRAMES = 12
LEAST_BYTES = 1 << 20
"""Less than this, held after a sample, is no leak worth a name."""

Found = Callable[[Foreign, str], None]


class GrowthWatch(Actor):
    """Watches one process; `found(plugin, where)` is told of a plugin that holds what it allocates."""

    name = "growth"

    def __init__(
        self,
        plugins: Callable[[], Mapping[str, Foreign]],
        *,
        resident: Callable[[], int],
        limit: int,
        found: Found,
        clock: Clock,
    ) -> None:
        """`plugins` by their file; `resident` gives the bytes that the process holds."""
        self._plugins = plugins
        self._resident = resident
        self._limit = limit
        self._found = found
        self._clock = clock

    async def run(self) -> None:
        """Look once a minute; the first look is what growth is measured from."""
        await self._clock.sleep(EVERY_SECONDS)
        before = self._resident()
        while True:
            await self._clock.sleep(EVERY_SECONDS)
            if self._resident() - before >= self._limit and not tracemalloc.is_tracing():
                await self._sample()
                before = self._resident()

    async def _sample(self) -> None:
        tracemalloc.start(FRAMES)
        try:
            await self._clock.sleep(SAMPLE_SECONDS)
            snapshot = await asyncio.to_thread(tracemalloc.take_snapshot)
        finally:
            tracemalloc.stop()
        plugins = self._plugins()
        held = await asyncio.to_thread(_held, snapshot, frozenset(plugins))
        if held:
            (file, line), size = max(held.items(), key=lambda item: item[1])
            if size >= LEAST_BYTES:
                self._found(plugins[file], f"{file}:{line} holds {size} bytes of {SAMPLE_SECONDS:.0f} s")


def _held(snapshot: tracemalloc.Snapshot, files: frozenset[str]) -> dict[tuple[str, int], int]:
    """Bytes still held, by the innermost line of a plugin that led to them."""
    held: dict[tuple[str, int], int] = {}
    for trace in snapshot.traces:
        for frame in reversed(trace.traceback):
            if frame.filename in files:
                place = (frame.filename, frame.lineno)
                held[place] = held.get(place, 0) + trace.size
                break
    return held
