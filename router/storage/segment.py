"""How a piece of the stream lies on disk: columns per slot, then compressed blocks of events.

What is promised: a position is a slot and is never renumbered; one event can be taken out without touching
the others (its slot stays, empty); a damaged segment is recognised before anything of it is used; which users,
sources and event names a segment holds is known without decompressing it.

    offset  field
    0       magic `PMSG` · version u8 · codec u8 (0 plain, 1 zstd) · dictionary id u16 (0 none) · key id u32 (0 plain)
    12      checksum u64: xxh3_64 of everything behind it
    20      first position u64 · count u32 · slots in a block u32 · previous ids u32 · size of the string table u32
    44      columns, one value a slot:
              offset u32 (count + 1 of them: where the slot's record begins in the plain records of the segment;
              an empty slot ends where it begins) · source code u16 · type u8 (255: empty slot) · event-name code u32
              · hash of userId i64 · hash of anonymousId i64 (0: none)
            previous ids of aliases, sparse: slot u32 each, then hash i64 each
            end of each block u32 (in the bytes of the blocks)
            string table: msgpack list of text; the source and event-name codes count in it (event-name code
            0xFFFFFFFF: none)
            blocks, each compressed by itself: received_at i64, length of `_metadata` u32, length of the profile id
            plus one u16 (0: none) and, in version 2, length of the traits u32 of all its slots, then their records:
            event JSON, `_metadata`, profile id, traits

Version 2 has traits of profiles beside its events (`router.events.profile`); a segment without any is of version 1.

All numbers are little-endian. Why so: columns are written and searched by numpy at once, not slot by slot. Blocks of
64 slots are big enough to compress well and small enough that taking out one event, or reading a few, costs little.
The codec, dictionary and key ids leave room for trained dictionaries and encryption without a migration. Hashes are
keyed by the store (`router.storage.hashing`), so the columns tell a reader of the file nothing.
"""

from collections.abc import Iterable, Sequence
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from router.events.calls import (
    EMPTY_OBJECT,
    EVENT_TYPES,
    Alias,
    AnyEvent,
    Group,
    Identify,
    Page,
    Screen,
    Track,
)
from router.events.envelope import Envelope
from router.events.wire import ABSENT
from router.storage.hashing import key_hash, seed_of
from router.storage.segment_layout import (
    BLOCK_SLOTS,
    EMPTY_TYPE,
    NO_NAME,
    PLAIN_VERSION,
    TRAITS_VERSION,
    Columns,
    SegmentDamaged,
    assemble,
    compressor,
)
from router.storage.segment_reader import Segment

__all__ = ["Segment", "SegmentDamaged", "decode_segment", "encode_segment", "rewrite_without"]

_TYPE_CODES: dict[type, int] = {
    one: EVENT_TYPES.index(name)
    for one, name in (
        (Track, "track"), (Identify, "identify"), (Page, "page"),
        (Screen, "screen"), (Group, "group"), (Alias, "alias"),
    )
}  # fmt: skip
T = TypeVar("T", bound=np.generic)


def encode_segment(
    first_position: int,
    envelopes: Sequence[Envelope],
    *,
    store_id: bytes,
    count: int | None = None,
    level: int = 1,
) -> bytes:
    """Encode `envelopes`, in the order of their positions, as the segment that begins at `first_position`.

    Positions between them, and up to `count` slots, are empty slots. Safe to call on any thread.
    """
    positions = [envelope.position for envelope in envelopes]
    last = positions[-1] + 1 - first_position if positions else 0
    count = last if count is None else count
    is_dense = len(positions) == count and last == count
    if last > count or (positions and positions[0] < first_position):
        raise ValueError("an envelope lies outside of its segment")
    slots = None if is_dense else np.array(positions, np.int64) - first_position
    strings: dict[str, int] = {}
    events = [envelope.event for envelope in envelopes]
    records, lengths, metadata, profiles, traits = _records(envelopes, events)
    sizes = _spread(np.array(lengths, np.int64), slots, count, 0)
    offsets = np.zeros(count + 1, np.int64)
    np.cumsum(sizes, out=offsets[1:])
    users = _hashes([event.user_id for event in events], store_id)
    anonymous = _hashes([event.anonymous_id for event in events], store_id)
    columns = Columns(
        offsets,
        _spread(np.array([_code(strings, one.source) for one in envelopes], "<u2"), slots, count, 0),
        _spread(np.array([_TYPE_CODES[type(event)] for event in events], "<u1"), slots, count, EMPTY_TYPE),
        _spread(np.array([_name_code(strings, event) for event in events], "<u4"), slots, count, NO_NAME),
        _spread(users, slots, count, 0),
        _spread(anonymous, slots, count, 0),
        *_previous(envelopes, first_position, store_id),
    )
    heads: list[NDArray[Any]] = [
        _spread(np.array([one.received_at for one in envelopes], "<i8"), slots, count, 0),
        _spread(np.array(metadata, "<u4"), slots, count, 0),
        _spread(np.array(profiles, "<u2"), slots, count, 0),
    ]
    has_traits = any(traits)
    if has_traits:
        heads.append(_spread(np.array(traits, "<u4"), slots, count, 0))
    compress = compressor(level)
    blocks = []
    record = 0
    for start in range(0, count, BLOCK_SLOTS):
        end = min(start + BLOCK_SLOTS, count)
        after = 3 * end if slots is None else 3 * int(np.searchsorted(slots, end))
        plain = b"".join([*[head[start:end].tobytes() for head in heads], *records[record:after]])
        record = after
        blocks.append(compress(plain))
    version = TRAITS_VERSION if has_traits else PLAIN_VERSION
    return assemble(first_position, columns, list(strings), blocks, version=version)


