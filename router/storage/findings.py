"""What privacy found: fields that probably hold personal data, beside the inventory of everything that was seen.

A field is new once: its first row is written by the commit that also holds the events made because of it, so that a
crash can neither lose an alert nor repeat it. How often it came afterwards is written later, whole rows at a time.
There are no values in it, only what they look like, so that deleting a user leaves nothing behind here.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from router.events.found_field import FoundField


class FindingRows(ABC):
    """The found fields of a store; a commit adds those that are new."""

    @abstractmethod
    async def read(self) -> list[FoundField]:
        """All rows, by path."""

    @abstractmethod
    async def keep(self, rows: Sequence[FoundField], gone: Sequence[str] = ()) -> None:
        """Write rows in the place of those with the same path, and remove those of the paths that are `gone`."""
