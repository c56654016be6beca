"""How much of a disk budget is used, and when somebody has to hear of it."""

from collections.abc import Callable

WARN_AT = (0.5, 0.8)


class Budget:
    """One budget in bytes; `warn` is called when a share of `WARN_AT` is passed upwards."""

    def __init__(self, name: str, limit: int, warn: Callable[[str, float], None]) -> None:
        self.name = name
        self.limit = limit
        self._warn = warn
        self._level = 0

    def note(self, used: int) -> None:
        """Take notice of what is used now."""
        share = used / self.limit if self.limit else 1.0
        level = sum(share >= mark for mark in WARN_AT)
        if level > self._level:
            self._warn(self.name, share)
        if level > self._level or share < WARN_AT[self._level - 1] - 0.05:
            self._level = level

    def is_spent(self, used: int) -> bool:
        """Whether nothing more fits."""
        return used >= self.limit
