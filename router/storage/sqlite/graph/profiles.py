"""The profiles of one file: what is pending, and behind it the tables."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import TypeVar

from router.storage.profile import COLLECTIONS, Collection, Key, Link, Profile, Traits
from router.storage.profile_changes import Change, ProfileChanges
from router.storage.profile_ids import profile_id, profile_number
from router.storage.profiles import Profiles
from router.storage.sqlite.graph import tables
from router.storage.sqlite.graph.applying import Round
from router.storage.sqlite.graph.overlay import Overlay
from router.storage.sqlite.graph.rows import identifier_hash, unpack_profile, unpack_traits
from router.storage.sqlite.graph.tables import Rows
from router.storage.sqlite.read_ahead import ReadAhead
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.writer import Writer

T = TypeVar("T")
ROUND_ROWS = 2000
"""So many pending rows start a round: enough that rows which lie on one page meet."""
MOST_ROWS = 20_000
"""With more, a commit waits for a round: they are held in memory."""


class SqliteProfiles(Profiles):
    """The profiles of one file."""

    def __init__(self, readers: Readers, writer: Writer, store_id: bytes, ahead: ReadAhead) -> None:
        self._readers = readers
        self._ahead = ahead
        self._writer = writer
        self._store_id = store_id
        self._fresh = Overlay()
        self._round: Round | None = None
        self._applied = -1
        self._is_known = False

    # --- what commits bring ---------------------------------------------------------------------------

    async def wait_for_room(self) -> None:
        """Return when a commit may bring more; raises StorageError when the tables cannot be written."""
        await self._know()
        while self._fresh.weight > MOST_ROWS:
            await self._advance().wait()

    def committed(self, changes: ProfileChanges | None) -> None:
        """A commit is written; called before the next turn begins."""
        if changes is not None and self._is_known:
            self._fresh.add(changes, self._writer.state.graph_next - 1, self._store_id)
            if self._fresh.weight >= ROUND_ROWS or self._round is not None:
                self._advance()

    def doubt(self) -> None:
        """A commit failed, and may have been written all the same: what is pending is read again."""
        self._is_known = False

    async def flush(self) -> None:
        """Return when the tables hold all that was committed before; raises StorageError when they cannot."""
        await self._know()
        wanted = self._fresh.last
        while self._applied < wanted:
            await self._advance().wait()

    def _advance(self) -> Round:
        if self._round is None:
            self._round = Round(self._fresh, self._writer, self._store_id, self._note_applied)
            self._fresh = Overlay(last=self._fresh.last)
        self._round.go_on()
        return self._round

    def _note_applied(self, overlay: Overlay) -> None:
        self._round = None
        self._applied = overlay.last

    async def _know(self) -> None:
        while not self._is_known:
            before = self._writer.state.graph_next
            pending = await self._readers.read(tables.read_pending)
            if before != self._writer.state.graph_next:
                continue
            self._fresh = Overlay(last=before - 1)
            self._applied = pending[0][0] - 1 if pending else before - 1
            for number, changes in pending:
                self._fresh.add(changes, number, self._store_id)
            self._is_known = True

    # --- reading --------------------------------------------------------------------------------------

    async def owners(self, keys: Sequence[Key]) -> list[Profile | None]:
        """The profile of each identifier."""
        hashes = [identifier_hash(self._store_id, key) for key in keys]
        numbers, rows = await self._read(partial(tables.find_owners, hashes=set(hashes), ahead=self._ahead))
        made: dict[int, Profile | None] = {}

        def owner(key: Key, place: int) -> Profile | None:
            for number in self._candidates(key, numbers[place]):
                if number not in made:
                    made[number] = self._profile(number, rows)
                profile = made[number]
                if profile is not None and _has(profile, key):
                    return profile
            return None

        return [owner(key, place) for key, place in zip(keys, hashes, strict=True)]

    async def read(self, ids: Sequence[str]) -> list[Profile | None]:
        """The profile of each id."""
        numbers = self._numbers(ids)
        rows = await self._read(partial(tables.find_profiles, numbers=_known(numbers), ahead=self._ahead))
        return [None if one is None else self._profile(one, rows) for one in numbers]

    async def traits(self, ids: Sequence[str]) -> list[Traits]:
        """The traits of each id."""
        numbers = self._numbers(ids)
        while True:  # until no profile is merged away while its traits are read
            wanted = {one: self._survivor(one) for one in _known(numbers)}
            rows, traits = await self._read(
                partial(tables.find_traits, numbers=wanted.values(), ahead=self._ahead)
            )
            places = {one: rows[place][0] if place in rows else place for one, place in wanted.items()}
            if all(self._survivor(place) == place for place in places.values()):
                return [Traits() if one is None else self._traits(places[one], traits) for one in numbers]

    async def due(self, now: int, limit: int) -> list[str]:
        """Profiles that time has changed."""
        await self.flush()
        found = await self._read(partial(tables.find_due, now=now, limit=limit))
        return [profile_id(self._store_id, number) for number in found]

    async def linked(self, links: Sequence[Link]) -> list[bool]:
        """Whether each pair is linked."""
        users, accounts = (
            self._numbers([one.user for one in links]),
            self._numbers([one.account for one in links]),
        )
        pairs = list(zip(users, accounts, strict=True))
        found = await self._read(partial(tables.find_linked, pairs=pairs, ahead=self._ahead))
        return [pair in found or any(pair in one.links for one in self._overlays()) for pair in pairs]

    async def links(self, id: str, *, limit: int, skip: int = 0) -> list[Link]:
        """The links of a profile."""
        await self.flush()
        [profile] = await self.read([id])
        if profile is None:
            return []
        ends = _known(self._numbers([profile.id, *profile.absorbed]))
        rows = await self._read(partial(tables.find_links, numbers=sorted(ends), limit=skip + limit))
        others = await self.read([profile_id(self._store_id, other) for _, other, _ in rows[skip:]])
        is_user = profile.collection == "users"
        return [
            Link(profile.id, other.id, at) if is_user else Link(other.id, profile.id, at)
            for (_, _, at), other in zip(rows[skip:], others, strict=True)
            if other is not None
        ]

    async def pages(
        self, space: str, collection: Collection, *, limit: int, beyond: str = ""
    ) -> list[Profile]:
        """Profiles that live, by number."""
        await self.flush()
        first = profile_number(self._store_id, beyond) if beyond else None
        place: int | None = -(1 << 62) if first is None else first
        parity = COLLECTIONS.index(collection)
        found: list[Profile] = []
        while place is not None and len(found) < limit:
            numbers, place = await self._read(
                partial(tables.find_page, beyond=place, space=space, parity=parity, limit=limit - len(found))
            )
            ids = [profile_id(self._store_id, number) for number in numbers]
            # one may be gone since, or be a part of another, which has a place of its own
            read = zip(ids, await self.read(ids), strict=True)
            found += [one for id, one in read if one is not None and one.id == id]
        return found

    async def types(self, space: str) -> list[tuple[Collection, str]]:
        """The types that a space saw."""
        query = "SELECT collection, type FROM profile_types WHERE space = ? ORDER BY collection, type"
        return await self._read(lambda database: database.execute(query, (space,)).fetchall())

    async def changes(self, number: int, limit: int) -> list[Change]:
        """Entries of the log."""
        return await self._read(partial(tables.read_log, number=number, limit=limit))

    async def next_change(self) -> int:
        """What the next entry gets."""
        return self._writer.state.changes_next

    async def cursor(self, name: str) -> int | None:
        """Where a follower is."""
        query = "SELECT number FROM profile_followers WHERE name = ?"
        row = await self._readers.read(lambda database: database.execute(query, (name,)).fetchone())
        return None if row is None else int(row[0])

    async def move_cursor(self, name: str, number: int | None) -> None:
        """Keep where it is."""
        await self._writer.step(partial(tables.move_follower, name, number))

    async def _read(self, find: Callable[[sqlite3.Connection], T]) -> T:
        """Read so that the tables, together with what is pending when this returns, are the graph of one moment."""
        while True:
            await self._know()
            before = self._applied
            found = await self._readers.read(find)
            if self._is_known and before == self._applied:
                return found

    def _overlays(self) -> tuple[Overlay, ...]:
        """The newest first."""
        return (self._fresh,) if self._round is None else (self._fresh, self._round.overlay)

    def _candidates(self, key: Key, stored: list[int]) -> list[int]:
        for overlay in self._overlays():
            if key in overlay.owners:
                owner = overlay.owners[key]
                return [] if owner is None else [owner]
        return stored

    def _survivor(self, number: int) -> int:
        for overlay in reversed(self._overlays()):
            number = overlay.survivors.get(number, number)
        return number

    def _profile(self, number: int, rows: Rows) -> Profile | None:
        """The survivor of `number`. One that a pending merge made is pending itself."""
        place, row = rows.get(number, (number, b""))
        survivor = self._survivor(place)
        for overlay in self._overlays():
            if survivor in overlay.profiles:
                return overlay.profiles[survivor]
        return unpack_profile(place, row, self._store_id) if row and survivor == place else None

    def _traits(self, number: int, stored: dict[int, bytes]) -> Traits:
        for overlay in self._overlays():
            if number in overlay.traits:
                return overlay.traits[number] or Traits()
        return unpack_traits(stored[number]) if number in stored else Traits()

    def _numbers(self, ids: Sequence[str]) -> list[int | None]:
        return [profile_number(self._store_id, id) for id in ids]


def _known(numbers: Iterable[int | None]) -> list[int]:
    return [one for one in numbers if one is not None]


def _has(profile: Profile, key: Key) -> bool:
    if (profile.space, profile.collection) != (key.space, key.collection):
        return False
    return any(one.type == key.type and one.value == key.value for one in profile.identifiers)
