"""The timekeeper: who is due is named in an entry of the inbox, and a profile that stays due holds up nobody."""

import asyncio
from collections.abc import Sequence
from typing import Any

import msgspec

from router.errors import StoreUnavailable
from router.identity.timekeeper import MOST_AT_ONCE, Timekeeper
from router.rules.request import Received, read_entry
from router.storage.entry import Entry
from router.storage.inbox import Inbox, Kept
from router.storage.memory.profiles import MemoryProfiles
from router.storage.memory.store import MemoryStorage


class Due(MemoryProfiles):
    """Profiles of whom a test says who is due."""

    def __init__(self, ids: Sequence[str]) -> None:
        super().__init__()
        self.ids = list(ids)

    async def due(self, now: int, limit: int) -> list[str]:
        return self.ids[:limit]


class Rig:
    """A timekeeper, and an inbox that is processed at once."""

    def __init__(self, *ids: str, stuck: Sequence[str] = (), is_needed: bool = True) -> None:
        self.profiles = Due([*stuck, *ids])
        self.stuck = set(stuck)
        self.named: list[list[str]] = []
        self.slept: list[float] = []
        self.inbox = Inbox(MemoryStorage(), read_entry)
        self.failing = 0
        self.needed = asyncio.Event()
        if is_needed:
            self.needed.set()
        self.keeper = Timekeeper(
            self.profiles,
            self.inbox,
            self.accept,
            needed=self.needed,
            now=lambda: 1,
            sleep=self.sleep,
        )

    async def accept(self, entry: Entry, received: Received) -> None:
        if self.failing:
            self.failing -= 1
            raise StoreUnavailable("the disk is away")
        [call] = received.calls
        properties: Any = msgspec.json.decode(call.properties)  # type: ignore[union-attr]
        self.named.append(properties["profiles"])
        done = set(self.named[-1]) - self.stuck
        self.profiles.ids = [one for one in self.profiles.ids if one not in done]
        self.inbox.keep(Kept(self.inbox.next, entry, received))
        self.inbox.processed(self.inbox.next)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if len(self.slept) > 2:
            raise InterruptedError


async def test_nobody_is_asked_where_nothing_is_computed() -> None:
    rig = Rig("a", is_needed=False)

    await rig.keeper.look()

    assert rig.named == []


async def test_everybody_whose_time_has_come_is_named_once() -> None:
    ids = [f"p{number}" for number in range(2 * MOST_AT_ONCE + 1)]
    rig = Rig(*ids)

    await rig.keeper.look()

    assert [len(one) for one in rig.named] == [MOST_AT_ONCE, MOST_AT_ONCE, 1]
    assert [one for batch in rig.named for one in batch] == ids


async def test_profiles_that_stay_due_hold_up_nobody() -> None:
    stuck = [f"s{number}" for number in range(MOST_AT_ONCE)]
    rig = Rig("a", "b", stuck=stuck)

    await rig.keeper.look()

    assert rig.named == [stuck, ["a", "b"]]


async def test_a_store_in_trouble_is_asked_again_later() -> None:
    rig = Rig("a")
    rig.failing = 1

    try:
        await rig.keeper.run()
    except InterruptedError:
        pass

    assert rig.named == [["a"]]
    assert rig.slept == [5.0, 5.0, 5.0]


async def test_it_begins_when_the_first_rule_is_added() -> None:
    rig = Rig("a", is_needed=False)

    async def add() -> None:
        assert (rig.named, rig.slept) == ([], [])
        rig.needed.set()

    await asyncio.gather(rig.keeper.run(), add(), return_exceptions=True)

    assert rig.named == [["a"]]
