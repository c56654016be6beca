"""The replays of a store in memory, and the rows that they have among its destinations."""

from typing import TYPE_CHECKING

from msgspec.structs import replace

from router.storage.replays import Replay, ReplayRows, ReplayState
from router.storage.store import REPLAY, Settlement

if TYPE_CHECKING:
    from router.storage.memory.store import MemoryStorage


class MemoryReplays(ReplayRows):
    """The replays of a store in memory."""

    def __init__(self, storage: "MemoryStorage") -> None:
        self._storage = storage
        self._replays: dict[int, Replay] = {}

    async def begin(self, replay: Replay) -> Replay:
        """Keep a new replay."""
        kept = replace(replay, number=len(self._replays) + 1)
        self._replays[kept.number] = kept
        await self._storage.born(kept.name, REPLAY, kept.first)
        self._storage.bound(kept.name, kept.after, is_retired=False)
        return kept

    async def all(self) -> list[Replay]:
        """Every replay."""
        return list(self._replays.values())

    async def move(
        self, number: int, state: ReplayState, *, at: int = 0, last: Settlement | None = None
    ) -> None:
        """Change a replay's state."""
        if last is not None:
            await self._storage.settle([last])
        moved = self._replays[number] = replace(self._replays[number], state=state, finished_at=at)
        self._storage.bound(moved.name, moved.after, is_retired=moved.is_over)
