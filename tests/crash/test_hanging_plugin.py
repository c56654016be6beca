"""A plugin that hangs and cannot be interrupted: the process ends, and comes back without it."""

import asyncio
from pathlib import Path

import pytest

from router.delivery.stuck import read_stuck, stuck_file
from tests.crash.process import RouterProcess
from tests.crash.sender import Sender
from tests.crash.sink import Sink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_a_plugin_that_hangs_stops_the_process_and_starts_paused_next_time(
    tmp_path: Path, sink: Sink
) -> None:
    router = RouterProcess(tmp_path, sink.url)
    hanging = '\n[destinations.bad]\nkind = "hang"\n'
    text = router.config.read_text().replace("[plugins]\n", '[plugins]\nstop_after = "2s"\n')
    router.config.write_text(text + hanging)
    await router.start()
    sender = Sender(router.url)
    await sender.post()
    async with asyncio.timeout(30):
        await router.ended()

    note = read_stuck(stuck_file(str(tmp_path / "router.db")))["bad"]
    assert (note.plugin, "hang.py:" in note.where) == ("hang", True)

    await router.start()
    await sender.post()
    await sink.wait_for(sender.acknowledged, timeout=30)
    assert router.is_alive
    assert "plugin_held" in (tmp_path / "router.log").read_text()
    assert await router.terminate() == 0
    router.close()


async def test_a_source_plugin_that_hangs_stops_the_process_and_does_not_run_next_time(
    tmp_path: Path, sink: Sink
) -> None:
    router = RouterProcess(tmp_path, sink.url)
    text = router.config.read_text().replace("[plugins]\n", '[plugins]\nstop_after = "2s"\n')
    router.config.write_text(text + '\n[sources.bad]\nkind = "hang"\n')
    await router.start()
    async with asyncio.timeout(30):
        await router.ended()

    note = read_stuck(stuck_file(str(tmp_path / "router.db")))["source bad"]
    assert (note.plugin, "hang.py:" in note.where) == ("hang", True)

    await router.start()
    sender = Sender(router.url)
    await sender.post()
    await sink.wait_for(sender.acknowledged, timeout=30)
    assert await router.terminate() == 0
    router.close()
