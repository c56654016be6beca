"""The bus of signals: code says what happened with one struct; observers turn it into words and numbers.

A signal is emitted once per batch or rarer, never per event. An observer must not block and must not raise.
"""

import asyncio
from collections.abc import Callable
from typing import TypeVar

from msgspec import Struct


class Signal(Struct, frozen=True):
    """A happening; its class says what, its fields say to whom and how much."""


S = TypeVar("S", bound=Signal)
Observer = Callable[[Signal], None]


class Signals:
    """Hands every signal to every observer, at once and in order."""

    def __init__(self) -> None:
        self._observers: list[Observer] = []

    def observe(self, observer: Observer) -> Callable[[], None]:
        """Call `observer` for each signal from now on; the returned function ends that."""
        self._observers.append(observer)
        return lambda: self._observers.remove(observer)

    def emit(self, signal: Signal) -> None:
        """Tell every observer."""
        for observer in tuple(self._observers):
            observer(signal)

    async def wait_for(
        self, kind: type[S], where: Callable[[S], bool] = lambda _: True, *, timeout: float = 10
    ) -> S:
        """Wait for the next signal of `kind` for which `where` holds; raises TimeoutError."""
        found: asyncio.Future[S] = asyncio.get_running_loop().create_future()

        def look(signal: Signal) -> None:
            if isinstance(signal, kind) and where(signal) and not found.done():
                found.set_result(signal)

        stop = self.observe(look)
        try:
            return await asyncio.wait_for(found, timeout)
        finally:
            stop()
