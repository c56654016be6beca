"""The dead letters of a store: found by page, revived or dropped in slices; no verb loads the whole table."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import msgspec
from msgspec import Struct

from router.events.calls import decode_event
from router.events.envelope import Envelope, order_keys
from router.events.profile import attach, unpack
from router.events.times import parse_instant
from router.storage.letters import DeadLetter, Parked
from router.storage.segment import encode_segment

SLICE = 32
"""Most letters that one verb revives or drops: so many keep the writer for less than 5 ms."""


class LetterQuery(Struct, frozen=True):
    """Which letters; what is not said matches all."""

    destination: str = ""
    reason: str = ""
    event: str = ""
    """The name of a track event, or the type of another call."""
    user: str = ""
    """A user id, or the anonymous id of an event that has none."""
    message_id: str = ""
    since: int | None = None
    """Died at this moment or later, in milliseconds since the epoch."""
    until: int | None = None
    """Died before this moment."""

    def __bool__(self) -> bool:
        """Whether anything is said."""
        return self != LetterQuery()


class LetterLine(Struct, frozen=True):
    """What a list shows of a letter."""

    id: int
    died_at: int
    destination: str
    reason: str
    attempts: int
    event: str
    user: str
    message_id: str
    position: int


class Revived(Struct, frozen=True):
    """Letters that are pending again."""

    rows: Mapping[str, Sequence[Parked]]
    """The new parked rows by destination, without their copies."""
    unknown: Sequence[int] = ()
    """Ids of which there is no letter, or that can be revived at no destination."""

    @property
    def count(self) -> int:
        """How many letters were revived."""
        return sum(len(rows) for rows in self.rows.values())


class DeadLetters(ABC):
    """Part of the storage contract (`router.storage.store`)."""

    @abstractmethod
    async def find(
        self, wanted: LetterQuery, *, limit: int, beyond: int | None = None, newest_first: bool = True
    ) -> list[LetterLine]:
        """One page of letters in the order of their ids, the first behind the id `beyond`."""

    @abstractmethod
    async def count(self, wanted: LetterQuery) -> int:
        """How many letters match."""

    @abstractmethod
    async def read(self, ids: Sequence[int]) -> list[DeadLetter]:
        """The whole letters, those of them that are there."""

    @abstractmethod
    async def revive(self, ids: Sequence[int], *, now: int) -> Revived:
        """Make events pending again, in one transaction, at most `SLICE` of them.

        Each letter goes, is not counted as dead any more but as revived, leaves an outcome record `revived`, and
        becomes a parked row that is due at `now` (milliseconds) and keeps a copy of its event.
        """

    @abstractmethod
    async def drop(self, ids: Sequence[int]) -> int:
        """Forget letters, at most `SLICE`; their events stay counted as dead. Returns how many there were."""


class _Facts(Struct):
    """What is looked up in an event or a call, whatever else it holds; customers may have sent anything."""

    type: str = ""
    event: object = None
    user: object = msgspec.field(name="userId", default=None)
    anonymous: object = msgspec.field(name="anonymousId", default=None)


_facts = msgspec.json.Decoder(_Facts).decode


def line_of(letter: DeadLetter) -> LetterLine:
    """The line of a letter."""
    try:
        facts = _facts(letter.event)
    except msgspec.MsgspecError:  # a letter is listed, whatever became of its event
        facts = _Facts()
    name = facts.event if facts.type == "track" else facts.type
    return LetterLine(
        id=letter.id,
        died_at=letter.died_at,
        destination=letter.destination,
        reason=letter.reason,
        attempts=letter.attempts,
        event=str(name or ""),
        user=str(facts.user or facts.anonymous or ""),
        message_id=letter.message_id,
        position=letter.position,
    )


def revived_row(letter: DeadLetter, *, now: int, store_id: bytes) -> Parked | None:
    """The parked row of a letter's event, with its copy; None where the letter is not of a destination's event.

    It begins anew: its age counts from `now`, and so do its attempts.
    """
    if letter.position < 0:
        return None
    try:
        event = decode_event(letter.event)
        attach(event, unpack(letter.profile))
    except msgspec.MsgspecError:
        return None
    received = parse_instant(event.received_at)
    envelope = Envelope(
        letter.position, letter.source, event, letter.first_tried_at if received is None else received
    )
    return Parked(
        position=letter.position,
        attempts=0,
        first_tried_at=now,
        due_at=now,
        reason=letter.reason,
        keys=order_keys(event),
        kept=encode_segment(letter.position, [envelope], store_id=store_id),
    )
