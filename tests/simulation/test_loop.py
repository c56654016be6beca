"""The loop of simulated worlds: time leaps, threads do not exist, and standing still is an error."""

import asyncio
import time

import pytest

from tests.simulation.loop import RunsInCircles, StandsStill, VirtualLoop


def test_an_hour_passes_at_once() -> None:
    loop, began = VirtualLoop(10.0), time.monotonic()

    loop.run(asyncio.sleep(3600))

    assert loop.time() == pytest.approx(3610)
    assert time.monotonic() - began < 10
    loop.close()


def test_a_function_for_a_thread_runs_on_the_loop() -> None:
    loop = VirtualLoop()

    async def main() -> bool:
        return await asyncio.to_thread(lambda: asyncio.get_running_loop() is loop)

    assert loop.run(main())
    loop.close()


def test_waiting_for_what_never_comes_is_an_error() -> None:
    loop = VirtualLoop()

    async def main() -> None:
        await asyncio.Event().wait()

    with pytest.raises(StandsStill):
        loop.run(main())
    loop.close()


def test_running_in_circles_is_an_error() -> None:
    loop = VirtualLoop()

    async def main() -> None:
        while True:
            await asyncio.sleep(0)

    with pytest.raises(RunsInCircles):
        loop.run(main())
    loop.close()
