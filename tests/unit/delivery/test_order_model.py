"""Whatever fails in between: for each user the order at the sink is the stream's, and every event has an end."""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from router.errors import Rejected, RetryLater, Unauthorized
from router.events.calls import AnyEvent, Identify, Track
from router.plugins.destination import Destination
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching, Concurrency, Retry
from router.plugins.settings import Duration, Settings
from tests.flow.delivery.rig import Rig, envelope, policies


class NoSettings(Settings, frozen=True):
    """None."""


class Sink:
    """What arrived, and what happens next: a choice for every call, and events that always fail in their way."""

    def __init__(self, random: Random, trouble: float, bad: dict[str, str]) -> None:
        self.random = random
        self.trouble = trouble
        self.bad = bad
        self.arrived: list[AnyEvent] = []

    async def take(self, events: Sequence[AnyEvent]) -> list[Outcome] | None:
        """Take events, or fail."""
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)
        for event in events:
            match self.bad.get(event.message_id):
                case "refused":
                    raise Rejected("refused")
                case "failing":
                    raise RetryLater("failing")
                case "breaking":
                    raise KeyError("breaking")
        if self.random.random() < self.trouble:
            return self._trouble(events)
        self.arrived += events
        return None

    def _trouble(self, events: Sequence[AnyEvent]) -> list[Outcome]:
        match self.random.randrange(4):
            case 0:
                raise RetryLater("down")
            case 1:
                raise Unauthorized("who are you")
            case 2:
                raise ConnectionResetError("gone")
        outcomes, left_out = [], set()
        for event in events:  # a service that leaves out an event leaves out the later ones of that user too
            if event.user_id in left_out or self.random.random() < 0.3:
                left_out.add(event.user_id)
                outcomes.append(Outcome.retry("busy"))
            else:
                self.arrived.append(event)
                outcomes.append(Outcome.delivered())
        return outcomes


def destination(sink: Sink) -> Destination[NoSettings, Track | Identify]:
    """A destination in front of the sink."""

    class Fickle(Destination[NoSettings, Track | Identify]):
        """Fails as the sink says."""

        kind = "fickle"

        async def deliver(self, events: Sequence[Track | Identify]) -> Sequence[Outcome] | None:
            """Take events."""
            return await sink.take(events)

    return Fickle(NoSettings(), name="crm")


async def play(
    seed: int, *, users: int, size: int, at_once: int, trouble: float, bad: dict[str, str], kills: int
) -> Rig:
    random = Random(seed)
    sink = Sink(random, trouble, bad)
    one = Rig(
        lambda: destination(sink),
        policies(
            batching=Batching(max_events=size),
            concurrency=Concurrency(initial=at_once, max=at_once),
            retry=Retry(give_up=Duration(3600)),
        ),
        uniform=random.uniform,
    )
    one.start()
    total = 0
    try:
        for _ in range(kills + 1):
            for _ in range(6):
                count = random.randrange(1, 8)
                one.publish(*[envelope(total + n, f"u{random.randrange(users)}") for n in range(count)])
                total += count
                for _ in range(random.randrange(20)):
                    await asyncio.sleep(0)
                if random.random() < 0.5 and one.clock.next_due is not None:
                    one.clock.advance(random.uniform(0, 3))
            if kills:
                kills -= 1
                await one.kill()
                one.start()
        one.clock.advance(1)
        await one.until(lambda: one.store.ended == total, step=5, timeout=30)
        await one.stop()
    finally:
        await one.kill()
        await one.http.close()

    first_seen: dict[str | None, list[int]] = defaultdict(list)
    for event in sink.arrived:
        position = int(event.message_id[1:])
        if position not in first_seen[event.user_id]:
            first_seen[event.user_id].append(position)
    for positions in first_seen.values():
        assert positions == sorted(positions)
    arrived = {event.message_id for event in sink.arrived}
    dead = {letter.message_id for letter in one.store.letters}
    assert arrived | dead == {f"m{n}" for n in range(total)}
    assert dead <= arrived | set(bad) or trouble
    assert one.store.accepted == total
    assert one.store.cursor.floor == total
    assert not one.store.parked
    return one


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    seed=st.integers(0, 2**32),
    users=st.integers(1, 6),
    size=st.integers(1, 9),
    at_once=st.integers(1, 4),
    trouble=st.sampled_from([0.0, 0.2, 0.6]),
    bad=st.dictionaries(
        st.integers(0, 40).map(lambda n: f"m{n}"),
        st.sampled_from(["refused", "failing", "breaking"]),
        max_size=4,
    ),
    kills=st.integers(0, 2),
)
def test_order_per_user_and_conservation_hold_whatever_fails(
    seed: int, users: int, size: int, at_once: int, trouble: float, bad: dict[str, str], kills: int
) -> None:
    asyncio.run(play(seed, users=users, size=size, at_once=at_once, trouble=trouble, bad=bad, kills=kills))
