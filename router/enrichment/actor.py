"""The enrichment actor: follows the inbox, drops duplicates, and prepares one step while the one before commits.

Nothing here waits for the outside world. What it learns while preparing (message ids) lives in an overlay; when a
commit fails, every overlay is dropped and it starts again from the stored cursor. Ids, positions and receive times
come from the inbox, so a step that runs twice yields the same events.
"""

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence

from router.actors.actor import Actor
from router.actors.mailbox import Mailbox
from router.enrichment.duplicates import Duplicates
from router.enrichment.inventory import Inventory
from router.enrichment.processing import Processing
from router.enrichment.results import Results, Work
from router.enrichment.stored_form import RequestForm
from router.enrichment.unknown import count_unknown
from router.errors import StorageError
from router.events.source import Source
from router.events.step import Step
from router.rules.integrations import UnknownIntegrations
from router.storage.hashing import message_hash
from router.storage.inbox import Inbox, Kept
from router.storage.store import Storage

STEP_EVENTS = 1000
SLICE_EVENTS = 400
"""Events prepared without giving way to the loop: about 2 ms."""
SLICE_BYTES = 400_000
"""And so many bytes of them: long events take longer."""
RETRY_SECONDS = 0.5


class Enrichment(Actor):
    """Prepares steps and hands them to identity."""

    name = "enrichment"

    def __init__(
        self,
        inbox: Inbox,
        storage: Storage,
        steps: Mailbox[Step],
        sources: Callable[[], Mapping[str, Source]],
        inventory: Inventory,
        processing: Callable[[], Mapping[str, Processing]] = dict,
        unknown: Callable[[], UnknownIntegrations] | None = None,
    ) -> None:
        """`processing` are the steps of those sources that have any; `unknown` finds misspelled destinations."""
        self._inbox = inbox
        self._storage = storage
        self._steps = steps
        self._sources = sources
        self._processing = processing
        self._unknown = unknown
        self._duplicates = Duplicates(storage)
        self._inventory = inventory
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
                await self._inventory.catch_up()
                if generation != self._generation:
                    continue
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
                self._inventory.forget()

    def committed(self, generation: int) -> None:
        """The oldest step handed on is durable."""
        if generation == self._generation:
            self._duplicates.committed()
            self._inventory.committed()

    def rewind(self) -> None:
        """Start again from the inbox cursor; what was prepared beyond it is void."""
        self._generation += 1
        self._steps.clear()
        self._duplicates.forget()
        self._inventory.forget()
        self._position = self._inbox.cursor
        self._inbox.nudge()

    @property
    def generation(self) -> int:
        """Steps of any other generation are void."""
        return self._generation

    async def _prepare(self, kept: list[Kept], generation: int) -> Step:
        works = [self._work(request) for request in kept]
        asked = [
            message_hash
            if call.message_id is not None
            else None  # an id of our own making is never a duplicate
            for work in works
            for call, message_hash in zip(work.calls, work.hashes, strict=True)
        ]
        verdicts = await self._duplicates.new(asked)
        await self._apply_shorter_windows(works, verdicts)
        is_new = iter(verdicts)
        sightings = self._inventory.step()
        made = Results(self._hash_of, sightings)
        processing = self._processing()
        events = size = 0
        for request, work in zip(kept, works, strict=True):
            made.take(work, is_new, processing.get(work.source))
            events, size = events + len(work.calls), size + len(request.entry.body)
            if events >= SLICE_EVENTS or size >= SLICE_BYTES:
                events = size = 0
                await asyncio.sleep(0)
        if self._unknown is not None:
            made.counts.update(count_unknown(made.events, self._unknown()))
        return Step(
            generation=generation,
            inbox_first=self._position,
            inbox_after=kept[-1].after if kept else self._inbox.next,
            events=made.events,
            counts=made.counts,
            failures=made.failures,
            duplicates=made.duplicates,
            blocked=made.blocked,
            diverted=made.diverted,
            received_at=kept[-1].entry.received_at if kept else 0,
            findings=sightings.finds.new(),
        )

    async def _apply_shorter_windows(self, works: Sequence[Work], verdicts: list[bool]) -> None:
        """The store remembers for the longest window of all sources; some sources want a shorter one."""
        sources = self._sources()
        longest = max((one.dedupe_window for one in sources.values()), default=0.0)
        index = 0
        for work in works:
            known = sources.get(work.source)
            if known is not None and known.dedupe_window < longest:
                since = work.form.received_at - int(known.dedupe_window * 1000)
                for offset, message_hash in enumerate(work.hashes, index):
                    if not verdicts[offset]:
                        verdicts[offset] = await self._duplicates.is_forgotten(message_hash, since)
            index += len(work.hashes)

    def _work(self, request: Kept) -> Work:
        entry, calls = request.entry, request.received.calls
        store_id, hash_of = self._storage.store_id, self._hash_of
        ids = [
            call.message_id or _generated_id(store_id, request.position + index)
            for index, call in enumerate(calls)
        ]
        hashes = [hash_of(entry.source, message_id) for message_id in ids]
        return Work(RequestForm(entry, request.received), entry.source, calls, ids, hashes)

    def _hash_of(self, source: str, message_id: str) -> bytes:
        known = self._sources().get(source)
        return message_hash(self._storage.store_id, known.workspace if known else "default", message_id)


def _generated_id(store_id: bytes, position: int) -> str:
    """The id of an event that came without one: the same each time the inbox entry is read."""
    return str(uuid.uuid5(uuid.UUID(bytes=store_id), str(position)))
