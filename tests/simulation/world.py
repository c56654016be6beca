"""Plays one seed: lives of a router on one disk, until everything has healed and drained, then asks for the verdict."""

import asyncio
import hashlib
import random
import sqlite3
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from msgspec import Struct

from router.app import Router
from router.config.identity import IdentityConfig
from router.config.model import Config, DestinationConfig, SourceConfig, TransformationConfig
from router.errors import StorageError
from router.plugins.registry import Registry
from router.storage.sqlite.store import SqliteStorage
from router.telemetry.conservation import Conservation, all_sums
from router.telemetry.happenings import ActorRestarted, EventsDied, EventsGivenUp, SegmentSetAside
from router.telemetry.signals import Signal, Signals
from tests.simulation.chronicle import Chronicle
from tests.simulation.client import Client
from tests.simulation.clock import WorldClock
from tests.simulation.destinations import Advice, AdviceSettings, ServiceSettings, shape
from tests.simulation.disk import POINTS, Disk, broken, full, new_file
from tests.simulation.loop import RunsInCircles, StandsStill, VirtualLoop
from tests.simulation.network import Network, Service
from tests.simulation.plan import Adviser, Happening, Plan, Receiver, make_plan
from tests.simulation.vendor import SHOP, Shop, Vendor

DRAIN_SECONDS = 3 * 3600.0
"""So long after the healing everything must have met an end: more than the longest wait of a parked event."""
STOP_SECONDS = 20.0
MOST_LIVES = 40


class Life(Struct):
    """One run of the process."""

    begin: float
    end: float = 0.0
    how: str = ""


