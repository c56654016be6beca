"""The guard: what is interrupted is foreign code, and never what comes after it."""

import asyncio
import sys
import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from router.actors.guard import Foreign, ForeignCodeBlocked, ForeignCodeExited, Guard, Guarded
from router.actors.watchdog import Watchdog

PLUGIN = Foreign("crm", "hook", __file__)


def interrupt_at_once(guard: Guard) -> threading.Thread:
    """A thread that interrupts the very next call as soon as it runs."""

    def wait() -> None:
        while True:
            entry, running = guard.running
            if running is not None and guard.interrupt(entry):
                return

    thread = threading.Thread(target=wait)
    thread.start()
    return thread


def spin() -> None:
    while True:
        pass


def test_a_call_that_blocks_is_interrupted_and_its_line_is_named() -> None:
    guard = Guard()
    thread = interrupt_at_once(guard)

    with pytest.raises(ForeignCodeBlocked, match=r"test_guard.py:\d+ in spin"):
        guard.run(PLUGIN, spin)
    thread.join()


def test_a_call_that_would_end_the_process_is_an_error() -> None:
    guard = Guard()

    with pytest.raises(ForeignCodeExited, match=r"sys\.exit\(3\)"):
        guard.run(PLUGIN, sys.exit, 3)
    assert guard.running[1] is None


def test_what_is_interrupted_as_it_ends_harms_nothing_after_it() -> None:
    """Thousands of calls that end just as they are interrupted: each ends well or is interrupted, nothing else is."""
    guard = Guard()
    ended = threading.Event()

    def hunt() -> None:
        last = -1
        while not ended.is_set():
            entry, running = guard.running
            if running is not None and entry != last:
                last = entry
                guard.interrupt(entry)

    hunter = threading.Thread(target=hunt)
    hunter.start()
    results = []
    try:
        until = time.monotonic() + 0.7
        while time.monotonic() < until:
            try:
                results.append(guard.run(PLUGIN, sum, range(300)))
            except ForeignCodeBlocked:
                results.append(0)
            [number * 2 for number in range(50)]  # engine code: an exception here would end the test
    finally:
        ended.set()
        hunter.join()

    assert set(results) <= {0, sum(range(300))}
    assert len(results) > 100


def test_a_call_that_is_over_cannot_be_interrupted() -> None:
    guard = Guard()
    guard.run(PLUGIN, len, "")
    entry, running = guard.running

    assert (running, guard.interrupt(entry)) == (None, "")


async def test_a_coroutine_is_guarded_step_by_step_and_nobody_while_it_waits() -> None:
    guard = Guard()
    seen: list[bool] = []

    async def foreign() -> str:
        seen.append(guard.running[1] is not None)
        await asyncio.sleep(0)
        seen.append(guard.running[1] is not None)
        return "done"

    async def watch() -> None:
        seen.append(guard.running[1] is not None)

    watching = asyncio.get_running_loop().create_task(watch())
    result = await Guarded(_under(guard), foreign())
    await watching

    assert (result, seen) == ("done", [True, False, True])


async def test_a_cancelled_coroutine_cleans_up() -> None:
    steps: list[str] = []

    async def foreign() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            steps.append("closed")

    async def deliver() -> None:
        await Guarded(_under(Guard()), foreign())

    task = asyncio.get_running_loop().create_task(deliver())
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task

    assert steps == ["closed"]


async def test_an_error_of_what_is_awaited_reaches_the_coroutine() -> None:
    async def foreign() -> str:
        try:
            async with asyncio.timeout(0):
                await asyncio.Event().wait()
        except TimeoutError:
            return "timed out"
        return "no"

    assert await Guarded(_under(Guard()), foreign()) == "timed out"


async def test_who_hangs_in_spite_of_interruptions_is_told_once() -> None:
    guard = Guard()
    told: list[tuple[Foreign, str]] = []
    watchdog = Watchdog(
        lambda seconds, where: None,
        guard=guard,
        interrupt_after=0.1,
        stuck=lambda plugin, where: told.append((plugin, where)),
        stuck_after=0.3,
    )
    watchdog.start()

    def deaf() -> None:
        until = time.monotonic() + 30
        while time.monotonic() < until and not told:
            try:
                spin()
            except BaseException:
                continue

    guard.run(PLUGIN, deaf)
    watchdog.stop()

    assert [(plugin, "test_guard.py" in where) for plugin, where in told] == [(PLUGIN, True)]


def _under(guard: Guard) -> Callable[..., Any]:
    return lambda function, *arguments: guard.run(PLUGIN, function, *arguments)
