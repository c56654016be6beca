"""Reloads at full speed, and kill -9 in the middle of one: the store is whole and nothing acknowledged is lost."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from tests.crash.process import RouterProcess
from tests.crash.sender import Sender
from tests.crash.sink import Sink

ROUNDS = 4


@pytest.mark.slow
@pytest.mark.timeout(120)
async def test_a_kill_in_the_middle_of_a_reload_loses_nothing(tmp_path: Path, sink: Sink) -> None:
    router = RouterProcess(tmp_path, sink.url)
    text = router.config.read_text()
    sender = Sender(router.url)

    async def reload_on_and_on() -> None:
        """Change the destination again and again, until the process is gone."""
        for number in range(10_000):
            changed = text.replace("max_events = 50", f"max_events = {1 + number % 50}")
            fresh = tmp_path / "fresh"
            fresh.write_text(changed)
            os.replace(fresh, router.config)
            if router._process is None or not router.is_alive:
                return
            router._process.send_signal(signal.SIGHUP)
            await asyncio.sleep(0.002)

    for number in range(ROUNDS):
        await router.start()
        reloading = asyncio.ensure_future(reload_on_and_on())
        for _ in range(20):
            await sender.post()
        await router.kill()
        reloading.cancel()
        await asyncio.wait([reloading])
        assert len(sender.acknowledged) == 20 * (number + 1)
    router.config.write_text(text)

    await router.start()
    await sink.wait_for(sender.acknowledged, timeout=30)
    await router.kill()
    router.close()
