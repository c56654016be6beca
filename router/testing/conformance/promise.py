"""What a promise is, and how it is said that a plugin does not keep one."""

from collections.abc import Awaitable, Callable
from typing import Any

from msgspec import Struct


class Promise(Struct, frozen=True):
    """One thing that every destination, or every source plugin, does."""

    name: str
    """The name of its test, e.g. `survives_an_outage`."""
    says: str
    """What a plugin does that keeps it, to be read behind "does not"."""
    check: Callable[[Any], Awaitable[None]]
    """Raises NotKept."""
    of_http: bool = False
    """Whether only destinations with `requests` make it."""


class NotKept(Exception):
    """A promise is not kept: what was seen, and what the author can do."""

    def __init__(self, seen: str, remedy: str) -> None:
        super().__init__(f"{seen}; {remedy}")
        self.seen = seen
        self.remedy = remedy


class CannotTell(Exception):
    """It cannot be found out here, e.g. because a service that is no HTTP service cannot be reached."""
