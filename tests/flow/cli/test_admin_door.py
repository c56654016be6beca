"""The admin door: who may use it, what it tells, and that nobody who listens can slow the router."""

import asyncio
import json
import socket
import stat
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import msgspec
import pytest

from router.admin.address import socket_path
from router.admin.client import AdminClient
from router.admin.door import AdminDoor
from router.admin.overview import OVERVIEW, Overview, answer_overview
from router.admin.tap import Line, Listener, Wanted
from router.admin.verbs import Desk, Nothing
from router.errors import RouterError
from router.events.calls import Page, Track
from router.events.envelope import Envelope
from router.storage.follower import Stream
from router.storage.memory.store import MemoryStorage
from router.storage.store import Counts
from router.telemetry.happenings import BatchDelivered, DestinationPaused, MembersRefused
from router.telemetry.signals import Signals


def track(position: int, name: str = "Bought", source: str = "web") -> Envelope:
    event = Track(event=name, message_id=f"m{position}", user_id="u1", received_at="r", timestamp="t")
    return Envelope(position, source, event, 0)


def page(position: int) -> Envelope:
    event = Page(name="Home", message_id=f"m{position}", anonymous_id="a1", received_at="r", timestamp="t")
    return Envelope(position, "web", event, 0)


class Rig:
    """A door on a store in memory, without a router behind it."""

    def __init__(self, folder: Path) -> None:
        self.store = str(folder / "router.db")
        self.signals = Signals()
        self.storage = MemoryStorage()
        self.stream = Stream(
            self.storage.read_stream, lambda data: [], head=0, tail_bytes=1 << 20, cache_bytes=1 << 20
        )
        self.door = self.make_door()
        self.client = AdminClient(self.store)

    def make_door(self) -> AdminDoor:
        desk = Desk()
        answer_overview(desk, self.storage, url=lambda: "http://here", counters=self.counters)
        return AdminDoor(socket_path(self.store), desk, stream=self.stream, signals=self.signals)

    async def counters(self) -> Counts:
        return {("delivered", "crm"): 3}

    async def overview(self) -> Overview | None:
        return await asyncio.to_thread(self.client.ask, OVERVIEW, Nothing())

    async def tap(self, wanted: Wanted) -> Iterator[Line]:
        """Lines of a tap that is sure to listen."""
        lines = await asyncio.to_thread(self.client.tap, wanted)
        assert lines is not None
        first = await asyncio.to_thread(next, lines)
        assert first.what == "listening"
        return lines

    def publish(self, *envelopes: Envelope) -> None:
        self.stream.publish(envelopes, envelopes[-1].position + 1)


@pytest.fixture
async def rig(tmp_path: Path) -> AsyncIterator[Rig]:
    rig = Rig(tmp_path)
    await rig.storage.open()
    await rig.door.start()
    yield rig
    await rig.door.stop()


async def test_only_the_owner_may_use_the_door(rig: Rig) -> None:
    assert stat.S_IMODE(socket_path(rig.store).stat().st_mode) == 0o600


async def test_the_door_tells_what_the_store_holds(rig: Rig) -> None:
    await rig.storage.born("crm", "webhook", None)

    overview = await rig.overview()

    assert overview is not None
    assert overview.url == "http://here"
    assert overview.facts.kind == "memory"
    assert overview.counters == [(["delivered", "crm"], 3)]
    assert [one.name for one in overview.books.destinations] == ["crm"]


