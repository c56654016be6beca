"""What becomes of the calls of a step: events, dead letters, duplicates, and what is counted of each."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import msgspec
from msgspec import Struct

from router.enrichment.alerts import alert
from router.enrichment.detection import Detection
from router.enrichment.processing import Aside, Created, Processing
from router.enrichment.sightings import Seen, Sightings
from router.enrichment.stored_form import RequestForm, as_sent
from router.events.calls import AnyEvent
from router.events.step import PROCESSING_ERROR, TIME_SOURCE, Blocked, Failure, Prepared
from router.events.wire import ABSENT, AnyCall
from router.plugins.dropped import Dropped


class Work(Struct, frozen=True):
    """One request of the inbox, with the ids of its calls."""

    form: RequestForm
    source: str
    calls: Sequence[AnyCall]
    message_ids: list[str]
    hashes: list[bytes]


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

    def take(self, work: Work, is_new: Iterator[bool], processing: Processing | None) -> None:
        """Prepare the calls of a request that are new."""
        received = failed = duplicates = 0
        for call, message_id, id_hash in zip(work.calls, work.message_ids, work.hashes, strict=True):
            if not next(is_new):
                duplicates += 1
                continue
            try:
                self._prepare(work, call, message_id, id_hash, processing)
            except Exception as error:  # noqa: BLE001 - one bad event must not stop those behind it
                detail = f"{type(error).__name__}: {error}"
                self._fail(work, call, message_id, PROCESSING_ERROR, detail, processing)
                failed += 1
            else:
                received += 1
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
    ) -> None:
        form, source = work.form, work.source
        if processing is None:
            event, metadata = form.event(call, message_id)
            event.json  # noqa: B018 - encoded here, once, for the log and for every destination
            self.events.append(Prepared(source, event, metadata, form.received_at, id_hash))
            if source != TIME_SOURCE:
                self._sightings.see(source, event, form.received_at)
            return
        aside = Aside(source, form.received_at)
        guarded = call if processing.guard is None else processing.guard.call(call, aside)
        event, metadata = form.event(guarded, message_id)
        if processing.guard is not None:
            event = processing.guard(event, aside)
        made = processing.apply(event, aside)
        if not isinstance(made, Dropped):
            made.json  # noqa: B018 - as above
        for one in aside.created:
            one.event.json  # noqa: B018 - as above
        derived = [self._derived(one, form.received_at) for one in aside.created]
        seen = self._sightings.see(source, event, form.received_at)
        seen.violations += [(one, form.received_at, message_id) for one in aside.violations]
        if isinstance(made, Dropped):  # from here on nothing raises: an event counts once
            seen.blocked[made.reason] = seen.blocked.get(made.reason, 0) + 1
            self.counts["filtered_at_source", source, made.reason] += 1
            self.blocked.append(Blocked(source, aside.stopped or event, made.reason))
            if made.is_kept:
                self._fail(work, call, message_id, made.reason, made.detail, processing)
        else:
            self.events.append(Prepared(source, made, metadata, form.received_at, id_hash))
        self.events += derived
        for one in aside.created:
            self.counts["created_at_source", one.source, one.reason] += 1
        self.counts.update(aside.counts)
        if processing.detection is not None:
            self._detect(processing.detection, event, seen, source)

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
            if guard is not None:
                form, call = form.guarded(guard.request), guard.letter(call)
            entry, shown = msgspec.msgpack.encode(form.alone(call, message_id)), as_sent(call)
        except Exception as error:  # noqa: BLE001 - what cannot be guarded may not be kept; the letter says why
            detail = f"{detail}; its call is not kept: {type(error).__name__}: {error}"
        self.failures.append(Failure(work.source, message_id, form.received_at, shown, detail, entry, reason))
