"""What a seed decides before anything happens: who sends, who receives, and what goes wrong when."""

import random
from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.plugins.policies import Batching, Concurrency, Policies, Rate, Retry
from router.plugins.settings import Duration
from tests.simulation.destinations import SHAPES
from tests.simulation.disk import POINTS
from tests.simulation.network import MOODS, Spell

STEADY = "steady"
"""The destination that is always well: nothing that happens to the others may slow it."""
MOST_SKEW = 7200.0


class Happening(Struct, frozen=True):
    """Something that happens to the process, its disk or its clock."""

    at: float
    what: str
    """`kill`, `kill_at` (a point of a turn), `stop`, `clock`, `disk` or `disk_well`."""
    point: str = ""
    count: int = 0
    amount: float = 0.0


class Adviser(Struct, frozen=True):
    """A service that the insert function of a destination asks about each event."""

    together: bool = False
    """Whether it is asked about all events of a batch at once."""
    spells: tuple[Spell, ...] = ()
    refuses: float = 0.0
    """The share of events that it answers 400 to."""
    drops: float = 0.0
    """The share of events that the function drops after the answer."""


class Receiver(Struct, frozen=True):
    """A destination and its service."""

    name: str
    shape: str
    policies: Policies
    sources: frozenset[str] | None
    spells: tuple[Spell, ...] = ()
    most_events: int | None = None
    refuses: float = 0.0
    """The share of events that the service refuses for ever."""
    hates: float = 0.0
    """The share of events at which the service fails until it is healed."""
    breaks: float = 0.0
    """The share of events at which the plugin breaks."""
    adviser: Adviser | None = None


class Plan(Struct, frozen=True):
    """One seed's world."""

    seed: int
    seconds: float
    """How long clients send and things go wrong; then everything heals."""
    clients: int
    users: int
    pace: float
    """Mean seconds between two requests of a client."""
    slowest: float
    """Most seconds that the disk takes for one thing."""
    forgives: bool
    """Whether healed services take the events that they hated."""
    retention: float
    receivers: tuple[Receiver, ...]
    happenings: tuple[Happening, ...]
    shop: tuple[Spell, ...] | None = None
    """How the service feels that a webhook source asks about each request; None where no vendor sends any."""


def make_plan(seed: int) -> Plan:
    """The plan of a seed."""
    chance = random.Random(f"plan {seed}")
    seconds = chance.choice((3.0, 6.0, 12.0))
    names = ["crm", "mail", "ads"][: chance.randint(1, 3)]
    forgives = chance.random() < 0.5
    plan = Plan(
        seed=seed,
        seconds=seconds,
        clients=chance.randint(1, 3),
        users=chance.randint(1, 4),
        pace=chance.choice((0.2, 0.5, 1.0)),
        slowest=chance.choice((0.0005, 0.005, 0.03)),
        forgives=forgives,
        retention=chance.choice((1.0, 86_400.0)),
        receivers=(_steady(), *[_receiver(name, chance, seconds, forgives=forgives) for name in names]),
        happenings=_happenings(chance, seconds),
    )
    asking = random.Random(f"asking {seed}")
    steady, *receivers = plan.receivers
    vending = random.Random(f"vending {seed}")
    return replace(
        plan,
        receivers=(steady, *[replace(one, adviser=_adviser(asking, seconds)) for one in receivers]),
        shop=_spells(vending, seconds) if vending.random() < 0.4 else None,
    )


def _steady() -> Receiver:
    return Receiver(STEADY, "plain", Policies(batching=Batching(max_events=50)), None)


def _receiver(name: str, chance: random.Random, seconds: float, *, forgives: bool) -> Receiver:
    at_once = chance.randint(1, 4)
    hates = chance.choice((0.0, 0.0, 0.02, 0.1))
    breaks = chance.choice((0.0, 0.0, 0.0, 0.05))
    is_hopeless = breaks > 0 or (hates > 0 and not forgives)  # then the end of the world waits for giving up
    policies = Policies(
        batching=Batching(
            max_events=chance.choice((1, 2, 5, 20)), max_wait=Duration(chance.choice((0, 0, 0.5)))
        ),
        rate=Rate(20) if chance.random() < 0.1 else None,
        concurrency=Concurrency(initial=chance.randint(1, at_once), max=at_once),
        retry=Retry(
            first=Duration(0.5),
            max=Duration(chance.choice((5, 30))),
            give_up=Duration(chance.choice((30, 300) if is_hopeless else (30, 300, 86_400))),
            timeout=Duration(chance.choice((1, 10))),
        ),
        ordering="none" if chance.random() < 0.2 else "per_user",
    )
    spells = _spells(chance, seconds)
    return Receiver(
        name=name,
        shape=chance.choice(tuple(SHAPES)),
        policies=policies,
        sources=frozenset({"app"}) if chance.random() < 0.2 else None,
        spells=spells,
        most_events=chance.choice((None, None, 3)),
        refuses=chance.choice((0.0, 0.0, 0.02, 0.2)),
        hates=hates,
        breaks=breaks,
    )


def _spells(chance: random.Random, seconds: float) -> tuple[Spell, ...]:
    spells = []
    for _ in range(chance.randint(0, 3)):
        begin = chance.uniform(0, seconds)
        length = chance.choice((1.0, 5.0, seconds, 120.0))
        share = chance.choice((0.3, 0.8, 1.0, 1.0))
        spells.append(Spell(begin, begin + length, chance.choice(MOODS), share))
    return tuple(spells)


def _adviser(chance: random.Random, seconds: float) -> Adviser | None:
    if chance.random() < 0.6:
        return None
    return Adviser(
        together=chance.random() < 0.4,
        spells=_spells(chance, seconds),
        refuses=chance.choice((0.0, 0.02, 0.2)),
        drops=chance.choice((0.0, 0.1, 0.5)),
    )


def _happenings(chance: random.Random, seconds: float) -> tuple[Happening, ...]:
    found: list[Happening] = []
    for _ in range(chance.choice((0, 1, 1, 2, 3, 4))):
        at = chance.uniform(0.0, seconds)
        what = chance.choice(("kill", "kill", "kill_at", "kill_at", "stop"))
        found.append(Happening(at, what, chance.choice((*POINTS, "committed")), chance.randrange(12)))
    skew = 0.0
    for _ in range(chance.choice((0, 0, 1, 2))):
        target = chance.uniform(-MOST_SKEW, MOST_SKEW)
        found.append(Happening(chance.uniform(0.0, seconds), "clock", amount=target - skew))
        skew = target
    if chance.random() < 0.4:
        begin = chance.uniform(0.0, seconds)
        point = chance.choice(("", "", *POINTS))
        found.append(Happening(begin, "disk", point, chance.randrange(2)))
        found.append(Happening(begin + chance.choice((0.2, 3.0, 20.0)), "disk_well"))
    return tuple(sorted(found, key=_when))


def _when(happening: Happening) -> float:
    return happening.at


def kinds(receivers: Sequence[Receiver]) -> set[str]:
    """Which shapes are needed."""
    return {receiver.shape for receiver in receivers}
