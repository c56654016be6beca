"""The statements of the graph. Every function runs on the thread of a connection, within a turn or a read."""

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import msgspec

from router.storage.profile_changes import Change, ProfileChanges
from router.storage.segment_layout import compressor, decompressor
from router.storage.sqlite.graph.overlay import Overlay
from router.storage.sqlite.graph.rows import identifier_hash, pack_profile, pack_traits
from router.storage.sqlite.read_ahead import ReadAhead

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
        return "REPLACE INTO profile_traits VALUES (?,?)", (number, pack_traits(traits))

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
    found: dict[int, list[int]] = {}
    query = "SELECT number FROM profile_identifiers WHERE hash = ?"
    for place in ahead.ordered(database, "profile_identifiers", hashes):
        found[place] = [row[0] for row in database.execute(query, (place,)).fetchall()]
    numbers = {number for numbers in found.values() for number in numbers}
    return found, find_profiles(database, numbers, ahead)


def find_profiles(database: sqlite3.Connection, numbers: Iterable[int], ahead: ReadAhead) -> Rows:
    """For each number that is known, the survivor's number and row."""
    found: Rows = {}
    query = "SELECT survivor, profile FROM profiles WHERE number = ?"
    for number in ahead.ordered(database, "profiles", numbers):
        row = database.execute(query, (number,)).fetchone()
        place = number
        if row is not None and row[0] is not None:
            place = row[0]
            row = database.execute(query, (place,)).fetchone()
        if row is not None:
            found[number] = (place, row[1])
    return found


def find_traits(
    database: sqlite3.Connection, numbers: Iterable[int], ahead: ReadAhead
) -> tuple[Rows, dict[int, bytes]]:
    """What the numbers are, and the rows of traits of the survivors that have any."""
    rows = find_profiles(database, numbers, ahead)
    query = "SELECT traits FROM profile_traits WHERE number = ?"
    places = ahead.ordered(database, "profile_traits", {place for place, _ in rows.values()})
    found = {place: database.execute(query, (place,)).fetchone() for place in places}
    return rows, {place: row[0] for place, row in found.items() if row is not None}


def find_linked(database: sqlite3.Connection, pairs: Iterable[Pair], ahead: ReadAhead) -> set[Pair]:
    """Those of the pairs that are linked."""
    query = "SELECT 1 FROM profile_links WHERE one = ? AND other = ?"
    others: dict[int, list[int | None]] = {}
    for one, other in pairs:
        if one is not None:
            others.setdefault(one, []).append(other)
    return {
        (one, other)
        for one in ahead.ordered(database, "profile_links", others)
        for other in others[one]
        if database.execute(query, (one, other)).fetchone() is not None
    }


def find_links(
    database: sqlite3.Connection, numbers: Sequence[int], limit: int
) -> list[tuple[int, int, int]]:
    """Links from any of the numbers: one end, the other, and when."""
    marks = ",".join("?" * len(numbers))
    query = f"SELECT one, other, at FROM profile_links WHERE one IN ({marks}) ORDER BY one, other LIMIT ?"
    return database.execute(query, (*numbers, limit)).fetchall()


def find_page(
    database: sqlite3.Connection, beyond: int | None, space: str, parity: int, limit: int
) -> list[int]:
    """Numbers of living profiles of a space and collection, behind `beyond`."""
    query = (
        "SELECT number, profile FROM profiles WHERE number > ? AND profile IS NOT NULL AND number & 1 = ? "
        "ORDER BY number"
    )
    found: list[int] = []
    first = -(1 << 62) if beyond is None else beyond
    for number, row in database.execute(query, (first, parity)):
        if msgspec.msgpack.decode(row)[0] == space:
            found.append(number)
            if len(found) == limit:
                break
    return found


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
