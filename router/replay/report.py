"""How a replay stands, for operators: what is kept of it, and what only who runs it can say."""

from collections.abc import Callable

from msgspec import Struct

from router.delivery.ledger import passed
from router.storage.replays import Replay
from router.storage.store import Storage
from router.telemetry.conservation import OUTCOMES


class Standing(Struct, frozen=True):
    """A replay's state in one word, and why."""

    status: str
    """`running`, `queued`, `waiting`, `paused`, `done` or `cancelled`."""
    why: str = ""
    """What it waits for."""

    def __str__(self) -> str:
        return f"{self.status}: {self.why}" if self.why else self.status


class Report(Struct, frozen=True):
    """One replay."""

    replay: Replay
    standing: Standing
    passed: int
    """Positions of its span that it has dealt with."""
    counts: list[tuple[str, str, int]]
    """Outcome, reason and number; each event is in one of them."""
    parked: int
    """Events that wait alone for another attempt."""

    def count(self, outcome: str) -> int:
        """Events that met this end."""
        return sum(number for name, _, number in self.counts if name == outcome)


def at_rest(replay: Replay) -> Standing:
    """The standing of a replay where no router runs."""
    if replay.state == "running":
        return Standing("waiting", "no router runs")
    return Standing(replay.state)


async def read_reports(storage: Storage, standing: Callable[[Replay], Standing] = at_rest) -> list[Report]:
    """Every replay, the newest first."""
    states = {state.name: state for state in await storage.destinations()}
    counters = await storage.counters()
    reports = []
    for replay in reversed(await storage.replays.all()):
        state = states[replay.name]
        counts = [
            (name[0], name[2] if len(name) > 2 else "", number)
            for name, number in sorted(counters.items())
            if name[0] in OUTCOMES and name[1] == replay.name
        ]
        done = passed(state.cursor) - replay.first
        reports.append(Report(replay, standing(replay), done, counts, len(state.parked)))
    return reports
