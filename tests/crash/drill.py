"""Kill a busy router again and again, and count: nothing that was answered 200 may be missing.

    python -m tests.crash.drill --kills 1000

Clients post batches without pause and write down the ids of what was answered 200; a webhook writes down what
arrived. The router is killed with -9, half of the times at a random moment and half of the times at a signal of
the walk (accepted, committed, delivered, settled, …), and started again on the same store. At the end everything
that was acknowledged must have arrived, in order for every user, and duplicates are counted.
"""

import argparse
import asyncio
import itertools
import random
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

import aiohttp
import msgspec
from aiohttp import web
from rich.progress import Progress

from tests.crash.process import RouterProcess

WALK = (
    "StoreOpened",
    "RouterStarted",
    "EntriesAccepted",
    "BatchCommitted",
    "BatchDelivered",
    "CursorMoved",
)
CLIENTS = 8
USERS = 40
BATCH = 20
LIFE_SECONDS = (0.0, 0.6)
"""How long a life lasts after the door answered, when the kill is a random one."""
LONGEST_LIFE = 3.0


class Ledger:
    """What was acknowledged and what arrived."""

    def __init__(self) -> None:
        self.acknowledged = 0
        self.missing: set[str] = set()
        """Acknowledged and not arrived."""
        self.arrivals: Counter[str] = Counter()
        self.order: dict[str, list[int]] = defaultdict(list)
        self.arrived = asyncio.Event()

    def acknowledge(self, ids: Iterable[str]) -> None:
        """Write down what was answered 200."""
        for message_id in ids:
            self.acknowledged += 1
            if message_id not in self.arrivals:
                self.missing.add(message_id)

    def arrive(self, body: bytes) -> None:
        """Write down a webhook body."""
        decoded = msgspec.json.decode(body)
        for event in decoded if isinstance(decoded, list) else [decoded]:
            if not self.arrivals[event["messageId"]]:
                self.order[event["userId"]].append(event["properties"]["n"])
            self.arrivals[event["messageId"]] += 1
            self.missing.discard(event["messageId"])
        self.arrived.set()

    @property
    def duplicates(self) -> int:
        """Arrivals beyond the first."""
        return sum(self.arrivals.values()) - len(self.arrivals)

    @property
    def disordered(self) -> list[str]:
        """Users whose acknowledged events did not first arrive in the order in which they were sent."""
        return [user for user, seen in self.order.items() if seen != sorted(seen)]


class Client:
    """Posts batches for users of its own, one after the other: a batch is repeated until it is answered 200."""

    def __init__(self, number: int, url: str, ledger: Ledger) -> None:
        self.number = number
        self.url = url
        self.ledger = ledger
        self.serial = itertools.count()

    async def run(self, session: aiohttp.ClientSession) -> None:
        """Post until cancelled."""
        while True:
            body, ids = self._batch()
            while not await self._post(session, body):
                await asyncio.sleep(0.02)
            self.ledger.acknowledge(ids)

    def _batch(self) -> tuple[bytes, list[str]]:
        members, ids = [], []
        for _ in range(BATCH):
            n = next(self.serial)
            ids.append(f"c{self.number}-{n}")
            members.append(
                {
                    "type": "track",
                    "event": "Drill",
                    "userId": f"u{self.number}-{n % (USERS // CLIENTS)}",
                    "messageId": ids[-1],
                    "properties": {"n": n},
                }
            )
        return msgspec.json.encode({"writeKey": "wk_drill", "batch": members}), ids

    async def _post(self, session: aiohttp.ClientSession, body: bytes) -> bool:
        try:
            async with session.post(self.url + "/v1/batch", data=body) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError, OSError):
            return False


async def drill(kills: int, *, seed: int, folder: Path, show: bool = False) -> Ledger:
    """Kill the router `kills` times; return the ledger after everything that was acknowledged had time to arrive."""
    chance = random.Random(seed)
    ledger = Ledger()
    sink, sink_url = await _serve(ledger)
    router = RouterProcess(folder, sink_url)
    timeout = aiohttp.ClientTimeout(total=5)
    async with aiohttp.ClientSession(timeout=timeout) as session, asyncio.TaskGroup() as tasks:
        clients = [tasks.create_task(Client(n, router.url, ledger).run(session)) for n in range(CLIENTS)]
        try:
            with Progress(disable=not show) as progress:
                for number in progress.track(range(kills), description="kills"):
                    await _live_and_die(router, chance, number)
            await router.start()
        finally:
            for client in clients:
                client.cancel()
        await _settle(ledger)
    await router.terminate()
    router.close()
    await sink.cleanup()
    return ledger


async def _live_and_die(router: RouterProcess, chance: random.Random, number: int) -> None:
    if number % 2:
        signal = chance.choice(WALK)
        await router.start(KILL_AT=f"{signal}:{1 if signal in WALK[:2] else chance.randint(1, 8)}")
        try:
            await asyncio.wait_for(router.ended(), LONGEST_LIFE)
        except TimeoutError:
            pass  # the signal did not come that often; the kill below ends this life
    else:
        await router.start()
        await asyncio.sleep(chance.uniform(*LIFE_SECONDS))
    await router.kill()


async def _settle(ledger: Ledger) -> None:
    """Wait until nothing is missing, or until nothing arrived for ten seconds."""
    try:
        while ledger.missing:
            ledger.arrived.clear()
            await asyncio.wait_for(ledger.arrived.wait(), 10)
    except TimeoutError:
        pass


async def _serve(ledger: Ledger) -> tuple[web.AppRunner, str]:
    async def hook(request: web.Request) -> web.Response:
        ledger.arrive(await request.read())
        return web.Response()

    application = web.Application(client_max_size=64 << 20)
    application.router.add_post("/hook", hook)
    runner = web.AppRunner(application)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    return runner, f"http://{host}:{port}/hook"


def report(ledger: Ledger, kills: int) -> str:
    """The result in one line for people and for logs."""
    return (
        f"{kills} kills: {ledger.acknowledged} events acknowledged, {len(ledger.missing)} missing, "
        f"{ledger.duplicates} duplicates, {len(ledger.disordered)} users out of order"
    )


def main() -> int:
    """Run the drill from the command line; exit 1 when something acknowledged is missing or out of order."""
    parser = argparse.ArgumentParser(description="Kill a busy router and count what is lost.")
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder:
        ledger = asyncio.run(drill(options.kills, seed=options.seed, folder=Path(folder), show=True))
    print(report(ledger, options.kills))
    return 1 if ledger.missing or ledger.disordered else 0


if __name__ == "__main__":
    sys.exit(main())
