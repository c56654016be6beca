"""Delivery on both stores, whatever happens in whatever order: nothing is lost, nothing overtakes, the sums agree."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from router.events.calls import Alias, AnyEvent, Identify, Track, decode_event
from router.events.envelope import Envelope, order_keys
from router.plugins.policies import Batching, Concurrency, Policies, Retry
from router.plugins.settings import Duration
from tests.model.bench import Bench, MemoryStores, SqliteStores, Stores
from tests.model.service import FAULTS, MOODS, Fickle, FickleDatabase, Service

AT = 1_900_000_000_000
STAMP = "2030-03-17T17:46:40.000Z"
MOST_PARKED = 10_000
GIVE_UP = 300.0
USERS = ("u0", "u1", "u2")
ANONYMOUS = ("a0", "a1", None)

who = st.tuples(
    st.sampled_from(("track", "identify", "alias")), st.sampled_from(USERS), st.sampled_from(ANONYMOUS)
)


class DeliveryMachine(RuleBasedStateMachine):
    """The model: a list of events, what is wrong with which, and what the service saw."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(dir="/dev/shm" if Path("/dev/shm").is_dir() else None))
        self.events: list[AnyEvent] = []
        self.service = Service()
        self.bench: Bench

    def stores(self) -> Stores:
        """The stores under test."""
        return MemoryStores()

    @initialize(
        kind=st.sampled_from((Fickle, FickleDatabase)),
        ordering=st.sampled_from(("per_user", "none")),
        size=st.integers(1, 6),
        at_once=st.integers(1, 3),
        timeout=st.sampled_from((0.5, 10.0)),
    )
    def begin(self, kind: Any, ordering: Any, size: int, at_once: int, timeout: float) -> None:
        """Start a router's worth of delivery."""
        make = type("Wired", (kind,), {"service": self.service, "__doc__": kind.__doc__})
        self.ordering = ordering
        self.most = size * at_once
        policies = Policies(
            batching=Batching(max_events=size),
            concurrency=Concurrency(initial=at_once, max=at_once),
            retry=Retry(give_up=Duration(GIVE_UP), timeout=Duration(timeout)),
            ordering=ordering,
        )
        self.bench = Bench(self.stores(), make, policies, self.service)

    # --- rules ----------------------------------------------------------------------------------------

    @rule(members=st.lists(who, min_size=1, max_size=8), fault=st.sampled_from((None, None, None, *FAULTS)))
    def append(self, members: list[tuple[str, str, str | None]], fault: str | None) -> None:
        """Events come; the first of them may be one that never works."""
        first = len(self.events)
        envelopes = [
            Envelope(first + index, "website", _event(first + index, *member), AT)
            for index, member in enumerate(members)
        ]
        self.events += [one.event for one in envelopes]
        if fault is not None:
            self.service.faults[f"m{first}"] = fault
        self.bench.append(envelopes)

    @rule(seconds=st.sampled_from((0.0, 0.005, 0.02, 1.0, 40.0, 400.0)))
    def wait(self, seconds: float) -> None:
        """Time passes."""
        self.bench.wait(seconds)

    @rule(mood=st.sampled_from(MOODS))
    def change_mood(self, mood: str) -> None:
        """The service feels different."""
        self.service.mood = mood

    @rule(seconds=st.floats(-7200, 7200))
    def set_clock(self, seconds: float) -> None:
        """Somebody sets the machine's clock."""
        self.bench.clock.skew += seconds

    @rule(is_failing=st.booleans())
    def disk(self, is_failing: bool) -> None:
        """Settling begins or ends to fail."""
        self.bench.stores.fail(is_failing)

    @rule()
    def crash_actor(self) -> None:
        """The actor crashes and is run again."""
        self.bench.crash_actor()

    @rule()
    def crash(self) -> None:
        """The process is killed and started again."""
        self._restarts(self.bench.crash)

    @rule()
    def restart(self) -> None:
        """The process is stopped and started again."""
        self._restarts(self.bench.restart)

    def _restarts(self, restart: Any) -> None:
        """What was settled before is not sent after."""
        restart()
        state = self.bench.state()
        parked = {row.position for row in state.parked}
        self.settled = {
            f"m{n}" for n in range(len(self.events)) if state.cursor.is_complete(n) and n not in parked
        }
        self.seen_before = len(self.service.arrived)

    # --- what must hold -------------------------------------------------------------------------------

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def sums_agree(self) -> None:
        """Every event of the stream is counted once, with its end or as pending."""
        balance = self.bench.balance
        assert balance.missing == 0, str(balance)
        assert balance.accepted == len(self.events), str(balance)

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def nothing_overtakes(self) -> None:
        """Events that share a key arrived first in the order of the stream."""
        if self.ordering != "per_user":
            return
        latest: dict[str, int] = {}
        for one in dict.fromkeys(self.service.arrived):
            position = int(one[1:])
            for key in order_keys(self.events[position]):
                assert latest.get(key, -1) <= position, f"{one} arrived behind m{latest[key]}"
                latest[key] = position

    @precondition(lambda self: hasattr(self, "bench"))
    @invariant()
    def bounds_hold(self) -> None:
        """What is parked and what is on its way is bounded, and the actor lives."""
        status = self.bench.actor.status
        assert status.parked < MOST_PARKED
        assert status.in_flight <= self.most + 1, "a probe may come on top"
        assert self.bench.failure is None

    @precondition(lambda self: hasattr(self, "settled"))
    @invariant()
    def settled_stays_settled(self) -> None:
        """Nothing comes again that was settled when the process started."""
        again = self.settled.intersection(self.service.arrived[self.seen_before :])
        assert not again

    def teardown(self) -> None:
        """All is well at last: everything meets its end."""
        if hasattr(self, "bench"):
            try:
                self._drain()
            finally:
                self.bench.close()
        shutil.rmtree(self.folder)

    def _drain(self) -> None:
        self.service.mood = "ok"
        self.bench.stores.fail(False)
        for _ in range(200):
            self.bench.wait(60.0)
            if self.bench.balance.pending == 0:
                break
        balance = self.bench.balance
        letters = self.bench.last_letters()
        assert balance.pending == 0, f"{balance}; {self.bench.actor.status}; {letters}"
        self.sums_agree()
        self.nothing_overtakes()
        arrived, dead = set(self.service.arrived), self.bench.letters()
        assert arrived | dead == {f"m{n}" for n in range(len(self.events))}
        for one, fault in self.service.faults.items():
            assert one not in arrived or fault == "breaking" or one in dead


