"""The six steps of the pipeline under which counters are shown to the world (operations 3.1)."""

from msgspec import Struct

AT_SOURCE = (
    "successfully_received",
    "failed_on_ingest",
    "filtered_at_source",
    "filtered_at_destination",  # for a destination that nobody knows
    "created_at_source",
)
"""Steps that are counted by source and reason under their own name; the last is the router's own."""
_STEP_OF = {
    "delivered": "successful_delivery",
    "filtered": "filtered_at_destination",
    "suppressed": "filtered_at_destination",
    "deleted": "filtered_at_destination",
    "dead": "failed_delivery",
    "expired": "failed_delivery",
}


class StepName(Struct, frozen=True, order=True):
    """What a counter counts."""

    step: str
    source: str = ""
    destination: str = ""
    reason: str = ""


def step_of(counter: tuple[str, ...]) -> StepName | None:
    """The step that a durable counter belongs to; None for one that is no step."""
    name, *labels = counter
    first, reason = (*labels, "", "")[:2]
    if name in AT_SOURCE:
        return StepName(name, source=first, reason=reason)
    if name in _STEP_OF:
        # deleted and suppressed events are told from filtered ones by their reason
        own = name if name in ("suppressed", "deleted") else ""
        return StepName(_STEP_OF[name], destination=first, reason=reason or own)
    return None
