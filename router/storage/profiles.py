"""The contract for the identity graph: reads in verbs over batches; what changes rides on a commit.

Promises, beside those of `router.storage.store`:

- What a commit changes of the profiles becomes visible with its segment and its cursor, or not at all.
- Every id that a profile ever had, and every identifier of a profile that was merged away, leads to the survivor.
- A read sees the graph of one moment, at least as new as the last commit that was answered before it began.
- The log of changes has no gaps; its oldest entries go when they are older than the stream's retention.

The graph is written by the identity actor alone, which knows its recent part by heart. Whoever else wants to change
it asks that actor.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from router.storage.profile import Collection, Key, Link, Profile, Traits
from router.storage.profile_changes import Change


class Profiles(ABC):
    """The profiles of one store."""

    @abstractmethod
    async def owners(self, keys: Sequence[Key]) -> list[Profile | None]:
        """For each identifier the profile that owns it, in the same order."""

    @abstractmethod
    async def read(self, ids: Sequence[str]) -> list[Profile | None]:
        """For each id the profile, or its survivor; None for one that is unknown or deleted."""

    @abstractmethod
    async def traits(self, ids: Sequence[str]) -> list[Traits]:
        """For each id all traits of the profile or its survivor; empty ones where there are none."""

    @abstractmethod
    async def due(self, now: int, limit: int) -> list[str]:
        """Ids of profiles whose computed traits time has changed by `now`, those first that wait longest."""

    @abstractmethod
    async def linked(self, links: Sequence[Link]) -> list[bool]:
        """For each pair whether it was linked by these very ids; the time does not matter."""

    @abstractmethod
    async def links(self, id: str, *, limit: int, skip: int = 0) -> list[Link]:
        """The links of the profile, a user's or an account's, in a fixed order, behind the first `skip` of them.

        Both ends are survivors. A link that two profiles had before they were merged comes twice.
        """

    @abstractmethod
    async def pages(
        self, space: str, collection: Collection, *, limit: int, beyond: str = ""
    ) -> list[Profile]:
        """Profiles that live, in a fixed order, those behind the one with the id `beyond`."""

    @abstractmethod
    async def types(self, space: str) -> list[tuple[Collection, str]]:
        """The types of identifiers that a space ever saw, in alphabetical order."""

    @abstractmethod
    async def changes(self, number: int, limit: int) -> list[Change]:
        """Entries of the log from `number` on, or from the oldest that is kept; empty at its end."""

    @abstractmethod
    async def next_change(self) -> int:
        """The number that the next entry of the log gets."""

    @abstractmethod
    async def cursor(self, name: str) -> int | None:
        """The number that the follower of that name reads next; None for one that is unknown."""

    @abstractmethod
    async def move_cursor(self, name: str, number: int | None) -> None:
        """Keep where a follower is; None forgets it."""
