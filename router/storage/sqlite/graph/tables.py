"""The statements of the graph. Every function runs on the thread of a connection, within a turn or a read."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from router.storage.profile_changes import Change, ProfileChanges
from router.storage.segment_layout import compressor, decompressor
from router.storage.sqlite.graph.overlay import Overlay
from router.storage.sqlite.graph.rows import beginning, identifier_hash, pack_profile, pack_traits
from router.storage.sqlite.read_ahead import ReadAhead

ROWS_LOOKED_AT = 2000
"""So many profiles one look for a page of them is at: two milliseconds."""
encode = msgspec.msgpack.Encoder().encode
_decode_changes = msgspec.msgpack.Decoder(ProfileChanges).decode
_decode_log = msgspec.msgpack.Decoder(list[Change]).decode
Statement = tuple[str, tuple[Any, ...]]
Write = Callable[[], Statement]
Rows = dict[int, tuple[int, bytes]]
"""Survivors by the number that leads to them: number and row."""
Pair = tuple[int | None, int | None]


class Packed(msgspec.Struct, frozen=True):
    """A commit's part of the graph as it is written."""

    changes: ProfileChanges
    pending: bytes
    log: bytes

    @property
    def size(self) -> int:
        """Bytes that go into the file."""
        return len(self.pending) + len(self.log)


def pack(changes: ProfileChanges) -> Packed:
    """Encode what a commit changes, before its transaction begins."""
    compress = compressor(1)
    rows = encode(msgspec.structs.replace(changes, log=()))
    return Packed(changes, compress(rows), compress(encode(changes.log)) if changes.log else b"")


def write(
    database: sqlite3.Connection, packed: Packed, number: int, first_change: int, received_at: int
) -> None:
    """Write a commit's part: one pending row, one of the log."""
    database.execute("INSERT INTO profile_pending VALUES (?,?)", (number, packed.pending))
    if packed.log:
        place = (first_change, len(packed.changes.log), received_at)
        database.execute("INSERT INTO profile_changes VALUES (?,?,?,?)", (*place, packed.log))
    database.executemany("INSERT OR IGNORE INTO profile_types VALUES (?,?,?)", packed.changes.types)


def read_pending(database: sqlite3.Connection) -> list[tuple[int, ProfileChanges]]:
    """What is committed and not yet in its tables, in order; with the number of each commit."""
    rows = database.execute("SELECT number, rows FROM profile_pending ORDER BY number").fetchall()
    return [(number, _decode_changes(decompressor()(data))) for number, data in rows]


def writes(overlay: Overlay, store_id: bytes) -> list[Write]:
    """The statements that bring an overlay into the tables, in the order in which the rows lie on disk."""
    hashed = [
        (identifier_hash(store_id, key), number, is_there)
        for (key, number), is_there in overlay.identifiers.items()
    ]
    found: list[Write] = []
    found += [_forget_links(number) for number in overlay.unlinked]
    found += [_profile(overlay, number, store_id) for number in sorted(overlay.profiles)]
    found += [_traits(overlay, number) for number in sorted(overlay.traits)]
    found += [_identifier(*row) for row in sorted(hashed)]
    found += [_link(*pair, at) for pair, at in sorted(overlay.links.items())]
    return found


def _profile(overlay: Overlay, number: int, store_id: bytes) -> Write:
    def make() -> Statement:
        profile, survivor = overlay.profiles[number], overlay.survivors.get(number)
        if profile is None and survivor is None:
            return "DELETE FROM profiles WHERE number = ?", (number,)
        row = None if profile is None else pack_profile(profile, store_id)
        return "REPLACE INTO profiles VALUES (?,?,?)", (number, survivor, row)

    return make


def _traits(overlay: Overlay, number: int) -> Write:
    def make() -> Statement:
        traits = overlay.traits[number]
        if traits is None:
            return "DELETE FROM profile_traits WHERE number = ?", (number,)
        row = (number, pack_traits(traits), traits.due_at or None)
        return "REPLACE INTO profile_traits (number, traits, due) VALUES (?,?,?)", row

    return make


def _identifier(place: int, number: int, is_there: bool) -> Write:
    if is_there:
        return lambda: ("INSERT OR IGNORE INTO profile_identifiers VALUES (?,?)", (place, number))
    return lambda: ("DELETE FROM profile_identifiers WHERE hash = ? AND number = ?", (place, number))


def _link(one: int, other: int, at: int) -> Write:
    return lambda: ("INSERT OR IGNORE INTO profile_links VALUES (?,?,?)", (one, other, at))


def _forget_links(number: int) -> Write:
    delete = (
        "DELETE FROM profile_links WHERE (one, other) IN (SELECT one, other FROM profile_links WHERE one = ?1 "
        "UNION ALL SELECT other, one FROM profile_links WHERE one = ?1)"
    )
    return lambda: (delete, (number,))


