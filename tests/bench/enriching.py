"""What enrichments cost: each on values that are remembered, and three of them in a whole router."""

import gc
import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec
from msgspec import Raw

from router.enrichment.answers import Answers
from router.enrichment.enriching import Enriching
from router.enrichment.processing import Aside
from router.events.calls import AnyEvent, Track
from router.plugins.registry import Registry
from tests.bench.events import browser_context
from tests.bench.figure import ROUNDS, Figure
from tests.bench.pipeline import beside_plain

EVENTS = 20_000
KINDS = ("geo", "user_agent", "campaign")
VISITORS, AGAIN = 499, 40


async def enrichment_figures(folder: Path) -> list[Figure]:
    """Each beside another, then the pipeline without and with three."""
    pace = _pace()
    return [
        _beside("geo", "user_agent", pace),
        _beside("user_agent", "geo", pace),
        _repeated(pace),
        await beside_plain(
            folder, "enriched", "CPU per delivered browser event with three enrichments / without", 1.3
        ),
    ]


def _beside(kind: str, other: str, pace: str) -> Figure:
    """The answer to a value that is known, and how much dearer that makes the step, in contexts that are all new."""
    events = _events(lambda number: (number % VISITORS, f"/p/{number}"))
    both, alone = _step(kind, other), _step(other)
    found = [_cost(both, events) - _cost(alone, events) for _ in range(ROUNDS)]
    detail = f"with the splice {statistics.median(found):.2f} µs; {pace}"
    answer = statistics.median(_cost_of_answers(kind, events) for _ in range(ROUNDS))
    return Figure(f"CPU of {kind}, value remembered", answer, 0.3, "µs", detail=detail)


def _cost_of_answers(kind: str, events: Sequence[AnyEvent]) -> float:
    answers = _answers(kind)
    members = [msgspec.json.decode(event.context_json, type=dict[str, Raw]) for event in events[:VISITORS]]
    for one in members:
        answers.find(one)
    started = time.process_time()
    for _ in range(AGAIN):
        for one in members:
            answers.find(one)
    return (time.process_time() - started) / (AGAIN * VISITORS) * 1e6


def _repeated(pace: str) -> Figure:
    """Contexts that come again, as those of one page do."""
    events = _events(lambda number: (number % VISITORS, f"/p/{number % VISITORS}"))
    step = _step(*KINDS)
    found = statistics.median(_cost(step, events) for _ in range(ROUNDS))
    return Figure("CPU of three enrichments, context remembered", found, 2.0, "µs", detail=pace)


def _pace() -> str:
    """What the machine takes now for something that everybody knows."""
    context = browser_context(1, "/p/1")
    started = time.process_time()
    for _ in range(EVENTS):
        msgspec.json.decode(context)
    return f"decoding such a context takes {(time.process_time() - started) / EVENTS * 1e6:.2f} µs"


def _step(*kinds: str) -> Enriching:
    return Enriching([_answers(kind) for kind in kinds])


def _answers(kind: str) -> Answers:
    offered = Registry.load().enrichments[kind]
    return Answers(offered(offered.settings_type()()), failed=lambda *fault: None)


def _events(visit: Callable[[int], tuple[int, str]]) -> list[AnyEvent]:
    at = "2030-05-01T10:00:00.000Z"
    return [
        Track(
            event="A",
            message_id=str(number),
            received_at=at,
            timestamp=at,
            context_json=Raw(browser_context(*visit(number))),
        )
        for number in range(EVENTS)
    ]


def _cost(step: Enriching, events: Sequence[AnyEvent]) -> float:
    aside = Aside("bench", 0)
    for event in events[:2000]:
        step(event, aside)
    gc.collect()
    started = time.process_time()
    for event in events[2000:]:
        step(event, aside)
    return (time.process_time() - started) / (len(events) - 2000) * 1e6
