"""A lane whose events keep the order of their users, against what that means: whoever fails, every event meets its end,
and before each later one that shares a key with it. The window is small, so that users are passed over all the time.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest

from router.actors.guard import Foreign
from router.events.diverted import NO_METADATA, Returned
from router.ingestion.divert_actor import DivertActor
from router.ingestion.webhook_actor import Failed
from router.plugins.source import Call
from router.rules.request import Limits, Received
from router.storage.entry import Entry
from router.storage.letters import DeadLetter
from router.storage.memory.dead_letters import MemoryDeadLetters
from router.storage.memory.side_log import MemorySideLog
from router.storage.side_log import DEAD, DONE, SideEntry
from router.telemetry.signals import Signals
from router.testing.clock import ManualClock

LANE = "function tier of website"
EVENTS = 60
TURNS = 30_000
"""So many times something may happen, before it counts as stuck."""


class SlowLog(MemorySideLog):
    """Answers after others had their turn, with what was there before."""

    async def read(self, lane: str, *, beyond: int, limit: int) -> list[SideEntry]:
        """Entries behind an id."""
        found = await super().read(lane, beyond=beyond, limit=limit)
        for _ in range(5):
            await asyncio.sleep(0)
        return found


class Lane:
    """A lane with its actor, whose function fails at random: for the users in `hot` mostly, for others seldom."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.hot = [f"hot{number}" for number in range(self.chance.choice((1, 2, 3)))]
        self.counts: Counter[tuple[str, ...]] = Counter()
        self.log = SlowLog(self.counts.update, MemoryDeadLetters(lambda letter, parked, limit: True))
        self.keys: list[Sequence[str]] = []
        self.ended: list[int] = []
        self.clock = ManualClock()
        self.actor = DivertActor(
            "website",
            LANE,
            plugin=Foreign("transformation tier", "function", ""),
            log=self.log,
            attempt=self.attempt,
            letter=self.letter,
            close=lambda: None,
            accept=self.accept,
            count=lambda name, amount: None,
            limits=Limits,
            now=self.clock.now,
            later=self.clock.call_later,
            sleep=self.clock.sleep,
            signals=Signals(),
            keys=lambda entry: entry.data.decode().split(),
            moved=lambda: None,
        )

    async def put(self) -> None:
        """One more event, of one user or of two who become one."""
        is_hot = self.chance.random() < 0.6
        keys = [self.chance.choice(self.hot) if is_hot else f"user{self.chance.randrange(6)}"]
        if self.chance.random() < 0.2:
            keys.append(f"device{self.chance.randrange(4)}")
        self.keys.append(keys)
        await self.log.put(SideEntry(lane=LANE, received_at=0, data=" ".join(keys).encode()))
        self.actor.look()

    async def attempt(self, entry: SideEntry) -> Sequence[Call] | Failed:
        """Let the function take its time, and fail or not."""
        for _ in range(self.chance.randrange(4)):
            await asyncio.sleep(0)
        fails = 0.7 if entry.data.startswith(b"hot") else 0.05
        if self.chance.random() < fails:
            return Failed("BUSY", "", is_final=self.chance.random() < 0.1)
        back = Returned(source="website", step="tier", message_id=str(entry.id), before=NO_METADATA)
        return [msgspec.json.encode(back)]

    async def accept(self, entry: Entry, received: Received) -> None:
        """An event came back."""
        await asyncio.sleep(0)
        self.ended.append(int(received.calls[0].message_id or 0))

    def letter(self, entry: SideEntry, failed: Failed) -> DeadLetter:
        """The letter of an event, which is used if it is given up."""
        if failed.is_final:
            self.ended.append(entry.id)
        return DeadLetter(LANE, -1, str(entry.id), failed.code, entry.attempts, 0, 0, b"{}")

    async def play(self) -> None:
        """Put all events, some while others are worked on, until each met its end."""
        for _ in range(EVENTS // 2):
            await self.put()
        running = asyncio.create_task(self.actor.run())
        for turn in range(TURNS):
            if len(self.keys) < EVENTS and self.chance.random() < 0.3:
                await self.put()
            await asyncio.sleep(0)
            if turn % 20 == 0:
                self.clock.advance(self.chance.choice((0.5, 5, 300)))
            if len(self.ended) >= EVENTS and not await self.log.lanes():
                break
        assert not running.done()
        running.cancel()


@pytest.mark.parametrize("seed", range(40))
async def test_each_event_meets_its_end_once_and_in_the_order_of_its_users(
    seed: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("router.ingestion.divert_actor.AHEAD", 8)
    monkeypatch.setattr("router.ingestion.divert_actor.SLICE_ENTRIES", 1)
    monkeypatch.setattr("router.ingestion.divert_actor.GIVE_UP_SECONDS", 1e9)
    lane = Lane(seed)
    await lane.play()

    assert sorted(lane.ended) == list(range(1, EVENTS + 1))
    assert lane.counts[DONE, LANE] + lane.counts[DEAD, LANE, "BUSY"] == EVENTS
    at = {number: place for place, number in enumerate(lane.ended)}
    latest: dict[str, int] = {}
    for number, keys in enumerate(lane.keys, 1):
        for key in keys:
            assert at[latest.get(key, number)] <= at[number]
            latest[key] = number
