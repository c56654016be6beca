"""The identity actor: makes a step visible, in one transaction, exactly once.

One commit writes the segment with the hashes of its message ids, the inbox cursor and the counters. Only then do
followers see the events. A commit that fails, or finds another cursor than expected, voids everything prepared on
top of it; processing then starts again from the stored cursor.
"""

import asyncio
from collections.abc import Callable

from router.actors.actor import Actor
from router.actors.mailbox import Mailbox
from router.errors import StorageError
from router.events.step import PROCESSING_ERROR, Failure, Step
from router.identity.resolve import resolve
from router.storage.follower import Stream
from router.storage.inbox import Inbox
from router.storage.letters import PIPELINE, DeadLetter
from router.storage.segment import encode_segment
from router.storage.store import Commit, SegmentDraft, Storage
from router.telemetry.happenings import BatchCommitted, EventsBlocked, EventsGivenUp
from router.telemetry.signals import Signals

THREAD_EVENTS = 64
"""From this size on a segment is encoded on a thread; below, the hop would cost more than it frees."""
RETRY_SECONDS = (0.1, 5.0)


class Identity(Actor):
    """Commits steps to the stream."""

    name = "identity"

    def __init__(
        self,
        storage: Storage,
        inbox: Inbox,
        stream: Stream,
        steps: Mailbox[Step],
        *,
        generation: Callable[[], int],
        committed: Callable[[int], None],
        failed: Callable[[], None],
        signals: Signals,
    ) -> None:
        self._storage = storage
        self._inbox = inbox
        self._stream = stream
        self._steps = steps
        self._generation = generation
        self._committed = committed
        self._failed = failed
        self._signals = signals

    async def run(self) -> None:
        """Commit step after step."""
        await self._start_again()  # after a crash, whatever was under way is prepared again
        delay, longest = RETRY_SECONDS
        while True:
            step = await self._steps.take()
            if step.generation != self._generation():
                continue
            try:
                is_committed = await self._commit(step)
            except StorageError:
                await asyncio.sleep(delay)
                delay = min(delay * 2, longest)
                is_committed = False
            if is_committed:
                delay = RETRY_SECONDS[0]
            else:
                await self._start_again()

    async def _start_again(self) -> None:
        facts = await self._storage.facts()
        self._inbox.processed(facts.inbox_cursor)
        self._stream.resume(facts.stream_next)  # a commit whose answer was lost may be there after all
        self._failed()

    async def _commit(self, step: Step) -> bool:
        first = self._stream.head
        envelopes = resolve(step.events, first)
        segment = None
        if envelopes:
            store_id = self._storage.store_id
            if len(envelopes) < THREAD_EVENTS:
                data = encode_segment(first, envelopes, store_id=store_id)
            else:
                data = await asyncio.to_thread(encode_segment, first, envelopes, store_id=store_id)
            hashes = b"".join([one.message_hash for one in step.events])
            segment = SegmentDraft(first, len(envelopes), data, hashes, envelopes[-1].received_at)
        letters = [_dead_letter(failure) for failure in step.failures]
        commit = Commit(step.inbox_first, step.inbox_after, segment, step.counts, letters)
        if not await self._storage.commit(commit):
            return False
        self._inbox.processed(step.inbox_after)
        self._committed(step.generation)
        if envelopes:
            self._stream.publish(envelopes, first + len(envelopes))
        broken = [failure for failure in step.failures if failure.reason == PROCESSING_ERROR]
        if broken:
            self._signals.emit(EventsGivenUp(len(broken), broken[0].error))
        if step.blocked:
            self._signals.emit(EventsBlocked(tuple(step.blocked)))
        self._signals.emit(BatchCommitted(first, len(envelopes), step.duplicates))
        return True


def _dead_letter(failure: Failure) -> DeadLetter:
    return DeadLetter(
        destination=PIPELINE,
        position=-1,
        message_id=failure.message_id,
        reason=failure.reason,
        attempts=1,
        first_tried_at=failure.received_at,
        died_at=failure.received_at,
        event=failure.call,
        answer=failure.error,
        source=failure.source,
        entry=failure.entry,
    )
