"""A sum of conservation that does not hold is an alarm (operations 16)."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from router.storage.books import Books, Standing
from router.storage.cursor import Cursor
from router.telemetry.audit import EVERY_SECONDS, Audit
from router.telemetry.conservation import STREAM, all_sums
from router.telemetry.happenings import ConservationBroken, ConservationRestored
from router.telemetry.logs import level_of
from router.telemetry.signals import Signal, Signals
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp, Reply
from router.testing.running import Running, running

WHOLE = Books(
    10, 0, 10, ((("accepted", "crm"), 10), (("delivered", "crm"), 10)), (Standing("crm", 0, Cursor(10), 0),)
)
SHORT = Books(10, 0, 10, ((("accepted", "crm"), 10), (("delivered", "crm"), 7)), WHOLE.destinations)
SHORTER = Books(10, 0, 10, ((("accepted", "crm"), 10), (("delivered", "crm"), 6)), WHOLE.destinations)


class Heard:
    """An audit of given books, and what it says."""

    def __init__(self) -> None:
        self.books = WHOLE
        self.signals = Signals()
        self.all: list[Signal] = []
        self.signals.observe(self.all.append)
        self.audit = Audit(self._read, sleep=asyncio.sleep, signals=self.signals)

    async def look(self, books: Books) -> list[Signal]:
        self.books = books
        self.all.clear()
        await self.audit.look()
        return list(self.all)

    async def _read(self) -> Books:
        return self.books


async def test_operations_16_the_sums_hold_whatever_became_of_events() -> None:
    async with FakeHttp() as service:
        service.rule = lambda request: Reply(status=400) if b'"bad"' in request.body else None
        crm = {"kind": "webhook", "settings": {"url": service.url}}
        other = {"kind": "webhook", "settings": {"url": service.url}, "sources": ["website"]}
        async with running({"destinations": {"crm": crm, "other": other}}) as rig:
            for name in ("good", "bad", "good"):  # the last one is a duplicate
                await rig.router.track(name, user_id="u1", message_id=name)
            await rig.drained()
            sums = all_sums(await rig.router.storage.books())

    assert [one.missing for one in sums] == [0, 0, 0, 0]
    assert [str(one) for one in sums] == [
        "3 received = 2 in the stream + 1 duplicate",
        "2 accepted = 2 delivered + 0 pending",
        "2 accepted = 1 delivered + 1 dead + 0 pending",
        "0 accepted = 0 pending",
    ]


async def test_a_sum_that_breaks_is_told_once_for_each_change() -> None:
    heard = Heard()

    assert await heard.look(WHOLE) == []
    [broken] = await heard.look(SHORT)
    assert isinstance(broken, ConservationBroken)
    assert (broken.destination, broken.missing) == ("crm", 3)
    assert broken.sum == "10 accepted = 7 delivered + 0 pending"
    assert await heard.look(SHORT) == []
    assert [getattr(one, "missing", 0) for one in await heard.look(SHORTER)] == [4]
    assert await heard.look(WHOLE) == [ConservationRestored("crm")]
    assert heard.audit.troubles == []


def test_the_alarm_is_an_error_in_the_log() -> None:
    assert level_of(ConservationBroken("crm", 3, "10 = 7")) == "error"


@asynccontextmanager
async def tampered(folder: Path, name: tuple[str, ...], **options: Any) -> AsyncIterator[Running]:
    """A router on a store in which a counter was changed by hand while it was away."""
    rig = Running({}, folder, options.get("clock"))
    await rig.start()
    for number in range(3):
        await rig.router.track("E", user_id="u1", message_id=f"m{number}")
    await rig.router.track("E", user_id="u1", message_id="m0")
    await rig.drained()
    await rig.stop()
    encoded = msgspec.msgpack.encode(name)
    with sqlite3.connect(folder / "router.db") as database:
        changed = database.execute("UPDATE counters SET value = value - 1 WHERE name = ?", (encoded,))
        assert changed.rowcount == 1
    database.close()
    broken: list[Signal] = []
    rig.signals.observe(broken.append)
    await rig.start()
    try:
        if not any(isinstance(one, ConservationBroken) for one in broken):
            await rig.signals.wait_for(ConservationBroken)
        yield rig
    finally:
        await rig.stop()


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (
            ("delivered", "collect"),
            "destination collect: 3 accepted = 2 delivered + 0 pending leaves 1 unexplained",
        ),
        (("accepted", "collect"), "destination collect: 2 accepted = 3 delivered + 0 pending has 1 too many"),
        (("failed_on_ingest", "embedded", "duplicate"), "the stream: 4 received = 3 in the stream leaves 1"),
    ],
)
async def test_a_counter_that_was_changed_is_a_trouble_of_the_health(
    tmp_path: Path, name: tuple[str, ...], said: str
) -> None:
    async with (
        tampered(tmp_path, name) as rig,
        aiohttp.ClientSession() as session,
        session.get(rig.url + "/health") as answer,
    ):
        health = await answer.json()

    assert answer.status == 503
    assert health["troubles"][0].startswith(said)


async def test_a_counter_that_was_changed_shows_in_the_metrics(tmp_path: Path) -> None:
    async with (
        tampered(tmp_path, ("delivered", "collect")) as rig,
        aiohttp.ClientSession() as session,
        session.get(rig.url + "/metrics") as answer,
    ):
        text = await answer.text()

    assert 'router_unexplained_events{destination="collect"} 1.0' in text
    assert f'router_unexplained_events{{destination="{STREAM}"}} 0.0' in text


async def test_the_router_looks_again_and_again(tmp_path: Path) -> None:
    clock = ManualClock()
    async with running(clock=clock, folder=tmp_path) as rig:
        await rig.router.track("E", user_id="u1")
        await rig.drained()
        broken = asyncio.ensure_future(rig.signals.wait_for(ConservationBroken))
        await rig.router.storage.append((), {("delivered", "collect"): 5})
        while not broken.done():
            clock.advance(EVERY_SECONDS)
            await asyncio.sleep(0)

        assert broken.result().missing == -5


async def test_a_router_at_work_never_looks_broken() -> None:
    async with running() as rig:
        async with asyncio.TaskGroup() as group:
            for number in range(200):
                group.create_task(rig.router.track("E", user_id=f"u{number % 5}"))
                sums = all_sums(await rig.router.storage.books())
                assert [one.missing for one in sums] == [0, 0]
        await rig.drained()
        assert [one.missing for one in all_sums(await rig.router.storage.books())] == [0, 0]
