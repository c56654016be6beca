"""The identity actor: finds out whom a step's events are about, and makes it visible, in one transaction, exactly once.

One commit writes the segment with the hashes of its message ids, what the events change of the identity graph, the
inbox cursor and the counters. Only then do followers see the events. A commit that fails, or finds another cursor
than expected, voids everything prepared on top of it; processing then starts again from the stored cursor.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

import msgspec

from router.actors.actor import Actor
from router.actors.mailbox import Mailbox
from router.errors import StorageError
from router.events.diverted import Diverted
from router.events.step import PROCESSING_ERROR, Failure, Step
from router.identity.resolver import Resolver
from router.storage.follower import Stream
from router.storage.inbox import Inbox
from router.storage.letters import PIPELINE, DeadLetter
from router.storage.segment import encode_segment
from router.storage.side_log import SideEntry
from router.storage.store import Commit, SegmentDraft, Storage
from router.telemetry.happenings import BatchCommitted, EventsBlocked, EventsGivenUp, FieldsFound
from router.telemetry.side_happenings import EventsDiverted
from router.telemetry.signals import Signals

THREAD_EVENTS = 64
"""From this size on a segment is encoded on a thread; below, the hop would cost more than it frees."""
RETRY_SECONDS = (0.1, 5.0)
T = TypeVar("T")


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
        resolver: Resolver,
        changed: Callable[[], None] = lambda: None,
    ) -> None:
        """`changed` is told when the graph may be another one."""
        self._changed = changed
        self._resolver = resolver
        self._lock = asyncio.Lock()
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
                async with self._lock:
                    is_committed = await self._commit(step)
            except StorageError:
                await asyncio.sleep(delay)
                delay = min(delay * 2, longest)
                is_committed = False
            if is_committed:
                delay = RETRY_SECONDS[0]
            else:
                await self._start_again()

    async def change(self, act: Callable[[Resolver], Awaitable[T]]) -> T:
        """Commit what `act` changes of the graph, between two steps; when it raises, nothing changed."""
        async with self._lock:
            try:
                result = await act(self._resolver)
                cursor, changes = self._inbox.cursor, await self._resolver.changes()
                commit = Commit(cursor, cursor, None, {}, profiles=changes)
                if changes is not None and not await self._storage.commit(commit):
                    raise StorageError("the store was changed by somebody else; try again")
            except BaseException:
                self._resolver.drop()
                raise
            self._resolver.committed()
            self._changed()
            return result

    async def _start_again(self) -> None:
        self._resolver.drop()
        facts = await self._storage.facts()
        self._inbox.processed(facts.inbox_cursor)
        self._stream.resume(facts.stream_next)  # a commit whose answer was lost may be there after all
        self._changed()
        self._failed()

    async def _commit(self, step: Step) -> bool:
        first = self._stream.head
        resolved = await self._resolver.resolve(step.events, first)
        envelopes, failures = resolved.envelopes, [*step.failures, *resolved.failures]
        segment = None
        if envelopes:
            store_id = self._storage.store_id
            if len(envelopes) < THREAD_EVENTS:
                data = encode_segment(first, envelopes, store_id=store_id)
            else:
                data = await asyncio.to_thread(encode_segment, first, envelopes, store_id=store_id)
            hashes = b"".join(resolved.hashes)
            segment = SegmentDraft(first, len(envelopes), data, hashes, envelopes[-1].received_at)
        counts = step.counts.copy()
        counts.update(resolved.counts)
        commit = Commit(
            step.inbox_first,
            step.inbox_after,
            segment,
            counts,
            [_dead_letter(failure) for failure in failures],
            resolved.changes,
            step.findings,
            [_aside(lane, one, step.received_at) for lane, one in step.diverted],
        )
        if not await self._storage.commit(commit):
            return False
        self._resolver.committed()
        if resolved.changes is not None:
            self._changed()
        self._inbox.processed(step.inbox_after)
        self._committed(step.generation)
        if envelopes:
            self._stream.publish(envelopes, first + len(envelopes))
        broken = [failure for failure in failures if failure.reason == PROCESSING_ERROR]
        if broken:
            self._signals.emit(EventsGivenUp(len(broken), broken[0].error))
        if step.blocked:
            self._signals.emit(EventsBlocked(tuple(step.blocked)))
        if step.diverted:
            self._signals.emit(EventsDiverted(tuple({lane for lane, _ in step.diverted}), len(step.diverted)))
        if step.findings:
            self._signals.emit(FieldsFound(tuple(one.path for one in step.findings)))
        self._signals.emit(BatchCommitted(first, len(envelopes), step.duplicates))
        return True


def _aside(lane: str, event: Diverted, received_at: int) -> SideEntry:
    return SideEntry(lane=lane, received_at=received_at, data=msgspec.json.encode(event))


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