async def test_the_file_of_a_killed_router_does_not_break_a_start(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    left = socket.socket(socket.AF_UNIX)
    left.bind(str(socket_path(rig.store)))
    left.close()

    await rig.door.start()

    assert await rig.overview() is not None
    await rig.door.stop()


@pytest.mark.parametrize(("is_reset", "said"), [(True, "hung up"), (False, "does not answer within 0 s")])
def test_a_router_that_is_killed_or_hangs_is_an_error_in_words(
    tmp_path: Path, is_reset: bool, said: str
) -> None:
    store = str(tmp_path / "router.db")
    with socket.socket(socket.AF_UNIX) as door:
        door.bind(str(socket_path(store)))
        door.listen(1)

        def hang_up() -> None:
            asked, _ = door.accept()
            if is_reset:  # most of what was sent is not read, so that the other side is told of a reset
                asked.recv(1)
                asked.close()
            else:
                ended.wait(10)
                asked.close()

        ended = threading.Event()
        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(RouterError, match=said):
            AdminClient(store, seconds=0.2).ask(OVERVIEW, Nothing())
        ended.set()
        thread.join()


async def test_a_file_that_is_no_socket_is_not_taken_away(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    socket_path(rig.store).write_text("precious")

    with pytest.raises(FileExistsError, match="is in the way of the admin door"):
        await rig.door.start()

    assert socket_path(rig.store).read_text() == "precious"


async def test_a_store_in_a_deep_folder_has_a_door_too(tmp_path: Path) -> None:
    deep = tmp_path / ("d" * 90)
    deep.mkdir()
    rig = Rig(deep)

    await rig.door.start()

    assert await rig.overview() is not None
    await rig.door.stop()


async def test_nothing_is_left_of_a_door_that_stopped(tmp_path: Path) -> None:
    rig = Rig(tmp_path)
    await rig.door.start()

    await rig.door.stop()

    assert not socket_path(rig.store).exists()
    assert rig.client.ask(OVERVIEW, Nothing()) is None


def test_a_door_that_was_not_opened_can_be_stopped(tmp_path: Path) -> None:
    async def stop() -> None:
        await Rig(tmp_path).door.stop()

    asyncio.run(stop())


async def test_a_tap_shows_events_that_become_visible(rig: Rig) -> None:
    lines = await rig.tap(Wanted())

    rig.publish(track(0))

    line = await asyncio.to_thread(next, lines)
    assert (line.what, line.source, line.type, line.name, line.user) == (
        "event",
        "web",
        "track",
        "Bought",
        "u1",
    )
    assert json.loads(bytes(line.body))["messageId"] == "m0"


@pytest.mark.parametrize(
    ("wanted", "positions"),
    [
        (Wanted(), [0, 1, 2, 3]),
        (Wanted(source="app"), [1]),
        (Wanted(type="page"), [3]),
        (Wanted(event="Sold"), [2]),
        (Wanted(refused=True), []),
        (Wanted(destination="crm"), []),
    ],
)
async def test_a_tap_shows_only_the_events_that_are_wanted(wanted: Wanted, positions: list[int]) -> None:
    listener = Listener(wanted)

    listener.events([track(0), track(1, source="app"), track(2, "Sold"), page(3)])
    listener.put(Line("missed"))

    lines = [msgspec.json.decode(line, type=Line) for line in (await listener.take()).splitlines()]
    assert [line.position for line in lines[:-1]] == positions


async def test_a_tap_shows_refused_members_with_their_reason(rig: Rig) -> None:
    lines = await rig.tap(Wanted(refused=True))

    rig.signals.emit(MembersRefused("web", ((2, "id_required"),), (b'{"type":"track","event":"Bought"}',)))

    line = await asyncio.to_thread(next, lines)
    assert (line.what, line.reason, line.index, line.name) == ("refused", "id_required", 2, "Bought")


@pytest.mark.parametrize("member", [b"nonsense", b"[1]", b'{"type":7,"event":[]}', b"x" * 100_000])
async def test_a_refused_member_may_be_anything(member: bytes) -> None:
    listener = Listener(Wanted())

    listener.signal(MembersRefused("web", ((0, "invalid_event"),), (member,)))

    line = msgspec.json.decode(await listener.take(), type=Line)
    assert (line.reason, line.type, line.name) == ("invalid_event", "", "")


async def test_a_member_on_several_lines_is_shown_on_one() -> None:
    listener = Listener(Wanted())

    listener.signal(MembersRefused("web", ((0, "x"),), (b'{\n"type": "page",\r\n"a": "b c"}',)))

    [line] = (await listener.take()).splitlines()
    assert bytes(msgspec.json.decode(line, type=Line).body) == b'{"type":"page","a":"b c"}'


async def test_a_refused_member_of_another_type_is_not_shown() -> None:
    listener = Listener(Wanted(type="page"))

    listener.signal(MembersRefused("web", ((0, "x"), (1, "y")), (b'{"type":"track"}', b'{"type":"page"}')))

    assert msgspec.json.decode(await listener.take(), type=Line).index == 1


async def test_a_tap_of_a_destination_shows_what_happens_there(rig: Rig) -> None:
    lines = await rig.tap(Wanted(destination="crm"))

    rig.signals.emit(BatchDelivered("other", 1, 0.1))
    rig.signals.emit(DestinationPaused("crm", "503", 2.0))

    line = await asyncio.to_thread(next, lines)
    assert (line.destination, line.type) == ("crm", "DestinationPaused")


async def test_a_listener_that_does_not_keep_up_loses_the_oldest_lines_and_is_told() -> None:
    listener = Listener(Wanted(), limit=3)

    listener.events([track(number) for number in range(10)])

    lines = [msgspec.json.decode(line, type=Line) for line in (await listener.take()).splitlines()]
    assert lines[0] == Line("missed", count=7)
    assert [line.position for line in lines[1:]] == [7, 8, 9]


async def test_stopping_hangs_up_on_whoever_listens(rig: Rig) -> None:
    lines = await rig.tap(Wanted())

    await rig.door.stop()

    assert await asyncio.to_thread(list, lines) == []


async def test_a_listener_that_went_away_is_forgotten(rig: Rig) -> None:
    lines = await rig.tap(Wanted())
    await asyncio.to_thread(lines.close)  # type: ignore[attr-defined]

    rig.publish(track(0))

    assert await rig.overview() is not None


@pytest.mark.parametrize("question", [b"nonsense\n", b'{"ask":"money"}\n', b"{}\n", b"x" * 100_000 + b"\n"])
async def test_a_question_that_is_none_is_answered_with_an_error(rig: Rig, question: bytes) -> None:
    reader, writer = await asyncio.open_unix_connection(str(socket_path(rig.store)))
    writer.write(question)

    answer = json.loads(await reader.readline())
    writer.close()

    assert "error" in answer


async def test_an_error_of_the_door_is_shown_to_whoever_asked(tmp_path: Path) -> None:
    rig = Rig(tmp_path)

    async def broken() -> Counts:
        raise ValueError("out of order")

    rig.counters = broken  # type: ignore[method-assign]
    rig.door = rig.make_door()
    await rig.door.start()

    with pytest.raises(RouterError, match="out of order"):
        await rig.overview()
    await rig.door.stop()