class World:
    """One seed. `play` returns what is wrong, which should be nothing."""

    def __init__(self, seed: int, *, path: Path, template: Path, plan: Plan | None = None) -> None:
        self.plan = plan or make_plan(seed)
        self.trace: list[tuple[float, str, tuple[object, ...]]] = []
        """Every happening, in order."""
        self.problems: list[str] = []
        self.chronicle = Chronicle()
        self.lives: list[Life] = []
        self.troubles: list[tuple[float, float]] = []
        """When the disk was not well."""
        self.services = {one.name: _service(one, seed) for one in self.plan.receivers}
        self.services |= {
            adviser_of(one.name): _advice(one.name, one.adviser, seed)
            for one in self.plan.receivers
            if one.adviser is not None
        }
        self.clients = [
            Client(
                number,
                users=self.plan.users,
                pace=self.plan.pace,
                chance=random.Random(f"{seed} client {number}"),
            )
            for number in range(self.plan.clients)
        ]
        self.vendor: Vendor | None = None
        if self.plan.shop is not None:
            self.services[SHOP] = Service(SHOP)
            self.services[SHOP].spells = self.plan.shop
            self.vendor = Vendor(pace=self.plan.pace, chance=random.Random(f"{seed} vendor"))
        self.died: set[tuple[str, int]] = set()
        """Destinations that gave events up, and the lives in which they did."""
        self.balance: list[Conservation] = []
        self.ends: dict[str, list[tuple[str, str]]] = {}
        """For each destination, what became of each position, and why."""
        self._seed = seed
        self._path = path
        self._clock = WorldClock()
        self._coming = deque(self.plan.happenings)
        self._disk_error: Happening | None = None
        self._healed = False
        self._is_dead = False
        self._over = False
        new_file(template, path)

    @property
    def fingerprint(self) -> str:
        """A hash of everything that happened."""
        return hashlib.sha256(repr(self.trace).encode()).hexdigest()

    def play(self) -> list[str]:
        """Play the seed to its end."""
        now = 0.0
        while not self._over:
            if len(self.lives) >= MOST_LIVES:
                self.problems.append(f"{MOST_LIVES} lives and no end")
                break
            loop = VirtualLoop(now)
            asyncio.set_event_loop(loop)
            try:
                now = self._live(loop)
            except (StandsStill, RunsInCircles) as error:
                self.problems.append(f"{type(error).__name__}: {error}")
                break
            finally:
                asyncio.set_event_loop(None)
                loop.close()
        return self.problems

    def tell(self, what: str, *facts: object) -> None:
        """Write down what happened; the dead say nothing."""
        if not self._is_dead:
            self.trace.append((round(asyncio.get_running_loop().time(), 6), what, facts))

    def _live(self, loop: VirtualLoop) -> float:
        """One life of the process; returns when the next one begins."""
        number = len(self.lives)
        chance = random.Random(f"{self._seed} life {number}")
        random.seed(chance.random())  # the engine's own jitter
        life = Life(loop.time())
        self.lives.append(life)
        self._is_dead = False
        self.chronicle.life = number
        disk = Disk(self._path, chance, slowest=self.plan.slowest)
        self._apply_disk(disk)
        network = Network(self.services, life=number, chance=chance, tell=self.tell)
        signals = Signals()
        signals.observe(self._look)
        storage = disk.storage(
            self.chronicle, signals=signals, clock=self._clock.time, retention=self.plan.retention
        )
        with disk.connected():
            loop.run(self._run(life, disk, network, storage, signals))
            life.end = loop.time() if not life.end else life.end
            self._is_dead = network.is_dead = True
            loop.run(_closed(storage))
        if life.how != "killed":  # the dead may fail as they like
            self.problems += [f"life {number}: {one}" for one in loop.complaints]
        return life.end + chance.uniform(0.1, 3.0)

    async def _run(
        self, life: Life, disk: Disk, network: Network, storage: SqliteStorage, signals: Signals
    ) -> None:
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[str] = loop.create_future()

        def end(how: str) -> None:
            if not ended.done():
                self.tell("life ends", how)
                life.end, life.how = loop.time(), how
                self._is_dead = network.is_dead = how == "killed"
                ended.set_result(how)
                if how == "killed":
                    disk.die()

        disk.killed = lambda: end("killed")
        async with asyncio.TaskGroup() as tasks:
            scope = [
                tasks.create_task(self._happen(disk, end), name="world"),
                tasks.create_task(self._serve(life, network, storage, signals, ended, end), name="router"),
            ]
            how = await ended
            if how != "killed":
                await asyncio.wait(scope[1:])
            for task in scope:
                task.cancel()

    async def _serve(
        self,
        life: Life,
        network: Network,
        storage: SqliteStorage,
        signals: Signals,
        ended: "asyncio.Future[str]",
        end: "object",
    ) -> None:
        """Start a router, let the clients talk to it, and stop it when it is asked to."""
        assert callable(end)
        loop = asyncio.get_running_loop()
        router = Router(
            self._config(network),
            registry=Registry(),
            signals=signals,
            clock=self._clock,
            storage=storage,
            http=network,
            doors=False,
        )
        self.tell("life begins", len(self.lives) - 1)
        try:
            await router.__aenter__()
        except StorageError as error:
            end(f"could not start: {type(error).__name__}")
            return
        router.failed.add_done_callback(lambda _: end("failed"))
        async with asyncio.TaskGroup() as tasks:
            clients = [
                tasks.create_task(
                    client.run(
                        router, until=self.plan.seconds, tell=self.tell, is_dead=lambda: self._is_dead
                    ),
                    name=f"client {number}",
                )
                for number, client in enumerate(self.clients)
            ]
            if self.vendor is not None:
                vending = self.vendor.run(
                    router, until=self.plan.seconds, tell=self.tell, is_dead=lambda: self._is_dead
                )
                clients.append(tasks.create_task(vending, name="vendor"))
            finish = tasks.create_task(self._finish(router, clients, end), name="finish")
            await ended
            for task in (*clients, finish):
                task.cancel()
        begin = loop.time()
        if router.failure is not None:
            self.problems.append(f"the router failed: {router.failure}")
            return
        await router.__aexit__(None, None, None)
        life.end = loop.time()
        self.tell("router stopped")
        if loop.time() - begin > STOP_SECONDS:
            self.problems.append(f"stopping took {loop.time() - begin:.1f} s")

    async def _finish(self, router: Router, clients: "list[asyncio.Task[None]]", end: "object") -> None:
        """When the clients are done and all has healed: drain, look at the books, end."""
        assert callable(end)
        loop = asyncio.get_running_loop()
        await asyncio.gather(*clients)
        while self._coming or loop.time() < self.plan.seconds:
            await asyncio.sleep(0.5)
        if not self._healed:
            self._healed = True
            self.tell("everything heals")
            for service in self.services.values():
                service.heal()
                if self.plan.forgives:
                    service.hated = frozenset()
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                while await router.storage.side_log.lanes():
                    await asyncio.sleep(1.0)
                await router.drained()
        except TimeoutError:
            status = {name: actor.status for name, actor in router.destinations.items()}
            self.problems.append(f"not drained after {DRAIN_SECONDS:.0f} s: {status}")
        self.tell("drained")
        storage = router.storage
        facts, states = await storage.facts(), await storage.destinations()
        self.balance = all_sums(await storage.books())
        for state in states:
            self.ends[state.name] = []
            for record in await storage.outcomes(state.name, 0, facts.stream_next):
                for run in record.runs:
                    self.ends[state.name] += [
                        (position, run.outcome, run.reason)  # type: ignore[misc]
                        for position in range(run.first, run.first + run.count)
                    ]
        self._over = True
        end("over")

    async def _happen(self, disk: Disk, end: "object") -> None:
        """Let happen what the plan says, at its time or, if the process was not there, at its start."""
        assert callable(end)
        loop = asyncio.get_running_loop()
        while self._coming:
            happening = self._coming[0]
            await asyncio.sleep(max(0.0, happening.at - loop.time()))
            self._coming.popleft()
            self.tell("happens", happening.what, happening.point, happening.amount)
            match happening.what:
                case "kill":
                    end("killed")
                case "stop":
                    end("stopped")
                case "kill_at":
                    disk.kill_at = (happening.point, happening.count)
                case "clock":
                    self._clock.skew += happening.amount
                case "disk" | "disk_well":
                    is_well = happening.what == "disk_well"
                    if is_well and self._disk_error is not None:
                        self.troubles[-1] = (self.troubles[-1][0], loop.time())
                    elif not is_well:
                        self.troubles.append((loop.time(), float("inf")))
                    self._disk_error = None if is_well else happening
                    self._apply_disk(disk)

    def _apply_disk(self, disk: Disk) -> None:
        error = self._disk_error
        disk.error = None if error is None else (full if error.count else broken)
        disk.failing = frozenset({error.point} if error is not None and error.point else POINTS)

    def _look(self, signal: Signal) -> None:
        facts = [getattr(signal, name) for name in signal.__struct_fields__]
        folder = f"{self._path.parent}/"  # another one each time
        facts = [fact.replace(folder, "") if isinstance(fact, str) else fact for fact in facts]
        self.tell(type(signal).__name__, *facts)
        if isinstance(signal, EventsDied):
            self.died.add((signal.destination, len(self.lives) - 1))
        if isinstance(signal, ActorRestarted | SegmentSetAside | EventsGivenUp) and not self._is_dead:
            self.problems.append(str(signal))

    def _config(self, network: Network) -> Config:
        sources = {name: SourceConfig(name=name, write_key=f"wk_{name}") for name in ("app", "website")}
        if self.vendor is not None:
            settings = ServiceSettings(service=SHOP)
            sources[SHOP] = SourceConfig(
                name=SHOP, write_key="wk_shop", kind=SHOP, cls=Shop, settings=settings
            )
        return Config(
            sources=sources,
            destinations={one.name: self._destination(one, network) for one in self.plan.receivers},
            identity=IdentityConfig(),
        )

    def _destination(self, receiver: Receiver, network: Network) -> DestinationConfig:
        ids = _marked(self.plan.seed, f"breaks {receiver.name}", receiver.breaks)
        return DestinationConfig(
            name=receiver.name,
            kind=receiver.shape,
            cls=shape(receiver.shape, network),
            sources=receiver.sources,
            settings=ServiceSettings(service=receiver.name, breaks_at=tuple(sorted(ids))),
            policies=receiver.policies,
            transformations=() if receiver.adviser is None else (self._asking(receiver, receiver.adviser),),
        )

    def _asking(self, receiver: Receiver, adviser: Adviser) -> TransformationConfig:
        settings = AdviceSettings(
            service=adviser_of(receiver.name),
            drops=dropped(receiver.name, adviser, self.plan.seed),
            together=adviser.together,
        )
        name = f"advice for {receiver.name}"
        return TransformationConfig(name=name, kind=Advice.kind, cls=Advice, settings=settings)


