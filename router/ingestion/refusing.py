"""What is told of calls that were refused among those that a plugin handed over."""

from collections import Counter
from collections.abc import Callable

from router.ingestion.actor import FAILED
from router.rules.request import Received
from router.telemetry.happenings import MembersRefused
from router.telemetry.signals import Signals


def tell_refused(
    source: str, received: Received, *, count: Callable[[tuple[str, ...], int], None], signals: Signals
) -> None:
    """Count them by reason, and show them to those who watch."""
    reasons = [(one.index, one.reason) for one in received.refused]
    for reason, amount in Counter(reason for _, reason in reasons).items():
        count((FAILED, source, reason), amount)
    members = tuple(one.raw for one in received.refused)
    signals.emit(MembersRefused(source, tuple(reasons), members))
