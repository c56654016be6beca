"""No door leads to a source without a write key, and what operators ask for names one that does not read."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from router.admin.client import AdminClient
from router.admin.overview import OVERVIEW
from router.admin.verbs import Nothing
from router.delivery.stuck import HungPlugin, note_stuck, stuck_file
from router.telemetry.happenings import PluginHeld, SourceFailed
from tests.flow.sources.rig import feeding, track
from tests.flow.tracking.client import ask, basic


async def waits(plugin: Any, accept: Any) -> None:
    await asyncio.Event().wait()


async def fails(plugin: Any, accept: Any) -> None:
    raise LookupError("no such table")


@pytest.mark.parametrize("region", [{}, {"region": "eu"}])
@pytest.mark.parametrize("headers", [basic(""), {}])
async def test_an_empty_write_key_opens_no_door(headers: dict[str, str], region: dict[str, str]) -> None:
    async with feeding(waits, sources={"orders": {"kind": "feed", **region}}) as one:
        single = await ask(one.rig, "/v1/track", track("A", writeKey=""), headers=headers)
        batch = await ask(one.rig, "/v1/batch", {"batch": [track("A")], "writeKey": ""}, headers=headers)
        settings = await ask(one.rig, "/v1/projects//settings", method="GET", headers={})

        assert [(reply.status, reply.code) for reply in (single, batch)] == [(400, "no_write_key")] * 2
        assert settings.status == 404
        assert one.rig.router.inbox.next == 0


async def test_health_and_the_admin_door_name_a_source_that_does_not_read(tmp_path: Path) -> None:
    async with feeding(fails, folder=tmp_path, kind="sqlite") as one:
        await one.hears(SourceFailed)
        client = AdminClient(str(tmp_path / "router.db"))
        seen = await asyncio.to_thread(client.ask, OVERVIEW, Nothing())
        health = await ask(one.rig, "/health", method="GET", headers={})

        assert seen is not None
        assert "LookupError: no such table; tried again in" in seen.source_troubles["orders"]
        assert (health.status, "LookupError" in health.body.decode()) == (200, True)


async def test_a_source_whose_plugin_hung_before_waits_until_its_note_is_removed(tmp_path: Path) -> None:
    note_stuck(stuck_file(str(tmp_path / "router.db")), HungPlugin("source orders", "feed", "feed.py:7", 1))
    sources = {"orders": {"kind": "feed"}, "other": {"kind": "feed"}}

    async def reads(plugin: Any, accept: Any) -> None:
        await accept([track(plugin.name)])
        await asyncio.Event().wait()

    async with feeding(reads, sources=sources, folder=tmp_path, kind="sqlite") as one:
        assert await one.events(1) == ["other"]
        assert "the plugin hung at feed.py:7" in one.troubles["orders"]
        assert [held.destination for held in one.of(PluginHeld)] == ["source orders"]


async def test_a_file_of_calls_is_followed_by_a_whole_router(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_bytes(
        b'{"type":"track","userId":"u1","event":"A"}\n{"type":"track","userId":"u1","event":"\xff"}\n\xfe\n'
    )
    section = {"kind": "file_lines", "settings": {"path": str(file)}, "interval": "10ms"}

    async with feeding(waits, sources={"rows": section}, folder=tmp_path, kind="sqlite") as one:
        assert await one.events(1) == ["A"]
        with file.open("ab") as opened:
            opened.write(b'{"type":"track","userId":"u1","event":"B"}\n')
        assert await one.events(2) == ["A", "B"]
        await one.rig.restart()
        with file.open("ab") as opened:
            opened.write(b'{"type":"track","userId":"u1","event":"C"}\n')

        assert await one.events(3) == ["A", "B", "C"]
        assert (await one.rig.counters())["failed_on_ingest", "rows", "invalid_json"] == 2


async def test_a_missing_file_is_named_and_read_once_it_is_there(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    section = {"kind": "file_lines", "settings": {"path": str(file)}, "interval": "10ms"}

    async with feeding(waits, sources={"rows": section}, folder=tmp_path, kind="sqlite") as one:
        failed = await one.hears(SourceFailed)
        file.write_bytes(b'{"type":"track","userId":"u1","event":"A"}\n')

        assert str(file) in failed.error
        assert await one.events(1) == ["A"]
