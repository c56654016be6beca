"""Profiles and traits as they lie in their rows: what many fields have alike is written once.

A profile with three identifiers of two events takes about 200 bytes, mostly the identifiers and the message ids.
"""

from typing import Any

import msgspec
from xxhash import xxh3_64_intdigest

from router.storage.computed_state import ComputedState
from router.storage.hashing import seed_of
from router.storage.profile import Identifier, Key, Profile, Trait, Traits
from router.storage.profile_ids import collection_of, profile_id, profile_number

CODES = (
    "user_id", "email", "anonymous_id", "group_id", "android.id", "android.idfa", "android.push_token", "ios.id",
    "ios.idfa", "ios.push_token", "ga_client_id", "cross_domain_id", "braze_id",
)  # fmt: skip
"""Types that are written as a number. The order is on disk: only append."""
_CODES = {type: code for code, type in enumerate(CODES)}
_SIGN = 1 << 63
_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder().decode


def identifier_hash(store_id: bytes, key: Key) -> int:
    """The signed 64 bits at which an identifier lies."""
    text = f"{key.space}\0{key.collection}\0{key.type}\0{key.value}"
    return xxh3_64_intdigest(text.encode("utf-8", "surrogatepass"), seed_of(store_id)) - _SIGN


def number_of(store_id: bytes, id: str) -> int:
    """The number of an id that this store gave; raises ValueError for any other."""
    number = profile_number(store_id, id)
    if number is None:
        raise ValueError(f"{id!r} is not the id of a profile of this store")
    return number


def pack_profile(profile: Profile, store_id: bytes) -> bytes:
    """The row of a profile."""
    stamps: dict[tuple[str, str], int] = {(profile.first_source, profile.first_message_id): 0}
    last = stamps.setdefault((profile.last_source, profile.last_message_id), len(stamps))
    born = profile.created_at
    identifiers = [
        (
            _CODES.get(one.type, one.type),
            one.value,
            one.created_at - born,
            stamps.setdefault((one.source, one.message_id), len(stamps)),
        )
        for one in profile.identifiers
    ]
    absorbed = [number_of(store_id, one) for one in profile.absorbed]
    facts = (profile.space, born, profile.updated_at - born, last, profile.has_traits)
    return _encode((*facts, list(stamps), identifiers, absorbed))


def beginning(space: str) -> bytes:
    """What the row of each profile of a space begins with."""
    others = (0,) * 7  # a byte each
    return _encode((space, *others))[: -len(others)]


def unpack_profile(number: int, row: bytes, store_id: bytes) -> Profile:
    """The profile with that number."""
    space, born, age, last, has_traits, stamps, identifiers, absorbed = _decode(row)
    return Profile(
        id=profile_id(store_id, number),
        space=space,
        collection=collection_of(number),
        created_at=born,
        updated_at=born + age,
        first_source=stamps[0][0],
        first_message_id=stamps[0][1],
        last_source=stamps[last][0],
        last_message_id=stamps[last][1],
        identifiers=tuple(
            [
                Identifier(CODES[type] if isinstance(type, int) else type, value, born + at, *stamps[stamp])
                for type, value, at, stamp in identifiers
            ]
        ),
        absorbed=tuple([profile_id(store_id, one) for one in absorbed]),
        has_traits=has_traits,
    )


def pack_traits(traits: Traits) -> bytes:
    """The row of a profile's traits."""
    stamps: dict[tuple[Any, ...], int] = {}
    values = {
        name: (
            one.json,
            stamps.setdefault((one.at, one.received_at, one.message_id, one.source), len(stamps)),
        )
        for name, one in traits.values.items()
    }
    facts = (list(stamps), values, traits.consent, traits.consent_at)
    return _encode((*facts, traits.computed) if traits.computed else facts)


def unpack_traits(row: bytes) -> Traits:
    """The traits of a profile."""
    stamps, values, consent, consent_at, *computed = _decode(row)
    return Traits(
        {name: Trait(json, *stamps[stamp]) for name, (json, stamp) in values.items()},
        consent,
        consent_at,
        {name: _state(*state) for name, state in computed[0].items()} if computed else {},
    )


def _state(rule: str, kind: str, window: int, cells: dict[int, Any], *more: Any) -> ComputedState:
    # the garbage collector keeps looking at lists, but not at tuples of plain values; there may be very many
    cells = {place: tuple(one) if one.__class__ is list else one for place, one in cells.items()}
    return ComputedState(rule, kind, window, cells, *more)
