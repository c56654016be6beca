"""SIGTERM: nothing more is accepted, what is in flight is finished or given back, and it ends in time."""

import asyncio
from pathlib import Path

import pytest

from tests.crash.process import RouterProcess
from tests.crash.sender import Sender
from tests.crash.sink import Sink

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]


async def test_sigterm_ends_within_twenty_seconds_and_loses_nothing(tmp_path: Path, sink: Sink) -> None:
    router = RouterProcess(tmp_path, sink.url)
    await router.start()
    sender = Sender(router.url)
    for _ in range(50):
        await sender.post()

    async with asyncio.timeout(20):
        assert await router.terminate() == 0
    await router.start()
    await sink.wait_for(sender.acknowledged, timeout=30)
    await router.kill()
    router.close()


async def test_sigterm_ends_in_time_though_a_destination_never_answers(tmp_path: Path) -> None:
    came, left = asyncio.Event(), asyncio.Event()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set()
        await reader.read()
        writer.close()
        left.set()

    silent = await asyncio.start_server(listen, "127.0.0.1", 0)
    host, port = silent.sockets[0].getsockname()[:2]
    router = RouterProcess(tmp_path, f"http://{host}:{port}/hook")
    await router.start()
    await Sender(router.url).post()
    await asyncio.wait_for(came.wait(), 10)

    async with asyncio.timeout(20):
        assert await router.terminate() == 0
    await left.wait()
    silent.close()
    router.close()
