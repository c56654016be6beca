"""The audit: draws the sums of conservation again and again, and raises the alarm when one is off."""

from collections.abc import Awaitable, Callable

from router.actors.actor import Actor
from router.errors import StorageError
from router.storage.books import Books
from router.telemetry.conservation import Conservation, all_sums
from router.telemetry.happenings import ConservationBroken, ConservationRestored
from router.telemetry.signals import Signals

EVERY_SECONDS = 30.0


class Audit(Actor):
    """Looks every half a minute; what it found last is what `/health` says."""

    name = "audit"

    def __init__(
        self,
        books: Callable[[], Awaitable[Books]],
        *,
        sleep: Callable[[float], Awaitable[None]],
        signals: Signals,
    ) -> None:
        self._books = books
        self._sleep = sleep
        self._signals = signals
        self._broken: dict[str, Conservation] = {}

    @property
    def troubles(self) -> list[str]:
        """What is wrong, in words."""
        return [unexplained(one) for one in self._broken.values()]

    async def run(self) -> None:
        """Look, wait, and look again."""
        while True:
            try:
                await self.look()
            except StorageError:
                pass  # the store is in trouble and says so itself
            await self._sleep(EVERY_SECONDS)

    async def look(self) -> None:
        """Draw every sum now; tell what changed since the last time."""
        for one in all_sums(await self._books()):
            name = one.destination
            before = self._broken[name].missing if name in self._broken else 0
            if one.missing:
                self._broken[name] = one
            else:
                self._broken.pop(name, None)
            if one.missing == before:
                continue
            if one.missing:
                self._signals.emit(ConservationBroken(name, one.missing, str(one)))
            else:
                self._signals.emit(ConservationRestored(name))


def unexplained(one: Conservation) -> str:
    """What is said of a sum that is off."""
    what = f"leaves {one.missing} unexplained" if one.missing > 0 else f"has {-one.missing} too many"
    return f"{one.whose}: {one} {what}; report it"
