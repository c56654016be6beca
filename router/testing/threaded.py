"""A router in memory for tests that have no event loop: it runs on a thread of its own."""

import asyncio
from collections.abc import Coroutine, Mapping
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from typing import Any, Self

from router.testing.running import DEFAULT_SOURCES, Running, running

SECONDS = 30.0
"""How long a call may take."""


class ThreadedRouter:
    """Use as `with ThreadedRouter() as router:`, or through the fixture `event_router`."""

    def __init__(self, config: Mapping[str, Any] | None = None) -> None:
        """`config` has the shape of router.toml; by default there is a source `website`, and nothing touches a disk."""
        self._config = {"storage": {"kind": "memory"}, **(config or {})}
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="event-router")
        self._started: Future[Running] = Future()
        self._loop: asyncio.AbstractEventLoop
        self._leave: asyncio.Event
        self._rig: Running
        self._ended: Future[Any]

    def __enter__(self) -> Self:
        self._ended = self._pool.submit(asyncio.run, self._serve())
        wait([self._started, self._ended], SECONDS, FIRST_COMPLETED)
        self._rig = self._started.result(0) if self._started.done() else self._ended.result(0)
        return self

    def __exit__(self, *error: object) -> None:
        self._loop.call_soon_threadsafe(self._leave.set)
        self._ended.result(SECONDS)
        self._pool.shutdown()

    @property
    def url(self) -> str:
        """The host for an SDK."""
        return self._rig.url

    @property
    def write_key(self) -> str:
        """The write key of the first source."""
        sources: Mapping[str, Any] = self._config.get("sources", DEFAULT_SOURCES)
        return str(next(iter(sources.values()))["write_key"])

    def events(self, *, count: int = 0) -> list[dict[str, Any]]:
        """The stored form of every event so far, in order, once there are `count`; raises TimeoutError.

        Whatever the router had accepted before this call is among them.
        """

        async def finished() -> list[dict[str, Any]]:
            await self._rig.shelf.wait(count)
            await self._rig.drained()
            return list(self._rig.delivered)

        found: list[dict[str, Any]] = self._call(finished())
        return found

    def track(self, event: str, **fields: Any) -> None:
        """Something a user did; `fields` are those of the embedded call."""
        self._call(self._rig.router.track(event, **fields))

    def identify(self, **fields: Any) -> None:
        """Who a user is."""
        self._call(self._rig.router.identify(**fields))

    def page(self, name: str | None = None, **fields: Any) -> None:
        """A page of a website was seen."""
        self._call(self._rig.router.page(name, **fields))

    def screen(self, name: str | None = None, **fields: Any) -> None:
        """A screen of an app was seen."""
        self._call(self._rig.router.screen(name, **fields))

    def group(self, group_id: str, **fields: Any) -> None:
        """A user belongs to an account."""
        self._call(self._rig.router.group(group_id, **fields))

    def alias(self, previous_id: str, **fields: Any) -> None:
        """Two ids are one user."""
        self._call(self._rig.router.alias(previous_id, **fields))

    def _call(self, work: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(SECONDS)

    async def _serve(self) -> Any:
        self._loop = asyncio.get_running_loop()
        self._leave = asyncio.Event()
        async with running(self._config) as rig:
            self._started.set_result(rig)
            await self._leave.wait()
