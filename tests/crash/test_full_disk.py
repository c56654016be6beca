"""A router whose disk is full refuses what it cannot keep, delivers what it has, and recovers by itself."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest

from tests.crash.process import RouterProcess
from tests.crash.sender import Sender
from tests.crash.sink import Sink
from tests.small_disk import small_disk, stuff

pytestmark = [pytest.mark.slow, pytest.mark.timeout(240)]
RECOVERY_SECONDS = 90


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    with small_disk(tmp_path / "disk", 48 << 20) as place:
        yield place


@pytest.fixture
async def router(tmp_path: Path, disk: Path, sink: Sink) -> AsyncIterator[RouterProcess]:
    process = RouterProcess(tmp_path, sink.url, store=disk, ballast="8MiB", floor="1MiB")
    yield process
    await process.kill()
    process.close()


async def health(url: str) -> int:
    async with aiohttp.ClientSession() as session, session.get(url + "/health") as answer:
        return answer.status


async def test_a_full_disk_is_answered_503_and_events_are_taken_again_when_space_returns(
    router: RouterProcess, disk: Path, sink: Sink
) -> None:
    await router.start()
    sender = Sender(router.url)
    await sender.post()
    stuffing = stuff(disk)

    retry_after = await sender.until(503, timeout=60)
    assert retry_after is not None
    assert int(retry_after) >= 1
    assert await health(router.url) == 503
    stuffing.unlink()
    await sender.until(200, timeout=RECOVERY_SECONDS)
    assert await health(router.url) == 200
    await sink.wait_for(sender.acknowledged, timeout=60)


async def test_a_router_started_on_a_full_disk_delivers_what_it_has_and_recovers(
    router: RouterProcess, disk: Path, sink: Sink
) -> None:
    sink.is_up = False
    await router.start()
    sender = Sender(router.url)
    for _ in range(100):
        await sender.post()
    assert len(sender.acknowledged) == 100
    await router.kill()
    stuffing = stuff(disk)
    sink.is_up = True

    await router.start()
    assert (await sender.post())[0] == 503
    await sink.wait_for(sender.acknowledged, timeout=60)
    stuffing.unlink()
    await sender.until(200, timeout=RECOVERY_SECONDS)
