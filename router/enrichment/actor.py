"""The enrichment actor: follows the inbox, drops duplicates, and prepares one step while the one before commits.

Nothing here waits for the outside world. What it learns while preparing (message ids) lives in an overlay; when a
commit fails, every overlay is dropped and it starts again from the stored cursor. Ids, positions and receive times
come from the inbox, so a step that runs twice yields the same events.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Mapping

from msgspec import Struct

from router.actors.actor import Actor
from router.actors.mailbox import Mailbox
from router.enrichment.duplicates import Duplicates
from router.enrichment.stored_form import RequestForm
from router.errors import StorageError
from router.events.source import Source
from router.events.step import Failure, Prepared, Step
from router.events.wire import AnyCall
from router.storage.hashing import message_hash
from router.storage.inbox import Inbox, Kept
from router.storage.store import Storage

STEP_EVENTS = 1000
SLICE_EVENTS = 400
"""Events prepared without giving way to the loop: about 2 ms."""
RETRY_SECONDS = 0.5


class _Candidate(Struct, frozen=True, gc=False):
    """A call of the inbox that may be a duplicate."""

    form: RequestForm
    call: AnyCall
    source: str
    message_id: str
    message_hash: bytes
    is_generated: bool
    """Whether the router made the id; such an event is never a duplicate."""


class Enrichment(Actor):
    """Prepares steps and hands them to identity."""

    name = "enrichment"

    def __init__(
        self,
        inbox: Inbox,
        storage: Storage,
        steps: Mailbox[Step],
        sources: Callable[[], Mapping[str, Source]],
    ) -> None:
        self._inbox = inbox
        self._storage = storage
        self._steps = steps
        self._sources = sources
        self._duplicates = Duplicates(storage)
        self._generation = 0
        self._position = inbox.cursor

    async def run(self) -> None:
        """Prepare step after step."""
        self.rewind()
        while True:
            await self._steps.wait_empty()
            generation = self._generation
            try:
                kept = await self._inbox.read(self._position, STEP_EVENTS)
                step = await self._prepare(kept, generation)
            except StorageError:  # the store is in trouble and says so itself; it is asked again
                await asyncio.sleep(RETRY_SECONDS)
                self.rewind()
                continue
            if generation == self._generation:
                self._position = step.inbox_after
                await self._steps.put(step)
            else:
                self._duplicates.forget()

    def committed(self, generation: int) -> None:
        """The oldest step handed on is durable."""
        if generation == self._generation:
            self._duplicates.committed()

    def rewind(self) -> None:
        """Start again from the inbox cursor; what was prepared beyond it is void."""
        self._generation += 1
        self._steps.clear()
        self._duplicates.forget()
        self._position = self._inbox.cursor

    @property
    def generation(self) -> int:
        """Steps of any other generation are void."""
        return self._generation

    async def _prepare(self, kept: list[Kept], generation: int) -> Step:
        first = self._position
        after = kept[-1].after if kept else self._inbox.next
        candidates = [candidate for request in kept for candidate in self._candidates(request)]
        is_new = await self._duplicates.new(
            [None if one.is_generated else one.message_hash for one in candidates]
        )
        events: list[Prepared] = []
        failures: list[Failure] = []
        counts: Counter[tuple[str, ...]] = Counter()
        for index, (candidate, wanted) in enumerate(zip(candidates, is_new, strict=True)):
            if not wanted:
                counts["failed_on_ingest", candidate.source, "duplicate"] += 1
                continue
            try:
                events.append(_prepared(candidate))
            except Exception as error:  # noqa: BLE001 - one bad event must not stop those behind it
                failures.append(_failure(candidate, error))
            if index % SLICE_EVENTS == SLICE_EVENTS - 1:
                await asyncio.sleep(0)
        for event in events:
            counts["successfully_received", event.source] += 1
        duplicates = len(candidates) - len(events) - len(failures)
        return Step(generation, first, after, events, counts, failures, duplicates)

    def _candidates(self, request: Kept) -> list[_Candidate]:
        form = RequestForm(request.entry, request.received)
        source = request.entry.source
        known = self._sources().get(source)
        workspace = known.workspace if known else "default"
        store_id = self._storage.store_id
        candidates = []
        for index, call in enumerate(request.received.calls):
            message_id = call.message_id or _generated_id(store_id, request.position + index)
            candidates.append(
                _Candidate(
                    form,
                    call,
                    source,
                    message_id,
                    message_hash(store_id, workspace, message_id),
                    call.message_id is None,
                )
            )
        return candidates


def _prepared(candidate: _Candidate) -> Prepared:
    event, metadata = candidate.form.event(candidate.call, candidate.message_id)
    event.json  # noqa: B018 - encoded here, once, for the log and for every destination
    return Prepared(candidate.source, event, metadata, candidate.form.received_at, candidate.message_hash)


def _failure(candidate: _Candidate, error: Exception) -> Failure:
    return Failure(
        candidate.source,
        candidate.message_id,
        candidate.form.received_at,
        candidate.form.raw(candidate.call),
        f"{type(error).__name__}: {error}",
    )


def _generated_id(store_id: bytes, position: int) -> str:
    """The id of an event that came without one: the same each time the inbox entry is read."""
    return str(uuid.uuid5(uuid.UUID(bytes=store_id), str(position)))
