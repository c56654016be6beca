"""Which message ids were seen: the store's durable window, and above it what is prepared but not committed yet."""

from collections import deque
from collections.abc import Sequence

from router.storage.store import Storage


class Duplicates:
    """Answers "seen before?" for a batch. What it learns is only an overlay until `committed` says it is durable."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._batches: deque[set[bytes]] = deque()
        self._overlay: set[bytes] = set()
        """All hashes of `_batches`."""

    async def new(self, hashes: Sequence[bytes | None]) -> list[bool]:
        """For each hash whether it is new; the first of two equal ones is. None is always new."""
        asked = [message_hash for message_hash in hashes if message_hash is not None]
        known = self._overlay.intersection(
            asked
        )  # before the question: a commit meanwhile moves ids to the store
        if asked:
            answers = await self._storage.seen(asked)
            known.update([one for one, position in zip(asked, answers, strict=True) if position is not None])
        learnt: set[bytes] = set()
        verdicts = []
        for message_hash in hashes:
            is_new = message_hash is None or message_hash not in known
            verdicts.append(is_new)
            if is_new and message_hash is not None:
                known.add(message_hash)
                learnt.add(message_hash)
        self._batches.append(learnt)
        self._overlay |= learnt
        return verdicts

    async def is_forgotten(self, message_hash: bytes, since: int) -> bool:
        """Whether the id was last seen before `since` (milliseconds): a shorter window than the store's."""
        sighting = await self._storage.find_message(message_hash)
        return sighting is not None and sighting.received_at < since

    def committed(self) -> None:
        """The oldest batch that was asked about is durable, so the store answers for it from now on."""
        self._overlay -= self._batches.popleft()

    def forget(self) -> None:
        """Drop everything that is not durable: its commit failed and it will be asked about again."""
        self._batches.clear()
        self._overlay.clear()