def find_owners(
    database: sqlite3.Connection, hashes: Iterable[int], ahead: ReadAhead
) -> tuple[dict[int, list[int]], Rows]:
    """For each hash the numbers that lie there, and what those numbers are."""
    query = (
        "SELECT asked.value, found.number FROM json_each(?) AS asked "
        "LEFT JOIN profile_identifiers AS found ON found.hash = asked.value"
    )
    owners: dict[int, list[int]] = {}
    for place, number in ahead.rows(database, "profile_identifiers", query, hashes):
        numbers = owners.setdefault(place, [])
        if number is not None:
            numbers.append(number)
    return owners, find_profiles(database, {one for numbers in owners.values() for one in numbers}, ahead)


def find_profiles(database: sqlite3.Connection, numbers: Iterable[int], ahead: ReadAhead) -> Rows:
    """For each number that is known, the survivor's number and row."""
    query = (
        "SELECT asked.value, survivor.number, survivor.profile FROM json_each(?) AS asked "
        "LEFT JOIN profiles AS found ON found.number = asked.value "
        "LEFT JOIN profiles AS survivor ON survivor.number = coalesce(found.survivor, found.number)"
    )
    rows = ahead.rows(database, "profiles", query, numbers)
    return {number: (place, row) for number, place, row in rows if place is not None}


def find_traits(
    database: sqlite3.Connection, numbers: Iterable[int], ahead: ReadAhead
) -> tuple[Rows, dict[int, bytes]]:
    """What the numbers are, and the rows of traits of the survivors that have any."""
    query = (
        "SELECT asked.value, found.traits FROM json_each(?) AS asked "
        "LEFT JOIN profile_traits AS found ON found.number = asked.value"
    )
    profiles = find_profiles(database, numbers, ahead)
    rows = ahead.rows(database, "profile_traits", query, {place for place, _ in profiles.values()})
    return profiles, {place: traits for place, traits in rows if traits is not None}


def find_due(database: sqlite3.Connection, now: int, limit: int) -> list[int]:
    """Numbers of profiles whose time has come, those first that wait longest."""
    query = "SELECT number FROM profile_traits WHERE due <= ? ORDER BY due LIMIT ?"
    return [row[0] for row in database.execute(query, (now, limit))]


def find_linked(database: sqlite3.Connection, pairs: Iterable[Pair], ahead: ReadAhead) -> set[Pair]:
    """Those of the pairs that are linked."""
    query = (
        "SELECT json_extract(asked.value, '$[0]'), found.other FROM json_each(?) AS asked "
        "LEFT JOIN profile_links AS found ON found.one = json_extract(asked.value, '$[0]') "
        "AND found.other = json_extract(asked.value, '$[1]')"
    )
    wanted = sorted({(one, other) for one, other in pairs if one is not None and other is not None})
    rows = ahead.rows(database, "profile_links", query, [one for one, _ in wanted], wanted)
    return {(one, other) for one, other in rows if other is not None}


def find_links(
    database: sqlite3.Connection, numbers: Sequence[int], limit: int
) -> list[tuple[int, int, int]]:
    """Links from any of the numbers: one end, the other, and when."""
    marks = ",".join("?" * len(numbers))
    query = f"SELECT one, other, at FROM profile_links WHERE one IN ({marks}) ORDER BY one, other LIMIT ?"
    return database.execute(query, (*numbers, limit)).fetchall()


def find_page(
    database: sqlite3.Connection, beyond: int, space: str, parity: int, limit: int
) -> tuple[list[int], int | None]:
    """Numbers of living profiles of a space and collection, behind `beyond`; and how far it looked, None for all.

    A look is at a bounded number of rows, so that a small space among large ones does not hold up other readers.
    """
    query = (
        "SELECT number, profile FROM profiles WHERE number > ? AND profile IS NOT NULL AND number & 1 = ? "
        "ORDER BY number LIMIT ?"
    )
    found: list[int] = []
    wanted = beginning(space)
    rows = database.execute(query, (beyond, parity, ROWS_LOOKED_AT)).fetchall()
    for number, row in rows:
        if row.startswith(wanted):
            found.append(number)
            if len(found) == limit:
                return found, number
    return found, rows[-1][0] if len(rows) == ROWS_LOOKED_AT else None


def read_log(database: sqlite3.Connection, number: int, limit: int) -> list[Change]:
    """Entries of the log from `number` on."""
    found: list[Change] = []
    rows = database.execute(
        "SELECT first, data FROM profile_changes WHERE first >= coalesce((SELECT max(first) FROM profile_changes "
        "WHERE first <= ?1), ?1) ORDER BY first",
        (number,),
    )
    for first, data in rows:
        changes = _decode_log(decompressor()(data))
        found += [
            msgspec.structs.replace(change, number=place)
            for place, change in enumerate(changes, first)
            if place >= number
        ]
        if len(found) >= limit:
            break
    return found[:limit]


def move_follower(name: str, number: int | None, database: sqlite3.Connection, state: object) -> None:
    """Keep where a follower of the log is; None forgets it."""
    if number is None:
        database.execute("DELETE FROM profile_followers WHERE name = ?", (name,))
    else:
        database.execute("INSERT OR REPLACE INTO profile_followers VALUES (?,?)", (name, number))
