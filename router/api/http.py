"""The HTTP server: listens, keeps the connections, looks at the clock for them, and stops without dropping answers."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from aiohttp.base_protocol import BaseProtocol

from router.api.connection import Connection
from router.api.encoding import DateLine
from router.api.framing import Bounds
from router.api.routes import Routes

BACKLOG = 1024
LOOK_SECONDS = 1.0
"""How often the clock is looked at, unless a request has less time than ten times that."""


class HttpServer:
    """Answers HTTP on one address with the handlers of `routes`."""

    def __init__(self, routes: Routes, bounds: Bounds) -> None:
        self.routes = routes
        self.bounds = bounds
        self.held = 0
        """Bytes of bodies that the connections hold now."""
        self.connections: set[Connection] = set()
        self.date = DateLine()
        self._tasks: dict[asyncio.Task[None], Connection] = {}
        self._server: asyncio.Server | None = None
        self._look: asyncio.TimerHandle | None = None
        self.port = 0
        """The port that is listened on, once it is open."""

    async def open(self, host: str, port: int) -> None:
        """Listen; raises OSError when the address is taken."""
        self._loop = asyncio.get_running_loop()
        flow = BaseProtocol(self._loop)
        self._server = await self._loop.create_server(
            lambda: Connection(self, self._loop, flow), host, port, backlog=BACKLOG
        )
        self.port = self._server.sockets[0].getsockname()[1]
        self._look_at_clock()

    async def close(self, *, seconds: float = 5.0) -> None:
        """Take no further request, answer those that are complete, and close; after `seconds` without waiting."""
        if self._server is None:
            return
        self._server.close()
        if self._look is not None:
            self._look.cancel()
        for connection in tuple(self.connections):
            connection.finish()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=seconds)
        for task in tuple(self._tasks):
            task.cancel()
        for connection in tuple(self.connections):
            connection.abort()
        if self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=1.0)
        self._server = None

    def start(self, answering: Coroutine[Any, Any, None], connection: Connection) -> None:
        """Run a connection's answers as a task; when it breaks, only that connection ends."""
        task = self._loop.create_task(answering)
        self._tasks[task] = connection
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        connection = self._tasks.pop(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            context = {"message": "a request handler broke", "exception": error, "task": task}
            self._loop.call_exception_handler(context)
            connection.fail()

    def _look_at_clock(self) -> None:
        now = self._loop.time()
        for connection in tuple(self.connections):
            connection.look_at_clock(now)
        period = min(LOOK_SECONDS, self.bounds.request_seconds / 10)
        self._look = self._loop.call_later(period, self._look_at_clock)
