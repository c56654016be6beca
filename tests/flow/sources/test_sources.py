"""A source plugin's calls are kept before its cursor, and whatever it does wrong stays its own."""

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from router.errors import StoreFull
from router.telemetry.happenings import (
    CursorLeftOut,
    MembersRefused,
    SourceRested,
    SourceStopped,
    SourceWaiting,
)
from router.testing import ManualClock
from tests.flow.sources.rig import feeding, track


async def forever() -> None:
    await asyncio.Event().wait()


async def test_calls_reach_the_destinations_under_the_name_of_their_source() -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track("A"), track("B")])
        await forever()

    async with feeding(reads) as one:
        assert await one.events(2) == ["A", "B"]
        assert (await one.rig.counters())["successfully_received", "orders"] == 2


async def test_accept_returns_when_the_calls_are_durable_and_the_cursor_is_kept_behind_them(
    tmp_path: Path,
) -> None:
    seen: list[Any] = []
    started, returned = asyncio.Event(), asyncio.Event()

    async def reads(plugin: Any, accept: Any) -> None:
        await started.wait()  # it runs before the router is there as a whole
        file = tmp_path / "router.db.sources" / "orders.json"
        await accept([track("A")])
        seen.append((plugin.cursor, file.exists(), one.rig.router.inbox.next))
        await accept([track("B")], cursor={"row": 7})
        seen.append((plugin.cursor, msgspec.json.decode(file.read_bytes()), one.rig.router.inbox.next))
        returned.set()
        await forever()

    async with feeding(reads, folder=tmp_path, kind="sqlite") as one:
        started.set()
        await asyncio.wait_for(returned.wait(), 10)  # the events may be delivered before the cursor is kept

    kept = {"source": "orders", "kind": "feed", "cursor": {"row": 7}}
    assert seen == [(None, False, 1), ({"row": 7}, kept, 2)]


async def test_a_restart_goes_on_from_the_cursor(tmp_path: Path) -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        row = plugin.cursor or 0
        await accept([track(f"row {row}")], cursor=row + 1)
        await forever()

    async with feeding(reads, folder=tmp_path, kind="sqlite") as one:
        await one.events(1)
        await one.rig.restart()

        assert await one.events(2) == ["row 0", "row 1"]


async def test_run_is_called_again_after_the_interval_with_the_same_instance() -> None:
    clock = ManualClock()

    async def reads(plugin: Any, accept: Any) -> None:
        plugin.was.append("ran")
        await accept([track(str(len(plugin.was)))])

    async with feeding(reads, clock=clock, sources={"orders": {"kind": "feed", "interval": "90s"}}) as one:
        await one.events(1)
        assert await clock.wait_for_sleeper(longer_than=60) == 90
        clock.advance(90)
        await one.events(2)

        assert [feed.was for feed in one.made] == [["opened", "ran", "ran"]]
        assert one.troubles == {}


async def test_a_bad_call_is_refused_alone_counted_and_shown() -> None:
    loop: list[Any] = []
    loop.append(loop)
    bad = [
        {"type": "dance", "userId": "u1"},
        track("no one", userId=None),
        b"{not json",
        track("x", at=object()),
    ]
    more = [
        b"[1]",
        b'{"type":"track","userId":"u","event":"\xff"}',
        b'{"a":1},{"a":2}',
        track("deep", loop=loop),
    ]
    large = [track("large", properties={"text": "x" * 40_000}), b"[" + b"1" * 600_000 + b"]"]

    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track("A"), *bad, track("B"), *more, *large, track("C")], cursor=1)
        await forever()

    async with feeding(reads) as one:
        assert await one.events(3) == ["A", "B", "C"]
        refused = one.of(MembersRefused)[0]
        counters = await one.rig.counters()

    assert refused.source == "orders"
    assert sorted(refused.refused) == [
        (1, "invalid_type"),
        (2, "no_user_anon_id"),
        (3, "invalid_json"),
        (4, "invalid_event"),
        (6, "invalid_event"),
        (7, "invalid_json"),
        (8, "invalid_json"),
        (9, "invalid_event"),
        (10, "payload_too_large"),
        (11, "payload_too_large"),
    ]
    assert counters["failed_on_ingest", "orders", "invalid_json"] == 3


async def test_a_call_that_spoils_the_whole_request_is_found_among_its_neighbours() -> None:
    deep = b'{"type":"track","userId":"u1","event":"deep","properties":' + b"[" * 300 + b"]" * 300 + b"}"

    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track("A"), track("B"), deep, track("C"), deep])
        await forever()

    async with feeding(reads) as one:
        assert await one.events(3) == ["A", "B", "C"]
        assert sorted(pair for refused in one.of(MembersRefused) for pair in refused.refused) == [
            (2, "invalid_json"),
            (4, "invalid_json"),
        ]


async def test_more_calls_than_a_request_may_hold_are_kept_in_their_order() -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track(str(n), properties={"text": "x" * 300}) for n in range(6_000)])
        await forever()

    async with feeding(reads) as one:
        assert await one.events(6_000) == [str(n) for n in range(6_000)]


async def test_the_same_call_twice_counts_once_when_its_id_is_made_of_the_row() -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        for row in (1, 2, 1):
            await accept([track(f"row {row}", messageId=plugin.message_id(row))])
        await accept([track("last")])
        await forever()

    async with feeding(reads) as one:
        assert await one.events(3) == ["row 1", "row 2", "last"]


