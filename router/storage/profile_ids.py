"""Profile ids: a number that says which event made the profile, under a text that says nothing.

The event at stream position 7 can make one user (number 14) and one account (number 15). So an id needs no table, a
step that runs twice gives the same ids, and new profiles lie beside each other on disk. Numbers below zero are those
that an operator made. The text is keyed by the store: nobody reads a position from it, or guesses a neighbour.
"""

from struct import Struct
from struct import error as StructError

from xxhash import xxh3_64_intdigest

from router.storage.hashing import seed_of
from router.storage.profile import COLLECTIONS, Collection

_PREFIXES: dict[Collection, str] = {"users": "use_", "accounts": "gro_"}
_LENGTH = 36
_number = Struct("<q")
_halves = Struct("<QQ")


def numbered(position: int, collection: Collection) -> int:
    """The number of the profile that the event at `position` makes in a collection."""
    return 2 * position + COLLECTIONS.index(collection)


def collection_of(number: int) -> Collection:
    """The collection that a profile's number is of."""
    return COLLECTIONS[number & 1]


def profile_id(store_id: bytes, number: int) -> str:
    """`use_…` or `gro_…` for a number."""
    seed = seed_of(store_id)
    packed = _number.pack(number)
    seal = xxh3_64_intdigest(packed, seed)
    hidden = int.from_bytes(packed, "little") ^ xxh3_64_intdigest(seal.to_bytes(8, "little"), seed)
    return _PREFIXES[collection_of(number)] + _halves.pack(seal, hidden).hex()


def profile_number(store_id: bytes, text: str) -> int | None:
    """The number behind an id; None for what is no id of this store."""
    if len(text) != _LENGTH:
        return None
    try:
        seal, hidden = _halves.unpack(bytes.fromhex(text[4:]))
    except (ValueError, StructError):
        return None
    mask = xxh3_64_intdigest(seal.to_bytes(8, "little"), seed_of(store_id))
    (number,) = _number.unpack((hidden ^ mask).to_bytes(8, "little"))
    return number if profile_id(store_id, number) == text else None


def birth_of(store_id: bytes, id: str) -> int:
    """The stream position of the event that made the profile; 0 for one that an operator made, or a foreign id."""
    return max(0, (profile_number(store_id, id) or 0) >> 1)
