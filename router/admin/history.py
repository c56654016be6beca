"""The verb `history`: how many events took which step of the pipeline, over time."""

from collections.abc import Callable

from msgspec import Struct

from router.admin.verbs import Desk, Verb
from router.storage.history import GRAINS, Granularity, Range, check_range, finest
from router.storage.store import Storage
from router.telemetry.steps import StepName, step_of


class AskHistory(Struct, frozen=True, forbid_unknown_fields=True):
    """A range of time, in milliseconds since the epoch."""

    first: int
    after: int | None = None
    """The end, which is not part of it; by default now."""
    granularity: Granularity | None = None
    """By default the finest that answers for the range."""
    source: str = ""
    """Only this source; empty for all."""
    destination: str = ""
    """Only this destination; empty for all."""


class Line(Struct, frozen=True):
    """One step of one source or destination, for one reason."""

    name: StepName
    total: int
    points: list[int]
    """One number for each bucket of the range."""


class Told(Struct, frozen=True):
    """What happened in a range."""

    granularity: Granularity
    first: int
    """When the first bucket begins."""
    width: int
    """How long a bucket is, in milliseconds."""
    lines: list[Line]


HISTORY: Verb[AskHistory, Told] = Verb("history", AskHistory, Told)


def answer_history(desk: Desk, storage: Storage, *, now: Callable[[], int]) -> None:
    """Have `desk` answer for `storage`."""

    async def history(asked: AskHistory) -> Told:
        at = now()
        after = at if asked.after is None else asked.after
        granularity = asked.granularity or finest(asked.first, after, at)
        wanted = Range(granularity, asked.first, after)
        check_range(wanted, at)
        starts = wanted.starts
        sums: dict[StepName, list[int]] = {}
        for counter, buckets in (await storage.history.read(wanted)).items():
            name = step_of(counter)
            if name is None or not _is_asked(name, asked):
                continue
            points = sums.setdefault(name, [0] * len(starts))
            for start, amount in buckets.items():
                points[starts.index(start)] += amount
        lines = [Line(name, sum(points), points) for name, points in sorted(sums.items())]
        return Told(granularity, starts.start, GRAINS[granularity].width, lines)

    desk.on(HISTORY, history)


def _is_asked(name: StepName, asked: AskHistory) -> bool:
    if not asked.source and not asked.destination:
        return True
    return bool(
        (asked.source and name.source == asked.source)
        or (asked.destination and name.destination == asked.destination)
    )
