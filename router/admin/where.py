"""Where one event is: every stage that it passed, and what became of it at every destination.

Nothing is scanned but what waits in the inbox: the place comes from the index of message ids, what destinations did
with it from their outcome records and parked rows at that place, and what was given up from the letters of that id.
So it is as quick with ten million events as with ten, and an event is still known when its segment is gone.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from router.admin.verbs import Desk, Verb
from router.enrichment.diverting import function_of
from router.events.envelope import Envelope, order_keys
from router.rules.request import read_entry
from router.storage.cursor import Cursor
from router.storage.dead_letters import LetterLine, LetterQuery
from router.storage.entry import Door
from router.storage.hashing import message_hash
from router.storage.segment import Segment, SegmentDamaged
from router.storage.store import Sighting, Storage
from router.storage.trace import Trace

READ_BYTES = 1 << 20
MOST_BYTES = 32 << 20
"""So much of what waits in the inbox is looked through."""
MOST_LETTERS = 100
MOST_ASKING = 5000
"""So many of the events that wait for a function are looked through."""


class AskWhere(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for one message id."""

    message_id: str
    workspaces: Sequence[str]
    """The workspaces in which it may be: an id means nothing without one."""


class Waiting(Struct, frozen=True):
    """A call in the inbox that is not processed yet."""

    position: int
    received_at: int
    source: str
    door: Door
    duplicate_of: int | None
    """Position of the event that has this id already: the call will be dropped."""


class Asking(Struct, frozen=True):
    """An event that waits for a function that asks others, before it is kept."""

    lane: str
    received_at: int
    attempts: int
    due_at: int
    reason: str


class Happened(Struct, frozen=True):
    """An end that an event met at a destination, or that it was sent again."""

    at: int
    outcome: str
    reason: str
    attempts: int


class At(Struct, frozen=True, kw_only=True):
    """An event at one destination."""

    destination: str
    kind: str
    state: str
    """The last outcome, or `parked`, `pending`, `not_connected`, `before_birth`, `forgotten`."""
    history: Sequence[Happened] = ()
    reason: str = ""
    """Why it is parked."""
    attempts: int = 0
    first_tried_at: int = 0
    due_at: int = 0
    """When a parked event is tried next."""
    before: int = 0
    """How many events come before one that is pending."""
    behind: int | None = None
    """Position of the parked event of the same user behind which it waits."""
    paused: str = ""
    """Why the destination pauses, while it does."""
    letter: int = 0
    """The id of its dead letter, while there is one."""


class Found(Struct, frozen=True, kw_only=True):
    """One event."""

    workspace: str = ""
    position: int
    received_at: int = 0
    source: str = ""
    type: str = ""
    name: str = ""
    user: str = ""
    profile: str = ""
    traits: Raw = Raw(b"{}")
    """The traits of the profile that are kept with it, for rules."""
    is_kept: bool
    """Whether the stream still holds it."""
    destinations: Sequence[At]


class Where(Struct, frozen=True):
    """All that is known under a message id."""

    waiting: Sequence[Waiting]
    found: Sequence[Found]
    failed: Sequence[LetterLine]
    """Letters of processing itself, or of the request of a vendor that has this id."""
    is_whole: bool
    """False when more waits in the inbox, or for functions, than was looked through."""
    asking: Sequence[Asking] = ()


WHERE: Verb[AskWhere, Where] = Verb("where", AskWhere, Where)


class Status(Protocol):
    """A destination at work."""

    @property
    def is_paused(self) -> bool:
        """Whether it pauses."""

    @property
    def reason(self) -> str:
        """Why."""


def answer_where(
    desk: Desk, storage: Storage, *, statuses: Callable[[], Mapping[str, Status]] | None = None
) -> None:
    """Have `desk` answer for `storage`; a running router tells how its destinations are by `statuses`."""

    async def where(asked: AskWhere) -> Where:
        lines = await storage.letters.find(LetterQuery(message_id=asked.message_id), limit=MOST_LETTERS)
        places: dict[int, tuple[str, Sighting]] = {
            line.position: ("", Sighting(line.position, 0)) for line in lines if line.position >= 0
        }
        for workspace in dict.fromkeys(asked.workspaces):
            sighting = await storage.find_message(message_hash(storage.store_id, workspace, asked.message_id))
            if sighting is not None:
                places[sighting.position] = (workspace, sighting)
        paused = {name: one.reason for name, one in (statuses() if statuses else {}).items() if one.is_paused}
        seen = next((place for place, (workspace, _) in places.items() if workspace), None)
        waiting, is_whole = await _waiting(storage, asked.message_id, seen)
        asking, is_all = await _asking(storage, asked.message_id)
        return Where(
            waiting=waiting,
            found=[await _found(storage, *places[place], lines, paused) for place in sorted(places)],
            failed=[line for line in lines if line.position < 0],
            is_whole=is_whole and is_all,
            asking=asking,
        )

    desk.on(WHERE, where)


