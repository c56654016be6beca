"""Which message ids were seen: the store's durable window, and above it what is prepared but not committed yet."""

from collections.abc import Sequence

from router.storage.store import Storage


class Duplicates:
    """Answers "seen before?" for a batch. What it learns is only an overlay until `committed` says it is durable."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._overlay: list[set[bytes]] = []

    async def new(self, hashes: Sequence[bytes | None]) -> list[bool]:
        """For each hash whether it is new; the first of two equal ones is. None is always new."""
        prepared = list(self._overlay)  # before the question: a commit meanwhile moves ids to the store
        asked = [message_hash for message_hash in hashes if message_hash is not None]
        answers = await self._storage.seen(asked) if asked else []
        known = {
            message_hash
            for message_hash, position in zip(asked, answers, strict=True)
            if position is not None
        }
        learnt: set[bytes] = set()
        verdicts = []
        for message_hash in hashes:
            if message_hash is None:
                verdicts.append(True)
                continue
            is_new = (
                message_hash not in known
                and message_hash not in learnt
                and not any(message_hash in piece for piece in prepared)
            )
            if is_new:
                learnt.add(message_hash)
            verdicts.append(is_new)
        self._overlay.append(learnt)
        return verdicts

    async def is_forgotten(self, message_hash: bytes, since: int) -> bool:
        """Whether the id was last seen before `since` (milliseconds): a shorter window than the store's."""
        sighting = await self._storage.find_message(message_hash)
        return sighting is not None and sighting.received_at < since

    def committed(self) -> None:
        """The oldest batch that was asked about is durable, so the store answers for it from now on."""
        self._overlay.pop(0)

    def forget(self) -> None:
        """Drop everything that is not durable: its commit failed and it will be asked about again."""
        self._overlay.clear()
