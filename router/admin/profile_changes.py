"""The log of changes of the identity graph for operators: a page at a time, and waiting for the next entry."""

import asyncio
from collections.abc import Sequence

from msgspec import Struct

from router.admin.verbs import Desk, Verb
from router.storage.profile_changes import Change
from router.storage.profile_follower import MOST_CHANGES, ProfileLog, oldest

MOST_SECONDS = 2.0


class AskChanges(Struct, frozen=True, forbid_unknown_fields=True):
    """Asks for entries of the log."""

    number: int | None = None
    """The first one; by default the oldest that is kept."""
    is_from_now: bool = False
    """Whether only entries that come from now on are meant, where no number is given."""
    seconds: float = 0.0
    """How long to wait where there is none yet."""


class Changes(Struct, frozen=True):
    """Some entries."""

    next: int
    """The number to ask for next."""
    changes: Sequence[Change]
    gone: tuple[int, int] | None = None
    """Numbers from and up to (exclusive) of entries that were asked for, and are not kept any more."""
    is_end: bool = False
    """Whether that is all, for now."""


CHANGES: Verb[AskChanges, Changes] = Verb("profile_changes", AskChanges, Changes)


def answer_changes(desk: Desk, log: ProfileLog) -> None:
    """Have `desk` answer from `log`."""

    async def changes(asked: AskChanges) -> Changes:
        number = asked.number
        if number is None:
            number = await log.profiles.next_change() if asked.is_from_now else await oldest(log)
        if asked.seconds > 0:
            try:
                async with asyncio.timeout(min(asked.seconds, MOST_SECONDS)):
                    await log.wait_beyond(number)
            except TimeoutError:
                return Changes(number, (), is_end=True)
        found = await log.read(max(0, number), limit=MOST_CHANGES)
        is_end = found.after >= await log.profiles.next_change()
        return Changes(found.after, found.changes, found.gone, is_end)

    desk.on(CHANGES, changes)
