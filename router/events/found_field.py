"""A field that probably holds personal data, as far as was seen of it."""

from typing import Literal

from msgspec import Struct, field


class FoundField(Struct):
    """One field, wherever it was seen; lists have no index in its path."""

    path: str
    colour: Literal["red", "yellow"]
    """What is recommended."""
    matcher: str
    how: Literal["name", "similar name", "value"]
    looks_like: str
    """A value with its letters as `a` and its digits as `9`."""
    first_at: int
    last_at: int
    events: int = 0
    """Of those that were looked at."""
    sources: set[str] = field(default_factory=set)
    key: str = ""
    """Its last key, where that has a dot in it: the path does not say where it begins."""

    def add(self, later: "FoundField") -> None:
        """Take in that it was seen again."""
        self.colour, self.matcher, self.how = later.colour, later.matcher, later.how
        self.looks_like, self.last_at = later.looks_like, max(self.last_at, later.last_at)
        self.events += later.events
        self.sources |= later.sources
