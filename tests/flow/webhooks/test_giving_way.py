"""A vendor whose request is big, or of which a function makes much, holds up nobody else."""

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable
from typing import Any

from router import Answer, Request, WebhookRequest
from router.ingestion.receiving import SLICE_SECONDS, calls_of, numbered
from router.telemetry.side_happenings import WebhookFailed
from tests.flow.webhooks.rig import hooked
from tests.flow.webhooks.test_python import order, plugin, section


async def turns_of(work: Callable[[], Awaitable[Any]]) -> tuple[int, float]:
    """How often others had their turn meanwhile, and how long it took."""
    turns = 0
    is_over = False

    async def others() -> None:
        nonlocal turns
        while not is_over:
            turns += 1
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    began = time.monotonic()
    await work()
    is_over = True
    await task
    return turns, time.monotonic() - began


async def nobody(request: Request) -> Answer:
    raise AssertionError("nothing is asked")


def big_form() -> bytes:
    return b"&".join(b"field%d=" % number for number in range(40_000))


async def test_calls_are_taken_from_a_function_in_slices() -> None:
    def receive(hook: WebhookRequest) -> Any:
        for number in range(9_999):
            yield order(properties={"number": number, "pad": "x" * 100})

    class Source:
        """Makes as many calls as one may."""

    source: Any = Source()
    source.receive = receive
    hook = WebhookRequest(body=b"{}", id="h1")
    calls: list[Any] = []

    async def work() -> None:
        calls.extend(await calls_of(source, hook, call=lambda do, *arguments: do(*arguments), ask=nobody))
        calls[:] = await numbered(hook, calls, bytes(16))

    turns, seconds = await turns_of(work)

    assert len(calls) == 9_999
    assert turns >= seconds / (10 * SLICE_SECONDS)


async def test_a_big_form_that_fails_becomes_a_letter_elsewhere() -> None:
    def receive(self: Any, hook: WebhookRequest) -> Any:
        raise KeyError("order")

    async with hooked(section(), plugins=(plugin(receive),)) as one:
        threads: list[bool] = []
        actor = one.rig.router.webhooks["shop"]
        real = actor._letter

        def letter(*arguments: Any) -> Any:
            threads.append(threading.current_thread() is threading.main_thread())
            return real(*arguments)

        actor._letter = letter
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        await one.post(big_form(), headers=form)
        await one.post({})
        await one.hears(WebhookFailed, 2)

        assert sorted(threads) == [False, True]