def adviser_of(receiver: str) -> str:
    """The name of the service that is asked about a receiver's events."""
    return f"advice-{receiver}"


def dropped(receiver: str, adviser: Adviser, seed: int) -> frozenset[str]:
    """The events that go no further once the adviser has answered."""
    return frozenset(_marked(seed, f"dropped for {receiver}", adviser.drops))


def _advice(receiver: str, adviser: Adviser, seed: int) -> Service:
    service = Service(adviser_of(receiver))
    service.spells = adviser.spells
    service.refused = frozenset(_marked(seed, f"not advised for {receiver}", adviser.refuses))
    return service


def _service(receiver: Receiver, seed: int) -> Service:
    service = Service(receiver.name)
    service.spells = receiver.spells
    service.most_events = receiver.most_events
    service.refused = frozenset(_marked(seed, f"refused by {receiver.name}", receiver.refuses))
    service.hated = frozenset(_marked(seed, f"hated by {receiver.name}", receiver.hates))
    return service


def _marked(seed: object, what: str, share: float) -> Iterable[str]:
    """Some of all message ids that clients may come to make."""
    chance = random.Random(f"{seed} {what}")
    ids = (f"c{client}-{n}" for client in range(3) for n in range(300))
    return [one for one in ids if chance.random() < share] if share else []


async def _closed(storage: SqliteStorage) -> None:
    """Let go of the files of a process that is gone."""
    try:
        await storage.close()
    except (StorageError, sqlite3.Error):
        pass
