"""Back-fill: a new destination that begins in the past. One cursor, so the order is kept."""

from router.plugins.settings import Duration
from router.replay.span import ALWAYS, find_span
from router.storage.store import Storage
from router.telemetry.happenings import BackfillStarted
from router.telemetry.signals import Signals


async def birth(storage: Storage, name: str, backfill: Duration, *, now: int, signals: Signals) -> int:
    """Where a destination is to be born that gets the events of the time `backfill` before `now`."""
    span = await find_span(storage, int(max(0.0, now - backfill * 1000)), ALWAYS)
    signals.emit(BackfillStarted(name, span.first, span.after - span.first, span.lost_events))
    return span.first
