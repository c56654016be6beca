"""What one attempt says about its events."""

from collections.abc import Sequence
from enum import Enum

from msgspec import Struct


class Judgement(Enum):
    """What the engine does next."""

    DELIVERED = "delivered"
    RETRY = "retry"
    """The service is not well: the destination pauses and the events are tried again."""
    THROTTLED = "throttled"
    """The service is well but wants to be left alone, or cannot be reached: as RETRY, and no event is suspected."""
    SNOOZE = "snooze"
    """As THROTTLED, and no attempt is counted."""
    CREDENTIALS = "credentials"
    """The service does not know us or the address is wrong: as RETRY; an event that is alone with it dies."""
    BROKEN = "broken"
    """The plugin raised: the batch is bisected, an event that is alone with it is parked."""
    TOO_LARGE = "too_large"
    """The batch is halved; a single event dies."""
    REFUSED = "refused"
    """The batch is bisected until the refused event is alone; that event dies."""
    FILTERED = "filtered"
    """An insert function let the event go no further."""

    @property
    def stops_batch(self) -> bool:
        """Whether nothing more of the batch is sent now."""
        return self in _STOPPING

    @property
    def accuses_events(self) -> bool:
        """Whether one of the events may be the reason."""
        return self not in (Judgement.THROTTLED, Judgement.SNOOZE)


_STOPPING = (Judgement.RETRY, Judgement.THROTTLED, Judgement.SNOOZE, Judgement.CREDENTIALS)


class Children(Struct, frozen=True):
    """What became of the several requests that settle one event, if it ends now: the second ledger (operations 15)."""

    delivered: int = 0
    dead: tuple[str, ...] = ()
    """A reason code for each that did not get through."""


class Verdict(Struct, frozen=True):
    """A judgement with the code that operators see (operations 2) and what a dead letter keeps."""

    judgement: Judgement
    code: str = ""
    after: float | None = None
    """Seconds that the service wants us to wait, if it said so."""
    request: str = ""
    """The request as text, secrets hidden."""
    answer: str = ""
    """The answer, or the error, as text."""
    children: Children | None = None
    """Where several requests settle the event; the verdict is the worst of theirs."""
    is_inserting: bool = False
    """Whether an insert function came to it, before the destination was asked: it says nothing of the service."""


DELIVERED = Verdict(Judgement.DELIVERED)


class Attempt(Struct, frozen=True):
    """What an attempt says of its events: one verdict for all, or one for each."""

    verdict: Verdict
    """The verdict on all; with `each`, why nothing more is sent now, or DELIVERED."""
    each: Sequence[Verdict | None] | None = None
    """One for each event; None says that it was not tried to its end."""
    again: Sequence[Sequence[int]] = ()
    """Places of events that are to be sent again at once, in these parts."""
