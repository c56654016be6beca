"""Starts actors in order, restarts one that crashes, and stops them in the opposite order.

One for one: a crash restarts that actor only. Five restarts of one actor in thirty seconds are too many: the
supervisor then fails with the reason, and the process that owns it stops.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable
from itertools import groupby

from router.actors.actor import Actor
from router.errors import ActorFailed

RESTARTS = 5
WITHIN_SECONDS = 30.0


class Supervisor:
    """Owns the tasks of its actors."""

    def __init__(
        self,
        *,
        restarted: Callable[[str, BaseException], None] = lambda name, error: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._restarted = restarted
        self._clock = clock
        self._actors: list[Actor] = []
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.failed: asyncio.Future[ActorFailed] = asyncio.get_running_loop().create_future()
        """Gets the error when an actor crashed too often."""

    def start(self, actor: Actor, *, is_last_to_stop: bool = False) -> None:
        """Run `actor` from now on; `is_last_to_stop` counts it as started before all others."""
        self._actors.insert(0 if is_last_to_stop else len(self._actors), actor)
        self._tasks[actor.name] = asyncio.create_task(self._keep(actor), name=actor.name)

    async def stop(self, *, timeout: float = 20) -> None:
        """Stop every actor, the last started first; what does not finish in time is cancelled.

        Neighbours of one class, such as the deliveries, do not wait for each other.
        """
        deadline = self._clock() + timeout
        for _, group in groupby(self._actors[::-1], key=type):
            left = max(0.0, deadline - self._clock())
            await asyncio.gather(*(self.end(actor, timeout=left) for actor in group))
        self._actors.clear()

    async def end(self, actor: Actor, *, timeout: float = 20) -> None:
        """Stop one actor and forget it."""
        if actor in self._actors:
            self._actors.remove(actor)
        task = self._tasks.pop(actor.name, None)
        if task is None:
            return
        try:
            if not task.done():
                await asyncio.wait_for(actor.stop(), timeout)
        except TimeoutError:
            pass  # it gave back nothing in time; what it had in flight is repeated after the next start
        finally:
            task.cancel()
            await asyncio.wait([task])

    async def _keep(self, actor: Actor) -> None:
        crashes: deque[float] = deque(maxlen=RESTARTS)
        while True:
            try:
                return await actor.run()
            except Exception as error:  # noqa: BLE001 - the supervisor is where an actor's crash is handled
                now = self._clock()
                if len(crashes) == RESTARTS and now - crashes[0] < WITHIN_SECONDS:
                    self._give_up(actor, error)
                    return
                crashes.append(now)
                self._restarted(actor.name, error)

    def _give_up(self, actor: Actor, error: Exception) -> None:
        failure = ActorFailed(
            f"actor {actor.name!r} crashed {RESTARTS + 1} times within {WITHIN_SECONDS:.0f} s; "
            f"the last time with {type(error).__name__}: {error}"
        )
        failure.__cause__ = error
        if not self.failed.done():
            self.failed.set_result(failure)
