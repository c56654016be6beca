"""What a replay would send, without sending: counted, and shown by samples.

A look is taken in pieces that are bounded in time, so that a running router is not held up and a long span needs no
long answer; whoever asks adds the pieces up.
"""

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import chain

import msgspec
from msgspec import Struct

from router.delivery.preview import Shown, shown
from router.delivery.routing import Route
from router.delivery.sending.secrecy import Secrecy
from router.events.envelope import Envelope
from router.plugins.request import Request
from router.replay.keeper import Wanted
from router.replay.selection import predicate, readdressed
from router.replay.span import Span, find_span
from router.replay.target import Target
from router.storage.segment import SegmentDamaged, decode_segment
from router.storage.store import Storage, StoredSegment

READ_BYTES = 1 << 20
SAMPLES = 3


class Piece(Struct, frozen=True):
    """A part of what would be replayed."""

    span: Span
    next: int
    """Where the next piece begins; the end of the span after the last one."""
    counts: list[tuple[str, str, str, int]]
    """Type, name, source and number of the events that would be sent."""
    filtered: list[tuple[str, int]]
    """Reason and number of those that the destination would not get."""
    gone: int
    """Positions with nothing to read: damaged or deleted."""
    samples: list[str]
    """What would be sent for the first of them, secrets hidden."""


async def look(
    storage: Storage, target: Target, wanted: Wanted, *, position: int | None, seconds: float
) -> Piece:
    """Look at what is replayed from `position` on (None: the beginning), for about `seconds`."""
    span = await find_span(storage, wanted.since, wanted.until)
    at = span.first if position is None else position
    selects, change = predicate(wanted.selection), readdressed(target.terms.to)
    wants = target.plugin.wants if target.plugin.chooses() else None
    route = Route(target.terms, target.plugin.event_types(), wants)
    counts: Counter[tuple[str, str, str]] = Counter()
    filtered: Counter[str] = Counter()
    sampled: list[Envelope] = []
    gone = 0
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    while at < span.after:
        segments = await storage.read_stream(at, READ_BYTES)
        envelopes = await asyncio.to_thread(_decoded, segments)
        after = min(span.after, segments[-1].first_position + segments[-1].count) if segments else span.after
        within = [one for one in envelopes if at <= one.position < after]
        gone += after - at - len(within)
        meant = [change(one) for one in within if selects is None or selects(one)]
        routed = route.divide(meant)
        counts.update((one.event.type, getattr(one.event, "event", ""), one.source) for one in routed.taken)
        filtered.update(reason for _, reason in routed.filtered)
        filtered.update(verdict.code for _, verdict in routed.broken)
        if position is None:
            takes = {one.position for one in routed.taken}
            sampled += [one for one in meant if one.position in takes][: SAMPLES - len(sampled)]
        at = after
        if loop.time() > until:
            break
    return Piece(
        span=span,
        next=at,
        counts=[(*key, number) for key, number in counts.items()],
        filtered=list(filtered.items()),
        gone=gone,
        samples=[_sample(target, one) for one in _shown(target, sampled)],
    )


def _decoded(segments: list[StoredSegment]) -> list[Envelope]:
    return list(chain.from_iterable(_envelopes(segment) for segment in segments))


def _envelopes(segment: StoredSegment) -> list[Envelope]:
    try:
        return decode_segment(segment.data) if segment.data else []
    except SegmentDamaged:
        return []


def _shown(target: Target, envelopes: Sequence[Envelope]) -> list[Shown]:
    target.plugin.feed_by(target.policies)
    return shown(target.plugin, target.terms, envelopes)


def _sample(target: Target, one: Shown) -> str:
    """A request as text, or what the plugin is given or says where there is none."""
    secrecy = Secrecy(target.plugin.settings)
    text = secrecy.hide(one.body.decode("utf-8", "replace"))
    if one.url:
        text = secrecy.request(
            Request(method=one.method, url=one.url, headers=dict(one.headers), body=_readable(one.body))
        )
    for function in target.terms.asking:
        text = Secrecy(function.settings).hide(text)
    return text


def _readable(body: bytes) -> bytes:
    """JSON in many lines, so that a reader finds something in it."""
    try:
        return msgspec.json.format(body, indent=2)
    except msgspec.DecodeError:
        return body
