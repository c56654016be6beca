"""A batch on its way: sent whole, bisected where an event is refused, until every event has an end or waits."""

from collections import deque
from collections.abc import Callable, Sequence

from msgspec import Struct, field

from router.delivery.failure_log import Attempts
from router.delivery.verdict import Attempt, Judgement, Verdict
from router.events.calls import AnyEvent
from router.events.envelope import Envelope

Keys = Callable[[AnyEvent], tuple[str, ...]]
BREAKS = 3
"""When this many events have the plugin raise, one by one, and none went well, the plugin itself is broken."""

_PASSING = (Judgement.RETRY, Judgement.BROKEN)


class Report(Struct):
    """What became of the events of a flight; each stands in exactly one of the lists, in order."""

    delivered: list[Envelope] = field(default_factory=list)
    dead: list[tuple[Envelope, Verdict]] = field(default_factory=list)
    """Events that the service, or an insert function, refused for good."""
    filtered: list[tuple[Envelope, str]] = field(default_factory=list)
    """Events that an insert function let go no further, each with its reason code."""
    again: list[tuple[Envelope, Verdict]] = field(default_factory=list)
    """Events that failed by themselves, while neighbours did not."""
    failed: list[Envelope] = field(default_factory=list)
    """Events that were in the attempt with which the flight ended."""
    untried: list[Envelope] = field(default_factory=list)
    """Events that were not tried, or that must stay behind one of `again`."""
    failure: Verdict | None = None
    """The verdict on `failed`."""
    children_delivered: int = 0
    """Requests that settled one of the delivered events together with others: the second ledger."""

    @property
    def shows_service_well(self) -> bool:
        """Whether the service took or refused an event; an insert function that did says nothing of it."""
        return bool(self.delivered) or any(not verdict.is_inserting for _, verdict in self.dead)


async def fly(sender: Attempts, batch: Sequence[Envelope], keys: Keys) -> Report:
    """Send `batch`; its parts go one after the other, from left to right, so the order of the stream is kept."""
    report = Report()
    parts: deque[Sequence[Envelope]] = deque([batch])
    held: set[str] = set()
    while parts:
        part = parts.popleft()
        if held:
            part = _without_held(part, keys, held, report)
            if not part:
                continue
        attempt = await sender.attempt([envelope.event for envelope in part])
        if attempt.each is not None:
            if attempt.verdict.judgement.stops_batch:
                _stop(report, part, parts, attempt)
                break
            blamed = _blamed(attempt.each)
            if blamed is not None:
                _end(report, part, parts, blamed)  # not one went well: the service is not well
                break
            parts.extendleft([part[index] for index in places] for places in reversed(attempt.again))
            _divide(part, attempt.each, report)
            held.update(key for envelope, _ in report.again for key in keys(envelope.event))
            continue
        judgement = attempt.verdict.judgement
        if judgement is Judgement.DELIVERED:
            report.delivered.extend(part)
        elif judgement.stops_batch:
            _end(report, part, parts, attempt.verdict)
            break
        elif len(part) > 1:
            middle = len(part) // 2
            parts.extendleft((part[middle:], part[:middle]))
        elif judgement is Judgement.BROKEN:
            report.again.append((part[0], attempt.verdict))
            held.update(keys(part[0].event))
            if len(report.again) >= BREAKS and not report.shows_service_well:
                break
        else:
            report.dead.append((part[0], attempt.verdict))
    if report.again and not report.shows_service_well:
        _blame_all(report, parts)
    return report


def _without_held(part: Sequence[Envelope], keys: Keys, held: set[str], report: Report) -> list[Envelope]:
    """The events that need not wait behind one that is tried again."""
    free = []
    for envelope in part:
        own = keys(envelope.event)
        if held.isdisjoint(own):
            free.append(envelope)
        else:
            held.update(own)
            report.untried.append(envelope)
    return free


def _blamed(verdicts: Sequence[Verdict | None]) -> Verdict | None:
    """The verdict on the first event, where every event failed in a way that may pass."""
    first = verdicts[0]
    if all(verdict is not None and verdict.judgement in _PASSING for verdict in verdicts):
        return first
    return None


def _divide(part: Sequence[Envelope], verdicts: Sequence[Verdict | None], report: Report) -> None:
    """Take in a verdict on each event; None is for events whose time is still to come."""
    for envelope, verdict in zip(part, verdicts, strict=True):
        if verdict is None:
            continue
        if verdict.judgement is Judgement.DELIVERED:
            report.delivered.append(envelope)
            if verdict.children is not None:
                report.children_delivered += verdict.children.delivered
        elif verdict.judgement in (Judgement.REFUSED, Judgement.TOO_LARGE):
            report.dead.append((envelope, verdict))
        elif verdict.judgement is Judgement.FILTERED:
            report.filtered.append((envelope, verdict.code))
        else:
            report.again.append((envelope, verdict))


def _stop(
    report: Report, part: Sequence[Envelope], parts: deque[Sequence[Envelope]], attempt: Attempt
) -> None:
    """Nothing more is sent: some events have their end, some failed, the others were not tried."""
    failed: list[tuple[Envelope, Verdict]] = []
    for envelope, verdict in zip(part, attempt.each or (), strict=True):
        if verdict is None:
            report.untried.append(envelope)
        elif verdict.judgement.stops_batch or verdict.judgement is Judgement.BROKEN:
            failed.append((envelope, verdict))
        else:
            _divide([envelope], [verdict], report)
    only = failed[0][1] if len(failed) == 1 else attempt.verdict
    _end(report, [envelope for envelope, _ in failed], parts, only)


def _end(
    report: Report, part: Sequence[Envelope], parts: deque[Sequence[Envelope]], verdict: Verdict
) -> None:
    report.failure = verdict
    report.failed.extend(part)
    report.untried.extend(envelope for rest in parts for envelope in rest)


def _blame_all(report: Report, parts: deque[Sequence[Envelope]]) -> None:
    """No event went well: the fault is not with these events."""
    report.failed[:0] = [envelope for envelope, _ in report.again]
    if report.failure is None:
        report.failure = report.again[0][1]
        report.untried.extend(envelope for rest in parts for envelope in rest)
    report.again.clear()