async def test_accept_waits_while_the_store_takes_nothing() -> None:
    clock = ManualClock()
    full = [StoreFull("the disk is full"), StoreFull("the disk is full")]
    is_kept = asyncio.Event()

    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track("A")], cursor=1)
        is_kept.set()
        await forever()

    async with feeding(reads, clock=clock, sources={"orders": {"kind": "feed", "enabled": False}}) as one:
        keep = one.rig.router.ingestion.accept

        async def accept(*arguments: Any) -> None:
            if full:
                raise full.pop()
            await keep(*arguments)

        one.rig.router.ingestion.accept = accept  # type: ignore[method-assign]
        await one.reload(sources={"orders": {"kind": "feed"}})
        for number, seconds in enumerate((0.5, 1.0), 1):
            assert await one.hears(SourceWaiting, number) == SourceWaiting(
                "orders", "the disk is full", seconds
            )
            assert "the disk is full" in one.troubles["orders"]
            await clock.wait_for_sleeper()
            clock.advance(seconds)

        await is_kept.wait()
        assert await one.events(1) == ["A"]
        assert (one.troubles, len(one.made)) == ({}, 1)


async def test_a_stop_waits_until_what_was_handed_over_is_kept(tmp_path: Path) -> None:
    handed = asyncio.Event()

    async def reads(plugin: Any, accept: Any) -> None:
        if plugin.cursor is None:
            handed.set()
            await accept([track(str(n)) for n in range(5_000)], cursor=5_000)
            await accept([track("one more")], cursor=5_001)
        await forever()

    async with feeding(reads, folder=tmp_path, kind="sqlite") as one:
        await handed.wait()
        await one.rig.restart()
        await one.events(5_000)

        assert one.made[1].cursor in (5_000, 5_001)


async def test_a_cursor_of_another_kind_is_left_out_with_a_word(tmp_path: Path) -> None:
    _keep(tmp_path, b'{"source":"orders","kind":"other","cursor":9}')

    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track(f"from {plugin.cursor}")])
        await forever()

    async with feeding(reads, folder=tmp_path, kind="sqlite") as one:
        assert await one.events(1) == ["from None"]
        assert one.of(CursorLeftOut) == [CursorLeftOut("orders", "feed", "other of source orders")]


@pytest.mark.parametrize("damage", [b"", b"{", b"\xff\x00", b"[]", b'{"source":"orders","kind":"feed"}'])
async def test_a_damaged_cursor_stops_this_source_alone_and_says_the_remedy(
    damage: bytes, tmp_path: Path
) -> None:
    file = _keep(tmp_path, damage)
    clock = ManualClock()

    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track("A")])
        await forever()

    async with feeding(reads, folder=tmp_path, kind="sqlite", clock=clock) as one:
        stopped = await one.hears(SourceStopped)
        assert (stopped.source, str(file) in stopped.reason, one.made) == ("orders", True, [])
        assert "remove it: then the source begins anew" in one.troubles["orders"]
        await one.rig.router.track("from elsewhere", user_id="u1")
        await one.events(1)

        file.unlink()
        assert await clock.wait_for_sleeper(longer_than=50) == 60
        clock.advance(60)
        assert await one.events(2) == ["from elsewhere", "A"]


async def test_a_cursor_that_cannot_be_written_holds_its_source_and_nothing_else(tmp_path: Path) -> None:
    clock = ManualClock()
    folder = tmp_path / "router.db.sources"
    is_blocked = asyncio.Event()

    async def reads(plugin: Any, accept: Any) -> None:
        await is_blocked.wait()
        await accept([track("A")], cursor=1)
        await accept([track("B")], cursor=2)
        await forever()

    async with feeding(reads, folder=tmp_path, kind="sqlite", clock=clock) as one:
        folder.write_text("in the way")
        is_blocked.set()
        waiting = await one.hears(SourceWaiting)
        await one.rig.router.track("from elsewhere", user_id="u1")
        assert await one.events(2) == ["A", "from elsewhere"]
        assert str(folder) in waiting.reason

        folder.unlink()
        await clock.wait_for_sleeper()
        clock.advance(0.5)
        assert await one.events(3) == ["A", "from elsewhere", "B"]


async def test_a_cursor_that_cannot_be_read_stops_this_source(tmp_path: Path) -> None:
    (tmp_path / "router.db.sources" / "orders.json").mkdir(parents=True)

    async def reads(plugin: Any, accept: Any) -> None:
        await forever()

    async with feeding(reads, folder=tmp_path, kind="sqlite") as one:
        assert "cannot be read (Is a directory)" in (await one.hears(SourceStopped)).reason


def _keep(folder: Path, content: bytes) -> Path:
    file = folder / "router.db.sources" / "orders.json"
    file.parent.mkdir()
    file.write_bytes(content)
    return file


async def test_no_client_reaches_a_source_without_a_write_key() -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        await forever()

    async with feeding(
        reads, sources={"orders": {"kind": "feed"}, "shop": {"kind": "feed", "write_key": "wk"}}
    ) as one:
        assert set(one.rig.router.doors.tracking.sources) == {"wk"}


async def test_a_source_with_both_takes_calls_from_its_plugin_and_from_clients() -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track("from the plugin")])

    async with feeding(reads, sources={"shop": {"kind": "feed", "write_key": "wk"}}) as one:
        await one.hears(SourceRested)
        await one.rig.router.track("from a client", user_id="u1", source="shop")

        assert await one.events(2) == ["from the plugin", "from a client"]


@pytest.mark.parametrize("options", [{"enabled": False}, {"region": "eu"}])
async def test_a_source_that_is_disabled_or_of_another_region_does_not_read(options: dict[str, Any]) -> None:
    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track(plugin.name)])

    sources = {"off": {"kind": "feed", **options}, "on": {"kind": "feed"}}
    async with feeding(reads, sources=sources) as one:
        assert await one.events(1) == ["on"]
        assert list(one.rig.router.plugin_sources) == ["on"]
