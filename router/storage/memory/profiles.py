"""The identity graph in memory: the contract in its plainest form."""

from collections.abc import Sequence
from itertools import islice

from msgspec.structs import replace

from router.storage.profile import Collection, Key, Link, Profile, Traits
from router.storage.profile_changes import Change, ProfileChanges
from router.storage.profiles import Profiles


class MemoryProfiles(Profiles):
    """The profiles of one store."""

    def __init__(self) -> None:
        self._profiles: dict[str, Profile] = {}
        self._survivors: dict[str, str] = {}
        self._owners: dict[Key, str] = {}
        self._traits: dict[str, Traits] = {}
        self._links: dict[tuple[str, str], int] = {}
        self._types: set[tuple[str, Collection, str]] = set()
        self._log: list[Change] = []
        self._cursors: dict[str, int] = {}

    def write(self, changes: ProfileChanges) -> None:
        """Make the changes of a commit visible."""
        for profile in changes.profiles:
            self._profiles[profile.id] = profile
        self._traits.update(changes.traits)
        for gone, survivor in changes.merged:
            self._survivors[gone] = survivor
            self._forget(gone)
        for id in changes.deleted:
            self._forget(id)
            for pair in [one for one in self._links if id in one]:
                del self._links[pair]
        for key, id in changes.lost:
            if self._owners.get(key) == id:
                del self._owners[key]
        self._owners.update(changes.gained)
        for link in changes.links:
            self._links.setdefault((link.user, link.account), link.at)
        self._types.update(changes.types)
        first = len(self._log)
        self._log += [replace(change, number=number) for number, change in enumerate(changes.log, first)]

    async def owners(self, keys: Sequence[Key]) -> list[Profile | None]:
        """The profile of each identifier."""
        return [self._find(self._owners[key]) if key in self._owners else None for key in keys]

    async def read(self, ids: Sequence[str]) -> list[Profile | None]:
        """The profile of each id."""
        return [self._find(id) for id in ids]

    async def traits(self, ids: Sequence[str]) -> list[Traits]:
        """The traits of each id."""
        return [self._traits.get(self._survivor(id), Traits()) for id in ids]

    async def due(self, now: int, limit: int) -> list[str]:
        """Profiles that time has changed."""
        found = [(one.due_at, id) for id, one in self._traits.items() if 0 < one.due_at <= now]
        return [id for _, id in sorted(found)[:limit]]

    async def linked(self, links: Sequence[Link]) -> list[bool]:
        """Whether each pair is linked."""
        return [(link.user, link.account) in self._links for link in links]

    async def links(self, id: str, *, limit: int, skip: int = 0) -> list[Link]:
        """The links of a profile."""
        wanted = self._survivor(id)
        found = (
            Link(self._survivor(user), self._survivor(account), at)
            for (user, account), at in self._links.items()
            if wanted in (self._survivor(user), self._survivor(account))
        )
        return list(islice(found, skip, skip + limit))

    async def pages(
        self, space: str, collection: Collection, *, limit: int, beyond: str = ""
    ) -> list[Profile]:
        """Profiles that live, by id."""
        found = (
            self._profiles[id]
            for id in sorted(self._profiles)
            if id > beyond
            and (self._profiles[id].space, self._profiles[id].collection) == (space, collection)
        )
        return list(islice(found, limit))

    async def types(self, space: str) -> list[tuple[Collection, str]]:
        """The types that a space saw."""
        return sorted((collection, type) for seen, collection, type in self._types if seen == space)

    async def changes(self, number: int, limit: int) -> list[Change]:
        """Entries of the log; nothing is ever gone here."""
        return self._log[max(0, number) : max(0, number) + limit]

    async def next_change(self) -> int:
        """How many entries the log has."""
        return len(self._log)

    async def cursor(self, name: str) -> int | None:
        """Where a follower is."""
        return self._cursors.get(name)

    async def move_cursor(self, name: str, number: int | None) -> None:
        """Keep where it is."""
        if number is None:
            self._cursors.pop(name, None)
        else:
            self._cursors[name] = number

    def _survivor(self, id: str) -> str:
        return self._survivors.get(id, id)

    def _find(self, id: str) -> Profile | None:
        return self._profiles.get(self._survivor(id))

    def _forget(self, id: str) -> None:
        self._profiles.pop(id, None)
        self._traits.pop(id, None)
