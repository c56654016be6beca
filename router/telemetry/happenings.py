"""Every signal of the router, by the part that emits it. A new happening is a new struct here."""

from router.telemetry.signals import Signal

# --- the router -------------------------------------------------------------------------------------------


class RouterStarted(Signal):
    """The doors are open."""

    url: str


class RouterStopping(Signal):
    """The router was asked to stop, or must stop."""

    reason: str


class ActorRestarted(Signal):
    """An actor crashed and is started again."""

    actor: str
    error: str


class LoopBlocked(Signal):
    """Something held the event loop; `where` names the code line that did."""

    seconds: float
    where: str


# --- doors ------------------------------------------------------------------------------------------------


class RequestAnswered(Signal):
    """A request that was not a plain success was answered."""

    source: str
    status: int
    code: str


class MembersRefused(Signal):
    """Members of an accepted request were refused; each has its index and reason code."""

    source: str
    refused: tuple[tuple[int, str], ...]
    members: tuple[bytes, ...] = ()
    """Their JSON, for `tap`; never logged."""


# --- storage ----------------------------------------------------------------------------------------------


class StoreOpened(Signal):
    """The store is open."""

    path: str
    recovered_events: int


class StoreTroubled(Signal):
    """Writes fail; nothing is acknowledged until StoreRecovered."""

    trouble: str


class StoreRecovered(Signal):
    """Writes succeed again."""


class SegmentSetAside(Signal):
    """A damaged segment was set aside with exactly these positions (half-open)."""

    first: int
    after: int
    reason: str


class BudgetWarned(Signal):
    """A disk budget is used to this share."""

    budget: str
    share: float


# --- stages -----------------------------------------------------------------------------------------------


class EntriesAccepted(Signal):
    """A group of requests is durable in the inbox."""

    requests: int
    events: int


class BatchCommitted(Signal):
    """A processing step is in the stream."""

    first_position: int
    events: int
    duplicates: int


class EventsGivenUp(Signal):
    """Processing itself failed on these events; they are dead letters of the pipeline."""

    count: int
    error: str


# --- delivery ---------------------------------------------------------------------------------------------


class BatchDelivered(Signal):
    """A destination took a batch."""

    destination: str
    events: int
    seconds: float


class BatchFailed(Signal):
    """An attempt failed; what follows from it is another signal."""

    destination: str
    events: int
    reason: str


class DestinationPaused(Signal):
    """A whole destination waits."""

    destination: str
    reason: str
    seconds: float


class DestinationResumed(Signal):
    """A paused destination takes events again."""

    destination: str


class EventsDied(Signal):
    """Events were given up for a destination."""

    destination: str
    count: int
    reason: str


class CursorMoved(Signal):
    """A destination's cursor is durable."""

    destination: str
    floor: int
    """Everything below is finished."""
    completed: int
    """Finished positions above the floor."""
