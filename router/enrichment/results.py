"""What becomes of the calls of a step: events, dead letters, duplicates, and what is counted of each."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import cast

import msgspec
from msgspec import Raw, Struct

from router.enrichment.alerts import alert
from router.enrichment.detection import Detection
from router.enrichment.diverting import DIVERTED
from router.enrichment.processing import Aside, Created, Diversion, Processing
from router.enrichment.sightings import Seen, Sightings
from router.enrichment.stored_form import RequestForm, as_sent
from router.events.calls import AnyEvent, decode_event
from router.events.diverted import NO_METADATA, Derived, Diverted, ReturnedCall
from router.events.step import PROCESSING_ERROR, TIME_SOURCE, Blocked, Failure, Prepared
from router.events.wire import ABSENT, AnyCall
from router.plugins.dropped import Dropped
from router.rules.plan.violation import Violation


class Work(Struct, frozen=True):
    """One request of the inbox, with the ids of its calls."""

    form: RequestForm
    source: str
    calls: Sequence[AnyCall]
    message_ids: list[str]
    hashes: list[bytes]


def _diverted(to: Diversion, aside: Aside, message_id: str, metadata: Raw) -> Diverted:
    """What waits for a function: the event, and what comes of it besides."""
    assert aside.stopped is not None  # it is where the event left
    return Diverted(
        source=aside.source,
        step=to.step,
        message_id=message_id,
        before=Raw(aside.stopped.json),
        metadata=metadata if bytes(metadata) else NO_METADATA,
        derived=[Derived(one.source, one.reason, Raw(one.event.json)) for one in aside.created],
        counts=list(aside.counts.items()),
        violations=[(one.type, one.field, one.description) for one in aside.violations],
    )


class Results:
    """Takes request after request."""

    def __init__(self, hash_of: Callable[[str, str], bytes], sightings: Sightings) -> None:
        """`hash_of` gives what a source's message id is remembered by."""
        self._hash_of = hash_of
        self._sightings = sightings
        self.events: list[Prepared] = []
        self.failures: list[Failure] = []
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.duplicates = 0
        self.blocked: list[Blocked] = []
        self.diverted: list[tuple[str, Diverted]] = []

    def take(self, work: Work, is_new: Iterator[bool], processing: Processing | None) -> None:
        """Prepare the calls of a request that are new."""
        received = failed = duplicates = 0
        for call, message_id, id_hash in zip(work.calls, work.message_ids, work.hashes, strict=True):
            if not next(is_new):
                duplicates += 1
                continue
            try:
                is_here = self._prepare(work, call, message_id, id_hash, processing)
            except Exception as error:  # noqa: BLE001 - one bad event must not stop those behind it
                detail = f"{type(error).__name__}: {error}"
                self._fail(work, call, message_id, PROCESSING_ERROR, detail, processing)
                failed += 1
            else:
                received += is_here
        for name, amount in (
            (("successfully_received", work.source), received),
            (("failed_on_ingest", work.source, PROCESSING_ERROR), failed),
            (("failed_on_ingest", work.source, "duplicate"), duplicates),
        ):
            if amount:
                self.counts[name] += amount
        self.duplicates += duplicates

    def _prepare(
        self, work: Work, call: AnyCall, message_id: str, id_hash: bytes, processing: Processing | None
    ) -> bool:
        """Prepare one call; False where its event left for a function, and counts when it comes back."""
        form, source = work.form, work.source
        if isinstance(call, ReturnedCall):
            return self._take_back(work, call, id_hash, processing)
        if processing is None:
            event, metadata = form.event(call, message_id)
            event.json  # noqa: B018 - encoded here, once, for the log and for every destination
            self.events.append(Prepared(source, event, metadata, form.received_at, id_hash))
            if source != TIME_SOURCE:
                self._sightings.see(source, event, form.received_at)
            return True
        aside = Aside(source, form.received_at)
        guarded = call if processing.guard is None else processing.guard.call(call, aside)
        event, metadata = form.event(guarded, message_id)
        if processing.guard is not None:
            event = processing.guard(event, aside)
        made = processing.apply(event, aside)
        return self._finish(work, call, (event, made, metadata), id_hash, aside, processing)

    def _take_back(
        self, work: Work, call: ReturnedCall, id_hash: bytes, processing: Processing | None
    ) -> bool:
        """Prepare an event that comes back from a function: it goes through the steps behind that."""
        returned, aside = call.returned, Aside(work.source, work.form.received_at)
        aside.created = [
            Created(one.source, decode_event(bytes(one.event)), one.reason) for one in returned.derived
        ]
        aside.counts.update(dict(returned.counts))
        aside.violations = [Violation(*one) for one in returned.violations]
        event = decode_event(bytes(returned.before))
        made: AnyEvent | Dropped
        if returned.dropped:
            aside.stopped = event
            made = Dropped(returned.dropped, returned.is_kept, returned.detail)
        else:
            made = decode_event(bytes(returned.after))
            if processing is not None:
                made = processing.apply_behind(returned.step, made, aside)
        metadata = ABSENT if bytes(returned.metadata) == b"null" else returned.metadata
        return self._finish(work, cast("AnyCall", call), (event, made, metadata), id_hash, aside, processing)

    def _finish(
        self,
        work: Work,
        call: AnyCall,
        what: tuple[AnyEvent, AnyEvent | Dropped, Raw],
        id_hash: bytes,
        aside: Aside,
        processing: Processing | None,
    ) -> bool:
        """Take an event as it came out of its steps: it met them as the first of `what`, and has this metadata."""
        form, source = work.form, work.source
        event, made, metadata = what
        if isinstance(made, Diversion):  # nothing of it is visible before it comes back
            self.diverted.append((made.lane, _diverted(made, aside, event.message_id, metadata)))
            self.counts[DIVERTED, source] += 1
            return False
        if not isinstance(made, Dropped):
            made.json  # noqa: B018 - encoded here, once, for the log and for every destination
        for one in aside.created:
            one.event.json  # noqa: B018 - as above
        derived = [self._derived(one, form.received_at) for one in aside.created]
        seen = self._sightings.see(source, event, form.received_at)
        seen.violations += [(one, form.received_at, event.message_id) for one in aside.violations]
        if isinstance(made, Dropped):  # from here on nothing raises: an event counts once
            seen.blocked[made.reason] = seen.blocked.get(made.reason, 0) + 1
            self.counts["filtered_at_source", source, made.reason] += 1
            self.blocked.append(Blocked(source, aside.stopped or event, made.reason))
            if made.is_kept:
                self._fail(work, call, event.message_id, made.reason, made.detail, processing)
        else:
            self.events.append(Prepared(source, made, metadata, form.received_at, id_hash))
        self.events += derived
        for one in aside.created:
            self.counts["created_at_source", one.source, one.reason] += 1
        self.counts.update(aside.counts)
        if processing is not None and processing.detection is not None:
            self._detect(processing.detection, event, seen, source)
        return True

    def _detect(self, detection: Detection, event: AnyEvent, seen: Seen, source: str) -> None:
        finds = self._sightings.finds
        for one in detection(event, seen, finds, source=source):
            is_told = finds.note(one)
            if is_told and detection.alerts is not None:
                made = alert(one, event, source=source, to=detection.alerts)
                self.events.append(self._derived(made, seen.last_at))
                self.counts["created_at_source", made.source, made.reason] += 1

    def _derived(self, made: Created, received_at: int) -> Prepared:
        made_hash = self._hash_of(made.source, made.event.message_id)
        return Prepared(made.source, made.event, ABSENT, received_at, made_hash)

    def _fail(
        self,
        work: Work,
        call: AnyCall,
        message_id: str,
        reason: str,
        detail: str,
        processing: Processing | None,
    ) -> None:
        form, guard = work.form, processing.guard if processing is not None else None
        entry = shown = b""
        try:
            if isinstance(call, ReturnedCall):  # privacy has seen to what it holds
                entry, shown = msgspec.msgpack.encode(form.entry), bytes(call.returned.before)
                self.failures.append(
                    Failure(work.source, message_id, form.received_at, shown, detail, entry, reason)
                )
                return
            if guard is not None:
                form, call = form.guarded(guard.request), guard.letter(call)
            entry, shown = msgspec.msgpack.encode(form.alone(call, message_id)), as_sent(call)
        except Exception as error:  # noqa: BLE001 - what cannot be guarded may not be kept; the letter says why
            detail = f"{detail}; its call is not kept: {type(error).__name__}: {error}"
        self.failures.append(Failure(work.source, message_id, form.received_at, shown, detail, entry, reason))
