"""Every signal of the router, by the part that emits it. A new happening is a new struct here."""

from router.events.step import Blocked
from router.telemetry.signals import Signal

# --- the router -------------------------------------------------------------------------------------------


class RouterStarted(Signal, frozen=True):
    """The doors are open."""

    url: str


class RouterStopping(Signal, frozen=True):
    """The router was asked to stop, or must stop."""

    reason: str


class ActorRestarted(Signal, frozen=True):
    """An actor crashed and is started again."""

    actor: str
    error: str


class ConfigReloaded(Signal, frozen=True):
    """Another configuration holds from now on; the names are those of destinations."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    unchanged: int = 0
    sources: tuple[str, ...] = ()
    """Sources that were added, removed or changed."""
    needs_restart: tuple[str, ...] = ()
    """What else changed and only a restart can apply."""


class ReloadRefused(Signal, frozen=True):
    """A configuration cannot be used; the one that runs stays."""

    problems: tuple[str, ...]


class ConfigUnwatched(Signal, frozen=True):
    """Changes of the configuration's files are not noticed any more; SIGHUP and `router reload` still work."""

    reason: str


class LoopBlocked(Signal, frozen=True):
    """Something held the event loop; `where` names the code line that did."""

    seconds: float
    where: str


# --- doors ------------------------------------------------------------------------------------------------


class RequestAnswered(Signal, frozen=True):
    """A request that was not a plain success was answered."""

    source: str
    status: int
    code: str


class MembersRefused(Signal, frozen=True):
    """Members of an accepted request were refused; each has its index and reason code."""

    source: str
    refused: tuple[tuple[int, str], ...]
    members: tuple[bytes, ...] = ()
    """Their JSON, for `tap`; never logged."""


# --- source plugins ---------------------------------------------------------------------------------------


class SourceStarted(Signal, frozen=True):
    """A new instance of a source plugin reads."""

    source: str
    kind: str


class SourceRested(Signal, frozen=True):
    """A source plugin has read everything that there was, and looks again later."""

    source: str


class SourceFailed(Signal, frozen=True):
    """A source plugin raised; a new instance goes on from its cursor after `seconds`."""

    source: str
    kind: str
    error: str
    seconds: float


class SourceWaiting(Signal, frozen=True):
    """What a source plugin read cannot be kept now; it waits and loses nothing."""

    source: str
    reason: str
    seconds: float


class SourceStopped(Signal, frozen=True):
    """A source plugin reads nothing until someone mends what the reason names; it is looked at every minute."""

    source: str
    reason: str


class CursorLeftOut(Signal, frozen=True):
    """The cursor of a source was kept by a plugin of another kind: this one begins anew."""

    source: str
    kind: str
    former: str
    """Whose cursor it was."""


# --- storage ----------------------------------------------------------------------------------------------


class StoreOpened(Signal, frozen=True):
    """The store is open."""

    path: str
    recovered_events: int


class StoreTroubled(Signal, frozen=True):
    """Writes fail; nothing is acknowledged until StoreRecovered."""

    trouble: str


class StoreRecovered(Signal, frozen=True):
    """Writes succeed again."""


class SegmentSetAside(Signal, frozen=True):
    """A damaged segment was set aside with exactly these positions (half-open)."""

    first: int
    after: int
    reason: str


class BudgetWarned(Signal, frozen=True):
    """A disk budget is used to this share."""

    budget: str
    share: float
    seconds_left: float | None = None
    """Until it is spent, at the pace since it was used least; None when there is no pace to tell by."""


# --- stages -----------------------------------------------------------------------------------------------


class EntriesAccepted(Signal, frozen=True):
    """A group of requests is durable in the inbox."""

    requests: int
    events: int


class BatchCommitted(Signal, frozen=True):
    """A processing step is in the stream."""

    first_position: int
    events: int
    duplicates: int


class EventsBlocked(Signal, frozen=True):
    """Events were dropped on their way to the stream: by a plan, a control or a transformation; for `tap`."""

    events: tuple[Blocked, ...]
    """Never logged."""


