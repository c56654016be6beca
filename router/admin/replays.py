"""Replays: what can be asked of them, and who answers, with and without a running router."""

import math
from collections.abc import Callable
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from router.admin.verbs import Desk, Nothing, Verb
from router.replay.keeper import Replays, Wanted
from router.replay.preview import Piece, look
from router.replay.report import Report, read_reports
from router.replay.target import Target
from router.storage.store import Storage

SECONDS = 1.0
"""So long a running router looks at a time."""


class Move(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to become of a replay."""

    number: int
    to: Literal["pause", "resume", "cancel"]


class Look(Struct, frozen=True, forbid_unknown_fields=True):
    """A piece of a look at what would be replayed."""

    wanted: Wanted
    position: int | None = None
    """Where the piece begins; None for the first."""


BEGIN_REPLAY: Verb[Wanted, Report] = Verb("begin_replay", Wanted, Report)
MOVE_REPLAY: Verb[Move, Report] = Verb("move_replay", Move, Report)
LIST_REPLAYS: Verb[Nothing, list[Report]] = Verb("list_replays", Nothing, list[Report])
LOOK_AT_REPLAY: Verb[Look, Piece] = Verb("look_at_replay", Look, Piece)


Hide = Callable[[str, str], str]
"""Takes the secrets of a destination, named first, out of a text that is shown."""


def answer_replays(desk: Desk, replays: Replays, storage: Storage, *, hide: Hide) -> None:
    """Have `desk` answer for a running router."""

    async def move(move: Move) -> Report:
        moves = {"pause": replays.pause, "resume": replays.resume, "cancel": replays.cancel}
        return await moves[move.to](move.number)

    async def reports(_: Nothing) -> list[Report]:
        return await replays.reports()

    desk.on(BEGIN_REPLAY, replays.begin)
    desk.on(MOVE_REPLAY, move)
    desk.on(LIST_REPLAYS, reports)
    answer_looks(desk, storage, replays.target, hide=hide, seconds=SECONDS)


def answer_replays_at_rest(desk: Desk, storage: Storage) -> None:
    """Have `desk` answer what can be answered from the store alone."""

    async def reports(_: Nothing) -> list[Report]:
        return await read_reports(storage)

    desk.on(LIST_REPLAYS, reports)


def answer_looks(
    desk: Desk,
    storage: Storage,
    target: Callable[[str], Target],
    *,
    hide: Hide,
    seconds: float = math.inf,
) -> None:
    """Have `desk` say what a replay would send; where nobody else is served, in one go."""

    async def piece(asked: Look) -> Piece:
        to = asked.wanted.to
        found = await look(storage, target(to), asked.wanted, position=asked.position, seconds=seconds)
        return replace(found, samples=[hide(to, sample) for sample in found.samples])

    desk.on(LOOK_AT_REPLAY, piece)
