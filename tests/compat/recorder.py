"""A webhook endpoint that keeps what the router delivers."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec
from aiohttp import web

WAIT_SECONDS = 30.0


class Recorder:
    """Every event that reached the webhook, in order."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []
        self.url = ""
        self._changed = asyncio.Condition()

    async def take(self, request: web.Request) -> web.Response:
        """Keep a body: one event, or an array of them."""
        decoded = msgspec.json.decode(await request.read())
        async with self._changed:
            self.events.extend(decoded if isinstance(decoded, list) else [decoded])
            self._changed.notify_all()
        return web.Response()

    async def wait(self, is_there: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        """The events, once `is_there` says so; fails with what is there after a while."""
        async with self._changed:
            try:
                async with asyncio.timeout(WAIT_SECONDS):
                    await self._changed.wait_for(lambda: is_there(self.events))
            except TimeoutError:
                seen = [(event["type"], event.get("event"), event["messageId"]) for event in self.events]
                raise AssertionError(f"the webhook got only {len(seen)} events: {seen}") from None
            return list(self.events)

    def copies(self) -> list[int]:
        """How often each message id came, without those that came once."""
        return [count for count in Counter(event["messageId"] for event in self.events).values() if count > 1]


@asynccontextmanager
async def recording() -> AsyncIterator[Recorder]:
    """Serve a recorder on a free port."""
    recorder = Recorder()
    application = web.Application(client_max_size=64 << 20)
    application.router.add_post("/hook", recorder.take)
    async with serving(application) as port:
        recorder.url = f"http://127.0.0.1:{port}/hook"
        yield recorder


@asynccontextmanager
async def serving(
    application: web.Application, *, auto_decompress: bool = True, port: int = 0, **options: Any
) -> AsyncIterator[int]:
    """Serve an application on 127.0.0.1, by default on a free port; yields the port."""
    runner = web.AppRunner(application, access_log=None, auto_decompress=auto_decompress)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", port, **options)
        await site.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()
