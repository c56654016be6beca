"""The enrichment actor: follows the inbox, drops duplicates, and prepares one step while the one before commits.

Nothing here waits for the outside world. What it learns while preparing (message ids) lives in an overlay; when a
commit fails, every overlay is dropped and it starts again from the stored cursor. Ids, positions and receive times
come from the inbox, so a step that runs twice yields the same events.
"""

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec
from msgspec import Struct

from router.actors.actor import Actor
from router.actors.mailbox import Mailbox
from router.enrichment.duplicates import Duplicates
from router.enrichment.stored_form import RequestForm, as_sent
from router.errors import StorageError
from router.events.source import Source
from router.events.step import PROCESSING_ERROR, Failure, Prepared, Step
from router.events.wire import AnyCall
from router.plugins.chain import Chain, Dropped
from router.storage.hashing import message_hash
from router.storage.inbox import Inbox, Kept
from router.storage.store import Storage

STEP_EVENTS = 1000
SLICE_EVENTS = 400
"""Events prepared without giving way to the loop: about 2 ms."""
RETRY_SECONDS = 0.5


class _Work(Struct, frozen=True):
    """One request of the inbox, with the ids of its calls."""

    form: RequestForm
    source: str
    calls: Sequence[AnyCall]
    message_ids: list[str]
    hashes: list[bytes]


class Enrichment(Actor):
    """Prepares steps and hands them to identity."""

    name = "enrichment"

    def __init__(
        self,
        inbox: Inbox,
        storage: Storage,
        steps: Mailbox[Step],
        sources: Callable[[], Mapping[str, Source]],
        chains: Callable[[], Mapping[str, Chain]] = dict,
    ) -> None:
        """`chains` are the transformations of those sources that have any."""
        self._inbox = inbox
        self._storage = storage
        self._steps = steps
        self._sources = sources
        self._chains = chains
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
        events: list[Prepared] = []
        failures: list[Failure] = []
        counts: Counter[tuple[str, ...]] = Counter()
        since_pause = dropped = 0
        chains = self._chains()
        for work in works:
            good, bad = len(events), len(failures)
            reasons = _prepare_request(work, is_new, events, failures, chains.get(work.source))
            for reason in reasons:
                counts["filtered_at_source", work.source, reason] += 1
            dropped += len(reasons)
            good, bad = len(events) - good + len(reasons), len(failures) - bad
            for name, amount in (
                (("successfully_received", work.source), good),
                (("failed_on_ingest", work.source, PROCESSING_ERROR), bad),
                (("failed_on_ingest", work.source, "duplicate"), len(work.calls) - good - bad),
            ):
                if amount:
                    counts[name] += amount
            since_pause += len(work.calls)
            if since_pause >= SLICE_EVENTS:
                since_pause = 0
                await asyncio.sleep(0)
        return Step(
            generation=generation,
            inbox_first=self._position,
            inbox_after=kept[-1].after if kept else self._inbox.next,
            events=events,
            counts=counts,
            failures=failures,
            duplicates=len(asked) - len(events) - len(failures) - dropped,
        )

    async def _apply_shorter_windows(self, works: Sequence[_Work], verdicts: list[bool]) -> None:
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

    def _work(self, request: Kept) -> _Work:
        entry, calls = request.entry, request.received.calls
        store_id = self._storage.store_id
        known = self._sources().get(entry.source)
        workspace = known.workspace if known else "default"
        ids = [
            call.message_id or _generated_id(store_id, request.position + index)
            for index, call in enumerate(calls)
        ]
        hashes = [message_hash(store_id, workspace, message_id) for message_id in ids]
        return _Work(RequestForm(entry, request.received), entry.source, calls, ids, hashes)


def _prepare_request(
    work: _Work,
    is_new: Iterator[bool],
    events: list[Prepared],
    failures: list[Failure],
    chain: Chain | None,
) -> Sequence[str]:
    """Prepare the new events of a request; returns the reason of each that a transformation dropped."""
    reasons: list[str] = []
    form, source = work.form, work.source
    for call, message_id, id_hash in zip(work.calls, work.message_ids, work.hashes, strict=True):
        if not next(is_new):
            continue
        try:
            event, metadata = form.event(call, message_id)
            if chain is not None:
                made = chain.apply(event)
                if isinstance(made, Dropped):
                    reasons.append(made.reason)
                    continue
                event = made
            event.json  # noqa: B018 - encoded here, once, for the log and for every destination
        except Exception as error:  # noqa: BLE001 - one bad event must not stop those behind it
            reason = f"{type(error).__name__}: {error}"
            entry = form.alone(call, message_id)
            failures.append(
                Failure(
                    source, message_id, form.received_at, as_sent(call), reason, msgspec.msgpack.encode(entry)
                )
            )
        else:
            events.append(Prepared(source, event, metadata, form.received_at, id_hash))
    return reasons


def _generated_id(store_id: bytes, position: int) -> str:
    """The id of an event that came without one: the same each time the inbox entry is read."""
    return str(uuid.uuid5(uuid.UUID(bytes=store_id), str(position)))
