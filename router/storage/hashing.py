"""Keyed hashes: ids are compared without being kept, and mean nothing outside their store.

Both functions are seeded with the store's own random id, so that nobody can choose ids that collide.
"""

from functools import lru_cache

from xxhash import xxh3_64_intdigest, xxh3_128_digest

_SIGN = 1 << 63


@lru_cache(maxsize=64)
def seed_of(store_id: bytes) -> int:
    """The 64-bit seed of a store's hashes."""
    return int.from_bytes(store_id[:8], "little") ^ int.from_bytes(store_id[8:16], "little")


def message_hash(store_id: bytes, workspace: str, message_id: str) -> bytes:
    """The 16 bytes that stand for a message id of a workspace."""
    text = f"{workspace}\0{message_id}"
    return xxh3_128_digest(text.encode("utf-8", "surrogatepass"), seed_of(store_id))


def key_hash(store_id: bytes, identifier: str) -> int:
    """The signed 64-bit number that stands for a user, anonymous or previous id."""
    number = xxh3_64_intdigest(identifier.encode("utf-8", "surrogatepass"), seed_of(store_id))
    return number - 2 * _SIGN if number >= _SIGN else number
