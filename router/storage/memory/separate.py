"""A store whose stream is not in the transaction of its cursors, as in a cluster: for the contract suite.

The transaction writes the cursor, the counters and an outbox of segments. Publishing the outbox to the stream is a
second step, may be interrupted, and may happen twice; the stream takes a segment only at its own end, so a repeat
changes nothing. A reader sees a segment when it is published; every verb that looks at the stream publishes first.
"""

from router.errors import StoreUnavailable
from router.storage.memory.store import MemoryStorage
from router.storage.store import Commit, StoredSegment, StoreFacts


class SeparateStorage(MemoryStorage):
    """MemoryStorage with a stream apart; `fail_publishing` and `lose_answer` make the next commit end badly."""

    def __init__(self, *, dedupe_window: float = 86_400, inbox_budget: int | None = None) -> None:
        super().__init__(dedupe_window=dedupe_window, inbox_budget=inbox_budget)
        self._outbox: list[StoredSegment] = []
        self._published: list[StoredSegment] = []
        self.fail_publishing = False
        """The next commit returns before its segment is in the stream."""
        self.lose_answer = False
        """The next commit is done, but raises StoreUnavailable as if the connection had broken."""

    async def commit(self, commit: Commit) -> bool:
        """Commit with an outbox, then publish it; publish it once more, as a sender does that heard no answer."""
        if not await super().commit(commit):
            return False
        if commit.segment is not None:
            self._outbox.append(self._segments[-1])
        if self.lose_answer:
            self.lose_answer = False
            raise StoreUnavailable(
                "the answer to the commit was lost; read the cursor to learn what became of it"
            )
        if self.fail_publishing:
            self.fail_publishing = False
            return True
        self._publish()
        return True

    async def read_stream(self, position: int, max_bytes: int) -> list[StoredSegment]:
        """Segments of the stream, after everything committed is in it."""
        self._publish()
        return await super().read_stream(position, max_bytes)

    async def facts(self) -> StoreFacts:
        """The store's present state, after everything committed is in the stream."""
        self._publish()
        return await super().facts()

    def _readable(self) -> list[StoredSegment]:
        return self._published

    def _publish(self) -> None:
        waiting, self._outbox = self._outbox, []
        for segment in [*waiting, *waiting]:
            self._append_to_stream(segment)

    def _append_to_stream(self, segment: StoredSegment) -> None:
        """Take the segment only where the stream ends; anything else is a repeat."""
        end = self._published[-1].first_position + self._published[-1].count if self._published else 0
        if segment.first_position == end:
            self._published.append(segment)
