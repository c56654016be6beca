"""Where one event is, at every stage of its way."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from router.admin.verbs import Desk
from router.admin.where import WHERE, AskWhere, At, Where, answer_where
from router.app import Router
from router.config.load import load
from router.delivery.parking import Parking
from router.storage.cursor import Cursor
from router.storage.dead_letters import LetterQuery
from router.storage.letters import DeadLetter, Parked
from router.storage.memory.store import MemoryStorage
from router.storage.outcome import OutcomeRecord, Run
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Settlement, Storage
from router.telemetry.happenings import DestinationPaused
from router.testing.fake_http import FakeHttp, Reply
from router.testing.running import Running, running
from tests.contract.storage.samples import delivered, fill

HOME = ("default",)


async def where(storage: Storage, message_id: str, workspaces: Sequence[str] = HOME, **options: Any) -> Where:
    desk = Desk()
    answer_where(desk, storage, **options)
    return await desk.ask(WHERE, AskWhere(message_id, workspaces))


def at(found: Where, destination: str) -> At:
    return next(one for one in found.found[0].destinations if one.destination == destination)


@pytest.fixture
async def store() -> MemoryStorage:
    """A store with twenty events `m0` to `m19` of seven users, and a destination `crm`."""
    store = MemoryStorage(store_id=bytes(16))
    await store.born("crm", "hook", None)
    await fill(store, 20)
    return store


async def test_an_event_says_what_rules_saw_of_its_profile() -> None:
    async with running({"identity": {"snapshot": ["plan"]}}) as rig:
        await rig.router.identify(user_id="u1", traits={"plan": "gold"})
        await rig.router.track("Signed Up", user_id="u1", message_id="m1")
        await rig.router.identify(user_id="u1", traits={"plan": "free"})
        await rig.drained()
        [event] = (await where(rig.router.storage, "m1")).found

    assert event.profile.startswith("use_")
    assert bytes(event.traits) == b'{"plan":"gold"}'


async def test_an_event_that_was_delivered() -> None:
    async with running() as rig:
        await rig.router.track("Signed Up", user_id="u1", message_id="m1")
        await rig.drained()
        found = await where(rig.router.storage, "m1")

    [event] = found.found
    assert (event.position, event.source, event.type, event.name, event.user) == (
        0, "embedded", "track", "Signed Up", "u1",
    )  # fmt: skip
    assert event.is_kept
    assert event.received_at > 0
    [collect] = event.destinations
    assert (collect.destination, collect.kind, collect.state) == ("collect", "collect", "delivered")
    assert [(one.outcome, one.attempts) for one in collect.history] == [("delivered", 1)]


async def test_an_id_that_nobody_sent() -> None:
    async with running() as rig:
        found = await where(rig.router.storage, "nobody")

    assert (list(found.waiting), list(found.found), list(found.failed), found.is_whole) == ([], [], [], True)


@pytest.mark.parametrize("odd", ["", "a" * 10_000, "\x00", "' OR 1=1 --", "m%", "ü"])
async def test_an_odd_id_is_only_not_found(store: MemoryStorage, odd: str) -> None:
    assert not (await where(store, odd)).found


async def test_an_event_in_two_workspaces_is_told_for_each() -> None:
    sources = {"web": {"write_key": "a"}, "shop": {"write_key": "b", "workspace": "shop"}}
    async with running({"sources": sources}) as rig:
        for source in ("web", "shop"):
            await rig.router.track("E", user_id="u1", message_id="m1", source=source)
        await rig.drained()
        both = await where(rig.router.storage, "m1", ("default", "shop"))
        one = await where(rig.router.storage, "m1", ("shop",))

    assert [(event.workspace, event.source) for event in both.found] == [("default", "web"), ("shop", "shop")]
    assert [event.source for event in one.found] == ["shop"]


async def test_a_call_that_is_not_processed_yet(tmp_path: Path) -> None:
    config = {
        "server": {"port": 0},
        "storage": {"path": str(tmp_path / "router.db"), "free_floor": 0, "ballast": 0},
        "sources": {"web": {"write_key": "a"}},
    }
    async with Router(load(config), processes=False) as router:
        await router.track("E", user_id="u1", message_id="m0")
        await router.track("E", user_id="u1", message_id="m1")
        await router.track("E", user_id="u1", message_id="m1")
        found = await where(router.storage, "m1")

    assert [(one.position, one.source, one.door, one.duplicate_of) for one in found.waiting] == [
        (1, "embedded", "embedded", None),
        (2, "embedded", "embedded", 1),
    ]


async def test_an_event_that_waits_knows_how_many_come_before(store: MemoryStorage) -> None:
    await store.settle([Settlement("crm", Cursor(5, ((8, 10),)), None, {})])

    crm = at(await where(store, "m12"), "crm")

    assert (crm.state, crm.before) == ("pending", 5)  # 5, 6, 7, 10 and 11


async def test_an_event_behind_a_parked_one_of_its_user_says_so(store: MemoryStorage) -> None:
    row = Parked(5, 2, 1_000, 9_000, "500", ("uu5",))
    await store.settle([Settlement("crm", Cursor(6), None, {}, park=[row])])

    assert at(await where(store, "m12"), "crm").behind == 5
    assert at(await where(store, "m13"), "crm").behind is None


async def test_a_parked_event_says_when_it_is_tried_next(store: MemoryStorage) -> None:
    row = Parked(5, 2, 1_000, 9_000, "500", ("uu5",))
    await store.settle([Settlement("crm", Cursor(6), None, {}, park=[row])])

    crm = at(await where(store, "m5"), "crm")

    assert (crm.state, crm.reason, crm.attempts, crm.first_tried_at, crm.due_at) == (
        "parked", "500", 2, 1_000, 9_000,
    )  # fmt: skip


async def test_an_event_that_a_destination_does_not_get_says_why(store: MemoryStorage) -> None:
    await store.born("late", "hook", None)
    runs = (Run(3, 1, "filtered", "UNSUPPORTED_EVENT_TYPE", 0),)
    await store.settle([Settlement("crm", Cursor(20), OutcomeRecord(7_000, runs), {})])

    filtered, passed = await where(store, "m3"), await where(store, "m4")

    assert at(filtered, "crm").state == "filtered"
    assert at(filtered, "crm").history[0].reason == "UNSUPPORTED_EVENT_TYPE"
    assert at(passed, "crm").state == "not_connected"
    assert at(passed, "late").state == "before_birth"


async def test_a_destination_that_pauses_says_why() -> None:
    async with FakeHttp() as service:
        service.default = Reply(status=503)
        crm = {"kind": "webhook", "settings": {"url": service.url}}
        async with running({"destinations": {"crm": crm}}) as rig:
            paused = rig.signals.wait_for(DestinationPaused)
            await rig.router.track("E", user_id="u1", message_id="m1")
            await paused
            statuses = {name: actor.status for name, actor in rig.router.destinations.items()}
            found = await where(rig.router.storage, "m1", statuses=lambda: statuses)

    assert (at(found, "crm").state, at(found, "crm").paused) == ("pending", "503")


async def test_an_event_that_died_names_its_letter(store: MemoryStorage) -> None:
    letter = DeadLetter("crm", 3, "m3", "400", 1, 10, 7_000, b"{}")
    runs = (Run(3, 1, "dead", "400"),)
    await store.settle([Settlement("crm", Cursor(20), OutcomeRecord(7_000, runs), {}, dead_letters=[letter])])
    [line] = await store.letters.find(LetterQuery(), limit=1)

    assert (at(await where(store, "m3"), "crm").state, at(await where(store, "m3"), "crm").letter) == (
        "dead", line.id,
    )  # fmt: skip
    await store.letters.drop([line.id])
    assert (at(await where(store, "m3"), "crm").state, at(await where(store, "m3"), "crm").letter) == (
        "dead",
        0,
    )


async def test_an_event_whose_segment_is_gone_is_told_from_what_is_left(tmp_path: Path) -> None:
    store = SqliteStorage(
        path=tmp_path / "router.db", free_floor=0, ballast_bytes=0, retention=1, dedupe_window=60
    )
    await store.open()
    store._store_id = bytes(16)  # as the samples have it
    await store.born("crm", "hook", None)
    await fill(store, 20, at=1_000)
    letter = DeadLetter("crm", 3, "m3", "400", 1, 10, 9_000, b'{"type":"track","event":"E","userId":"u3"}')
    await store.settle([Settlement("crm", Cursor(20), None, {}, dead_letters=[letter])])
    await fill(store, 1, at=10_000)
    await store.trim()

    found, other = await where(store, "m3"), await where(store, "m4")
    await store.close()

    [event] = found.found
    assert (event.position, event.is_kept, event.name, event.user) == (3, False, "E", "u3")
    assert [one.state for one in event.destinations] == ["dead"]
    assert [(one.position, one.is_kept) for one in other.found] == [(4, False)]
    assert at(other, "crm").state == "forgotten"


async def test_the_outcome_is_known_longer_than_the_event(tmp_path: Path) -> None:
    store = SqliteStorage(
        path=tmp_path / "router.db", free_floor=0, ballast_bytes=0, retention=1, dedupe_window=60
    )
    await store.open()
    store._store_id = bytes(16)  # as the samples have it
    await store.born("crm", "hook", None)
    await fill(store, 20, at=1_000)
    await store.settle(
        [replace(delivered("crm", 0, 20), record=OutcomeRecord(9_500, (Run(0, 20, "delivered"),)))]
    )
    await fill(store, 1, at=10_000)
    await store.trim()

    found = await where(store, "m3")
    await store.close()

    assert not found.found[0].is_kept
    assert at(found, "crm").state == "delivered"


def test_the_barrier_that_is_told_is_the_one_that_delivery_keeps() -> None:
    row = Parked(5, 2, 1_000, 9_000, "500", ("uu5",))
    parking = Parking([row], give_up=60, now=0, uniform=lambda low, high: low)

    assert parking.blocks(12, ("uu5",))
    assert not parking.blocks(4, ("uu5",))


async def test_a_running_router_and_its_store_tell_the_same(tmp_path: Path) -> None:
    rig = Running({}, tmp_path, None)
    await rig.start()
    await rig.router.track("E", user_id="u1", message_id="m1")
    await rig.drained()
    during = await where(rig.router.storage, "m1")
    await rig.stop()
    storage = SqliteStorage(path=tmp_path / "router.db", free_floor=0, ballast_bytes=0)
    await storage.open()

    assert await where(storage, "m1") == during
    await storage.close()
