"""Finds tasks that a plugin starts in `deliver` and leaves behind: nobody owns them, and nobody sees them fail."""

import asyncio
from collections.abc import Callable
from typing import Any


class Leftovers:
    """Watches the tasks that are made while the plugin's own code runs, in one call of `deliver`.

    A task that is made by such a task in its turn is not seen.
    """

    def __init__(self, call: Callable[..., Any]) -> None:
        self._call = call
        self._made: list[asyncio.Task[Any]] = []

    def run(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Call `function`, and note the tasks that it makes."""
        loop = asyncio.get_running_loop()
        former = loop.get_task_factory()

        def make(loop: asyncio.AbstractEventLoop, coroutine: Any, **options: Any) -> Any:
            task = (
                former(loop, coroutine, **options)
                if former
                else asyncio.Task(coroutine, loop=loop, **options)
            )
            if isinstance(task, asyncio.Task):
                self._made.append(task)
            return task

        loop.set_task_factory(make)
        try:
            return self._call(function, *arguments)
        finally:
            loop.set_task_factory(former)

    def left(self) -> set["asyncio.Task[Any]"]:
        """Those that still run."""
        return {task for task in self._made if not task.done()}
