"""Dead letters for operators: see them, send them again, forget them; a slice at a time, so that no step is long."""

from collections.abc import Awaitable, Callable, Mapping, Sequence, Set
from typing import Protocol

import msgspec
from msgspec import Struct

from router.admin.verbs import Desk, Verb
from router.ingestion.webhook_rows import is_lane, put_in_again, source_of
from router.rules.again import sent_again
from router.rules.request import Received, read_entry
from router.storage.dead_letters import SLICE, LetterLine, LetterQuery
from router.storage.entry import Entry
from router.storage.letters import PIPELINE, DeadLetter, Parked
from router.storage.replays import is_replay
from router.storage.store import Storage

MOST_WAITING = 5_000
"""While so many events of a destination wait alone, no dead letter joins them: twice as many would pause it."""


class ListLetters(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for one page."""

    query: LetterQuery = LetterQuery()
    limit: int = 50
    beyond: int | None = None
    """The id of the last line of the page before."""
    newest_first: bool = True
    is_counted: bool = True
    """Whether the answer says how many there are on all pages."""


class Letters(Struct, frozen=True):
    """A page of letters."""

    lines: Sequence[LetterLine]
    total: int
    """How many there are on all pages; 0 where that was not asked."""


class LetterIds(Struct, frozen=True, forbid_unknown_fields=True):
    """Names letters."""

    ids: Sequence[int]
    configured: Sequence[str] = ()
    """The destinations of the configuration, and `source NAME` for its sources; a running router knows its own."""


class Shown(Struct, frozen=True):
    """The letters that are there, whole."""

    letters: Sequence[DeadLetter]


class Refused(Struct, frozen=True):
    """A letter that was not sent again, and what helps."""

    id: int
    why: str


class Retried(Struct, frozen=True):
    """What became of letters that were to be sent again."""

    done: int
    """How many are on their way."""
    refused: Sequence[Refused] = ()
    waiting: Sequence[int] = ()
    """Letters that stay for now: so many others of their destination are on their way already."""


class Dropped(Struct, frozen=True):
    """How many letters were forgotten."""

    done: int


LIST: Verb[ListLetters, Letters] = Verb("dead_list", ListLetters, Letters)
SHOW: Verb[LetterIds, Shown] = Verb("dead_show", LetterIds, Shown)
RETRY: Verb[LetterIds, Retried] = Verb("dead_retry", LetterIds, Retried)
DROP: Verb[LetterIds, Dropped] = Verb("dead_drop", LetterIds, Dropped)


class Revives(Protocol):
    """A destination at work."""

    def revive(self, rows: Sequence[Parked]) -> None:
        """Take events that the store has just parked."""


class Looks(Protocol):
    """Who works off a lane of the side log."""

    def look(self) -> None:
        """Something new waits for it."""


Accept = Callable[[Entry, Received], Awaitable[None]]


def answer_dead(
    desk: Desk,
    storage: Storage,
    *,
    now: Callable[[], int],
    destinations: Callable[[], Mapping[str, Revives]] | None = None,
    accept: Accept | None = None,
    lanes: Callable[[], Mapping[str, Looks]] | None = None,
) -> None:
    """Have `desk` answer for `storage`. A running router gives its `destinations`, takes calls by `accept`, and has
    those who work off `lanes` of the side log look for what was put in again."""

    async def find(asked: ListLetters) -> Letters:
        lines = await storage.letters.find(
            asked.query, limit=asked.limit, beyond=asked.beyond, newest_first=asked.newest_first
        )
        return Letters(lines, await storage.letters.count(asked.query) if asked.is_counted else 0)

    async def show(asked: LetterIds) -> Shown:
        return Shown(await storage.letters.read(asked.ids[:SLICE]))

    async def retry(asked: LetterIds) -> Retried:
        running = destinations() if destinations is not None else {}
        known = running.keys() if destinations is not None else set(asked.configured)
        takers = set(asked.configured) if lanes is None else lanes().keys()
        letters = await storage.letters.read(asked.ids[:SLICE])
        parked = {one.name: one.parked for one in (await storage.books()).destinations}
        found = {letter.id for letter in letters}
        refused = [Refused(one, "there is no such letter") for one in asked.ids[:SLICE] if one not in found]
        revivable: list[int] = []
        waiting: list[int] = []
        done = 0
        for letter in letters:
            name = letter.destination
            if name == PIPELINE:
                if why := await _send_again(letter):
                    refused.append(Refused(letter.id, why))
                else:
                    done += 1
            elif is_lane(name):
                if why := await _put_in_again(letter, takers):
                    refused.append(Refused(letter.id, why))
                else:
                    done += 1
            elif name not in known:
                remedy = (
                    "replay it again" if is_replay(name) else f"add [destinations.{name}] again, or drop it"
                )
                refused.append(
                    Refused(letter.id, f"destination {name!r} is not configured any more; {remedy}")
                )
            elif parked.get(name, 0) >= MOST_WAITING:
                waiting.append(letter.id)
            else:
                revivable.append(letter.id)
        revived = await storage.letters.revive(revivable, now=now())
        for name, rows in revived.rows.items():
            if name in running:
                running[name].revive(rows)
        refused += [Refused(one, "its event cannot be read; drop it") for one in revived.unknown]
        return Retried(done + revived.count, refused, waiting)

    async def _send_again(letter: DeadLetter) -> str:
        """Put a call that failed in processing into the inbox again; why that cannot be, or nothing."""
        if not letter.entry:
            return "its request was not kept; have it sent again by its source"
        entry = sent_again(msgspec.msgpack.decode(letter.entry, type=Entry), now())
        if accept is not None:
            await accept(entry, read_entry(entry))
        else:
            await storage.append([entry], {})
        await storage.letters.drop([letter.id])
        return ""

    async def _put_in_again(letter: DeadLetter, takers: Set[str]) -> str:
        """Have a vendor's request, or a diverted event, run once more; why that cannot be, or nothing."""
        lane = letter.destination
        if lane not in takers and (lanes is not None or source_of(lane) is not None):
            section = f"[sources.{source_of(lane)}]" if source_of(lane) else "the section"
            return f"nobody works for {lane} any more; add {section} again, or drop it"
        try:
            entry = put_in_again(letter)
        except msgspec.MsgspecError:
            return "its request cannot be read; drop it"
        if not await storage.side_log.revive(letter, entry):
            return "there is no such letter"
        if lanes is not None:
            lanes()[lane].look()
        return ""

    async def drop(asked: LetterIds) -> Dropped:
        return Dropped(await storage.letters.drop(asked.ids))

    desk.on(LIST, find)
    desk.on(SHOW, show)
    desk.on(RETRY, retry)
    desk.on(DROP, drop)
