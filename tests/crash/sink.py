"""A webhook that a test can switch off, and that remembers which message ids arrived."""

import asyncio
from collections import Counter
from typing import Any

import msgspec
from aiohttp import web


class Sink:
    """Listens on a free port of 127.0.0.1 between `open` and `close`."""

    def __init__(self) -> None:
        self.is_up = True
        self.arrivals: Counter[str] = Counter()
        self.events: dict[str, dict[str, Any]] = {}
        """The last arrival of each message id."""
        self._arrived = asyncio.Event()
        application = web.Application(client_max_size=64 << 20)
        application.router.add_post("/hook", self._hook)
        self._runner = web.AppRunner(application)
        self.url = ""

    async def open(self) -> None:
        """Listen."""
        await self._runner.setup()
        await web.TCPSite(self._runner, "127.0.0.1", 0).start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}/hook"

    async def close(self) -> None:
        """Stop listening."""
        await self._runner.cleanup()

    async def wait_for(self, ids: set[str], *, timeout: float) -> None:
        """Return once all `ids` arrived; raises TimeoutError."""
        async with asyncio.timeout(timeout):
            while not ids <= self.arrivals.keys():
                await self.more()

    async def more(self) -> None:
        """Return when the next ones arrived."""
        self._arrived.clear()
        await self._arrived.wait()

    async def _hook(self, request: web.Request) -> web.Response:
        body = await request.read()
        if not self.is_up:
            return web.Response(status=503)
        decoded = msgspec.json.decode(body)
        for event in decoded if isinstance(decoded, list) else [decoded]:
            self.arrivals[event["messageId"]] += 1
            self.events[event["messageId"]] = event
        self._arrived.set()
        return web.Response()