def decode_segment(data: bytes) -> list[Envelope]:
    """Decode every event of a segment; empty slots are left out. Raises SegmentDamaged."""
    return Segment.parse(data).envelopes()


def rewrite_without(data: bytes, slots: Iterable[int]) -> bytes:
    """Return the segment with `slots` emptied; positions stay, only the blocks that held them are compressed again."""
    segment = Segment.parse(data)
    gone = np.unique(np.array([slot for slot in slots if 0 <= slot < segment.count], np.int64))
    old = segment.columns
    sizes = np.diff(old.offsets)
    blocks = list(segment.blocks())
    for number in np.unique(gone // BLOCK_SLOTS).tolist():
        blocks[number] = segment.block_without(number, {int(one) for one in gone})
    sizes[gone] = 0
    offsets = np.concatenate([np.zeros(1, np.int64), np.cumsum(sizes)])
    kept = ~np.isin(old.previous_slots, gone)
    columns = Columns(
        offsets,
        _without(old.sources, gone, 0),
        _without(old.types, gone, EMPTY_TYPE),
        _without(old.names, gone, NO_NAME),
        _without(old.users, gone, 0),
        _without(old.anonymous, gone, 0),
        old.previous_slots[kept],
        old.previous_hashes[kept],
    )
    used = set(columns.names.tolist()) | set(columns.sources[columns.types != EMPTY_TYPE].tolist())
    strings = [text if code in used else "" for code, text in enumerate(segment.strings)]
    return assemble(segment.first_position, columns, strings, blocks, version=segment.version)


def _records(
    envelopes: Sequence[Envelope], events: Sequence[AnyEvent]
) -> tuple[list[bytes], list[int], list[int], list[int], list[int]]:
    """Three pieces for each record, the record's length, and the lengths of metadata, profile id (plus one), traits."""
    pieces: list[bytes] = []
    lengths, metadata_sizes, profile_sizes, traits_sizes = [], [], [], []
    for envelope, event in zip(envelopes, events, strict=True):
        json = event.json
        raw = envelope.metadata
        metadata = b"" if raw is ABSENT else bytes(raw)
        profile = event.profile
        if profile is None:
            owner, size, traits = b"", 0, b""
        else:
            owner = profile.id.encode()
            size = len(owner) + 1
            traits = b"" if profile.traits_json is EMPTY_OBJECT else bytes(profile.traits_json)
        pieces += (json, metadata, owner + traits)
        lengths.append(len(json) + len(metadata) + len(owner) + len(traits))
        metadata_sizes.append(len(metadata))
        profile_sizes.append(size)
        traits_sizes.append(len(traits))
    return pieces, lengths, metadata_sizes, profile_sizes, traits_sizes


def _code(strings: dict[str, int], text: str) -> int:
    return strings.setdefault(text, len(strings))


def _name_code(strings: dict[str, int], event: AnyEvent) -> int:
    return strings.setdefault(event.event, len(strings)) if type(event) is Track else NO_NAME


def _hashes(identifiers: Sequence[str | None], store_id: bytes) -> NDArray[np.int64]:
    seed = seed_of(store_id)
    numbers = [
        0 if one is None else xxh3_64_intdigest(one.encode("utf-8", "surrogatepass"), seed)
        for one in identifiers
    ]
    return np.array(numbers, "<u8").view("<i8")


def _previous(
    envelopes: Sequence[Envelope], first: int, store_id: bytes
) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    slots, hashes = [], []
    for envelope in envelopes:
        if type(envelope.event) is Alias:
            slots.append(envelope.position - first)
            hashes.append(key_hash(store_id, envelope.event.previous_id))
    return np.array(slots, "<u4"), np.array(hashes, "<i8")


def _spread(values: NDArray[T], slots: NDArray[np.int64] | None, count: int, empty: int) -> NDArray[T]:
    """Put the values of the envelopes into their slots."""
    if slots is None:
        return values
    column = np.full(count, empty, values.dtype)
    column[slots] = values
    return column


def _without(column: NDArray[T], gone: NDArray[np.int64], empty: int) -> NDArray[T]:
    changed = column.copy()
    changed[gone] = empty
    return changed