async def _waiting(storage: Storage, message_id: str, seen: int | None) -> tuple[list[Waiting], bool]:
    """The calls with this id that wait in the inbox, and whether all of it was looked through."""
    facts = await storage.facts()
    position, size = facts.inbox_cursor, 0
    found: list[Waiting] = []
    written = message_id.encode()
    while position < facts.inbox_next and size < MOST_BYTES:
        entries = await storage.read_inbox(position, READ_BYTES)
        if not entries:
            break
        for entry in entries:
            size += len(entry.body)
            if written in entry.body:
                for index, call in enumerate(read_entry(entry).calls):
                    if call.message_id == message_id:
                        before = seen if seen is not None else (found[0].position if found else None)
                        found.append(
                            Waiting(
                                entry.position + index, entry.received_at, entry.source, entry.door, before
                            )
                        )
        position = entries[-1].position + entries[-1].events
    return found, position >= facts.inbox_next


async def _asking(storage: Storage, message_id: str) -> tuple[list[Asking], bool]:
    """The events with this id that wait for functions, and whether all that wait were looked through."""
    found: list[Asking] = []
    written = msgspec.json.encode(message_id)
    for lane in await storage.side_log.lanes():
        if function_of(lane.name) is None:
            continue
        beyond = looked = 0
        while entries := await storage.side_log.read(lane.name, beyond=beyond, limit=100):
            found += [
                Asking(one.lane, one.received_at, one.attempts, one.due_at, one.reason)
                for one in entries
                if b'"message_id":' + written in one.data
            ]
            beyond, looked = entries[-1].id, looked + len(entries)
            if looked >= MOST_ASKING:
                return found, False
    return found, True


async def _found(
    storage: Storage,
    workspace: str,
    sighting: Sighting,
    lines: Sequence[LetterLine],
    paused: Mapping[str, str],
) -> Found:
    position = sighting.position
    envelope = await _envelope(storage, position)
    letters = {line.destination: line for line in lines if line.position == position}
    keys = order_keys(envelope.event) if envelope else ()
    traces = await storage.traces(position, keys)
    at = [
        _at(one, position, letters.get(one.destination), paused, is_kept=envelope is not None)
        for one in traces
    ]
    if envelope is None:
        line = next(iter(letters.values()), None)
        return Found(
            workspace=workspace, position=position, received_at=sighting.received_at, is_kept=False,
            name=line.event if line else "", user=line.user if line else "", destinations=at,
        )  # fmt: skip
    event = envelope.event
    return Found(
        workspace=workspace,
        position=position,
        received_at=envelope.received_at,
        source=envelope.source,
        type=event.type,
        name=getattr(event, "event", None) or getattr(event, "name", None) or "",
        user=event.user_id or event.anonymous_id or "",
        profile=envelope.profile_id or "",
        traits=Raw(b"{}") if event.profile is None else event.profile.traits_json,
        is_kept=True,
        destinations=at,
    )


async def _envelope(storage: Storage, position: int) -> Envelope | None:
    segments = await storage.read_stream(position, 1)
    for one in segments[:1]:
        slot = position - one.first_position
        if not one.data or not 0 <= slot < one.count:
            return None
        try:
            return next(iter(Segment.parse(one.data).envelopes({slot})), None)
        except SegmentDamaged:
            return None
    return None


def _at(
    trace: Trace, position: int, letter: LetterLine | None, paused: Mapping[str, str], *, is_kept: bool
) -> At:
    history = [
        Happened(record.at, run.outcome, run.reason, run.attempts)
        for record in trace.records
        for run in record.runs
        if run.first <= position < run.first + run.count
    ]
    pause = paused.get(trace.destination, "")
    plain = At(destination=trace.destination, kind=trace.kind, state="forgotten", history=history)
    if trace.parked is not None:
        row = trace.parked
        return replace(
            plain, state="parked", reason=row.reason, attempts=row.attempts, first_tried_at=row.first_tried_at,
            due_at=row.due_at, paused=pause,
        )  # fmt: skip
    if trace.birth > position:
        return replace(plain, state="before_birth")
    if not trace.cursor.is_complete(position):
        before = _open_before(trace.cursor, position)
        return replace(plain, state="pending", before=before, behind=trace.barrier, paused=pause)
    if history:
        return replace(plain, state=history[-1].outcome, letter=letter.id if letter else 0)
    if letter is not None:
        return replace(plain, state="dead", reason=letter.reason, attempts=letter.attempts, letter=letter.id)
    return replace(plain, state="not_connected") if is_kept else plain


def _open_before(cursor: Cursor, position: int) -> int:
    """How many positions below `position` are not finished."""
    done = sum(min(after, position) - first for first, after in cursor.ranges if first < position)
    return max(0, position - cursor.floor - done)