class SqliteDeliveryMachine(DeliveryMachine):
    """The same on the real file."""

    def stores(self) -> Stores:
        """A file in a folder of its own."""
        return SqliteStores(self.folder)


def _event(position: int, kind: str, user: str, anonymous: str | None) -> AnyEvent:
    common: dict[str, Any] = {
        "message_id": f"m{position}",
        "user_id": user,
        "anonymous_id": anonymous,
        "received_at": STAMP,
        "timestamp": STAMP,
    }
    event: AnyEvent
    match kind:
        case "track":
            event = Track(event="Moved", **common)
        case "identify":
            event = Identify(**common)
        case _:
            event = Alias(previous_id=anonymous or "a0", **common)
    return decode_event(event.json)


def _walks(examples: int, steps: int) -> settings:
    """Without shrinking: that takes minutes, and a walk is short enough to be read."""
    return settings(
        phases=(Phase.explicit, Phase.reuse, Phase.generate),
        max_examples=examples,
        stateful_step_count=steps,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


class TestInMemory(DeliveryMachine.TestCase):  # type: ignore[misc,name-defined]
    settings = _walks(6, 25)


@pytest.mark.slow
class TestInMemoryAtLength(DeliveryMachine.TestCase):  # type: ignore[misc,name-defined]
    settings = _walks(60, 40)


@pytest.mark.slow
@pytest.mark.timeout(300)
class TestOnSqlite(SqliteDeliveryMachine.TestCase):  # type: ignore[misc,name-defined]
    settings = _walks(40, 40)
