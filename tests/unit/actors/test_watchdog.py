"""The watchdog names the line that held the loop."""

import asyncio
import time

from router.actors.watchdog import Watchdog


async def test_the_watchdog_names_the_function_that_blocked_the_loop() -> None:
    reported: asyncio.Future[tuple[float, str]] = asyncio.get_running_loop().create_future()
    watchdog = Watchdog(lambda seconds, where: reported.set_result((seconds, where)), threshold=0.05)
    watchdog.start()

    hold_the_loop(0.6)
    seconds, where = await asyncio.wait_for(reported, 5)

    assert seconds > 0.3
    assert "hold_the_loop" in where
    watchdog.stop()


async def test_a_free_loop_is_not_reported() -> None:
    reports: list[str] = []
    watchdog = Watchdog(lambda seconds, where: reports.append(where), threshold=5)
    watchdog.start()

    await asyncio.sleep(0)
    watchdog.stop()

    assert reports == []


def hold_the_loop(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass
