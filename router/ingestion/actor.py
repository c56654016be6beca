"""The ingestion actor: everything that waits becomes one transaction, then all those requests are answered.

There is no timer. While one group commits, the next one gathers; a lone request is committed at once and a burst
shares one fsync. A request is answered only after its group is durable; when the commit fails, every request of
the group is told so and none of it is kept. A client that went away does not disturb the others of its group.
"""

import asyncio
from collections import Counter
from collections.abc import Callable

from msgspec import Struct
from msgspec.structs import replace

from router.actors.actor import Actor
from router.actors.mailbox import Mailbox, MailboxFull
from router.errors import StorageError, StoreFull
from router.rules.request import Received
from router.storage.entry import Door, Entry
from router.storage.inbox import Inbox, Kept
from router.storage.store import Counts, Storage
from router.telemetry.happenings import EntriesAccepted
from router.telemetry.signals import Signals

FAILED = "failed_on_ingest"
"""The durable counter of calls that were not kept, by source and reason."""
MAILBOX_EVENTS = 50_000
MAILBOX_BYTES = 64 << 20
GROUP_EVENTS = 5_000
SLOW_BACKLOG = 100_000
"""Unprocessed events at which the door reads slower, so that processing gets its share of the loop."""
SLOW_SECONDS = 0.05


class Submission(Struct):
    """A request that waits for its commit."""

    entry: Entry
    received: Received
    done: asyncio.Future[None]


class Ingestion(Actor):
    """Takes accepted requests from the doors; `accept` returns when the request is durable."""

    name = "ingestion"

    def __init__(
        self, storage: Storage, inbox: Inbox, *, now: Callable[[], int], latest: int = 0, signals: Signals
    ) -> None:
        """`latest` is the newest `received_at` that the store holds: none is stamped before it."""
        self._storage = storage
        self._inbox = inbox
        self._now = now
        self._signals = signals
        self._mailbox: Mailbox[Submission] = Mailbox(max_events=MAILBOX_EVENTS, max_bytes=MAILBOX_BYTES)
        self._counts: Counter[tuple[str, ...]] = Counter()
        self._latest = latest
        self.diverting: frozenset[str] = frozenset()
        """Sources whose events leave for functions that ask others: they are refused while the side log is full."""
        self._is_stopping = False
        self._idle = asyncio.Event()
        self._idle.set()

    def count(self, name: tuple[str, ...], amount: int = 1) -> None:
        """Add to a durable counter; it rides with the next group."""
        self._counts[name] += amount

    @property
    def uncommitted_counts(self) -> Counts:
        """Counts that no commit has carried yet."""
        return dict(self._counts)

    async def accept(self, entry: Entry, received: Received, *, is_ours: bool = False) -> None:
        """Keep a request; return when it is durable, raise StorageError when it is not and will not be.

        Stamps `received_at`: the clock at this moment, never before an earlier request's. What `is_ours` leaves the
        side log with this, so it is not refused for that being full: room would never come.
        """
        if self._is_stopping:
            raise StoreFull("the router is stopping; send the request again")
        may_divert = entry.source in self.diverting and entry.door is not Door.RETURNED
        if may_divert and not is_ours and (refusal := self._storage.side_log.refusal) is not None:
            raise refusal
        self._latest = max(self._now(), self._latest)
        stamped = replace(entry, received_at=self._latest)
        submission = Submission(stamped, received, asyncio.get_running_loop().create_future())
        try:
            self._mailbox.put_nowait(submission, events=entry.events, size=len(entry.body))
        except MailboxFull:
            raise StoreFull("too many requests wait to be written; send the request again") from None
        self._idle.clear()
        await submission.done

    async def run(self) -> None:
        """Commit group after group."""
        while True:
            group = await self._mailbox.take_all(max_events=GROUP_EVENTS)
            try:
                await self._commit(group)
            finally:
                if not len(self._mailbox):
                    self._idle.set()
                for submission in group:  # a crash or a stop must not leave a client waiting
                    _refuse(submission, StoreFull("the router is stopping; send the request again"))
            if self._inbox.backlog > SLOW_BACKLOG:
                await self._inbox.wait_for_progress(SLOW_SECONDS)

    async def stop(self) -> None:
        """Refuse what comes from now on, and commit what waits."""
        self._is_stopping = True
        await self._idle.wait()
        if self._counts:
            counts, self._counts = self._counts, Counter()
            await self._storage.append((), counts)

    async def _commit(self, group: list[Submission]) -> None:
        counts, self._counts = self._counts, Counter()
        try:
            position = await self._storage.append([submission.entry for submission in group], counts)
        except StorageError as error:
            self._counts.update(counts)
            for submission in group:
                _refuse(submission, error)
            return
        events = 0
        for submission in group:
            self._inbox.keep(Kept(position + events, submission.entry, submission.received))
            events += submission.entry.events
            if not submission.done.done():  # a client that went away was cancelled
                submission.done.set_result(None)
        self._signals.emit(EntriesAccepted(len(group), events))


def _refuse(submission: Submission, error: StorageError) -> None:
    if not submission.done.done():
        submission.done.set_exception(error)
