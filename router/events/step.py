"""A step of processing on its way from enrichment to identity."""

from collections import Counter
from collections.abc import Sequence

from msgspec import Raw, Struct

from router.events.calls import AnyEvent
from router.events.diverted import Diverted
from router.events.found_field import FoundField

PROCESSING_ERROR = "processing_error"
"""The reason code of an event that processing itself could not take."""

TIME_SOURCE = "(time)"
"""The source of entries that say that time has passed for some profiles; no section can have that name."""


class Prepared(Struct, frozen=True, gc=False):
    """One finished event without a position yet."""

    source: str
    event: AnyEvent
    metadata: Raw
    received_at: int
    message_hash: bytes


class Failure(Struct, frozen=True):
    """An event that processing could not take, or would not: it becomes a dead letter of the pipeline."""

    source: str
    message_id: str
    received_at: int
    call: bytes
    """The call as the client sent it."""
    error: str
    entry: bytes = b""
    """The call alone as an encoded entry of the inbox, so that it can be sent again."""
    reason: str = PROCESSING_ERROR
    """The reason code, e.g. why a tracking plan blocked it."""


class Blocked(Struct, frozen=True):
    """An event that goes no further, for those who watch."""

    source: str
    event: AnyEvent
    reason: str


class Step(Struct, frozen=True):
    """The events of neighbouring inbox entries, ready to be resolved and committed together."""

    generation: int
    """Steps of an older generation were dropped by a failed commit and are prepared again."""
    inbox_first: int
    inbox_after: int
    events: Sequence[Prepared]
    counts: Counter[tuple[str, ...]]
    failures: Sequence[Failure] = ()
    duplicates: int = 0
    blocked: Sequence[Blocked] = ()
    diverted: Sequence[tuple[str, Diverted]] = ()
    """Events that leave processing for a function that asks others, each with its lane of the side log."""
    received_at: int = 0
    """When the last of its requests came."""
    findings: Sequence[FoundField] = ()
    """Fields that probably hold personal data and that no step saw before."""