class FieldsFound(Signal, frozen=True):
    """Fields that probably hold personal data came for the first time; `router privacy inbox` lists them."""

    paths: tuple[str, ...]
    """Never logged: clients may write anything into the names of fields."""


class EnrichmentFailed(Signal, frozen=True):
    """An enricher raised for the first time since it was made; its additions are missing, and counted."""

    kind: str
    error: str


class EventsGivenUp(Signal, frozen=True):
    """Processing itself failed on these events; they are dead letters of the pipeline."""

    count: int
    error: str


# --- delivery ---------------------------------------------------------------------------------------------


class BatchDelivered(Signal, frozen=True):
    """A destination took a batch."""

    destination: str
    events: int
    seconds: float


class BatchFailed(Signal, frozen=True):
    """An attempt failed; what follows from it is another signal."""

    destination: str
    events: int
    reason: str


class DestinationPaused(Signal, frozen=True):
    """A whole destination waits."""

    destination: str
    reason: str
    seconds: float


class DestinationResumed(Signal, frozen=True):
    """A paused destination takes events again."""

    destination: str


class EventsDied(Signal, frozen=True):
    """Events were given up for a destination."""

    destination: str
    count: int
    reason: str


class PluginMisbehaved(Signal, frozen=True):
    """A plugin did what harms others, and was contained."""

    destination: str
    """Whose plugin it is; of a source's, "source NAME"."""
    plugin: str
    fault: str
    """"blocked" the loop, "endless" requests, "left_tasks" behind, or "grew" the memory."""
    where: str
    """The code line, as far as it is known."""


class PluginHeld(Signal, frozen=True):
    """A plugin hung and had the process stopped before: its destination starts paused until `file` is removed."""

    destination: str
    plugin: str
    where: str
    file: str


class CursorMoved(Signal, frozen=True):
    """A destination's cursor is durable."""

    destination: str
    floor: int
    """Everything below is finished."""
    completed: int
    """Finished positions above the floor."""


class DestinationLeftOut(Signal, frozen=True):
    """Events wait for a destination that is not configured; they are kept, but nothing sends them."""

    destination: str
    events: int
    remedy: str


class DestinationReturned(Signal, frozen=True):
    """A destination that had been retired is served again; it does not get what happened in between."""

    destination: str
    missed: int
    """Events of the stream between its retirement and now."""


class DestinationRetired(Signal, frozen=True):
    """A destination is out of service and nothing waits for it; its section may go."""

    destination: str
    expired: int
    """Events that waited and were given up."""


class FailureLinesLost(Signal, frozen=True):
    """Lines of the failure logs could not be written; no event is touched by that."""

    count: int
    reason: str


# --- the sums ---------------------------------------------------------------------------------------------


class ConservationBroken(Signal, frozen=True):
    """A sum of conservation is off, or off by another number than before: events have no end and do not wait."""

    destination: str
    """Its name, or "(stream)" for what is between the doors and the stream."""
    missing: int
    """How many events are unexplained; below 0 more are accounted for than there were."""
    sum: str
    """All numbers of the sum."""


class ConservationRestored(Signal, frozen=True):
    """A sum that was off holds again."""

    destination: str


# --- replay -----------------------------------------------------------------------------------------------


class ProfileEdited(Signal, frozen=True):
    """Somebody changed a profile by hand."""

    act: str
    """`merge`, `split`, `take_away` or `delete`."""
    profile: str
    by: str


class ReplayStarted(Signal, frozen=True):
    """A replay begins, or goes on."""

    destination: str
    number: int
    first: int
    after: int
    """It reads the positions from `first` to before `after`."""


class ReplayEnded(Signal, frozen=True):
    """A replay is done or cancelled; the counts are those of its whole life."""

    destination: str
    number: int
    state: str
    delivered: int
    filtered: int
    dead: int
    expired: int


class BackfillStarted(Signal, frozen=True):
    """A new destination begins with events that were there before it."""

    destination: str
    first: int
    events: int
    lost: int
    """Events of the time asked for that are known to be gone."""
