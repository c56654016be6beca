"""The parts of a segment that its writer and its reader share; `router.storage.segment` explains the format."""

import struct
import threading
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import zstandard
from numpy.typing import NDArray
from xxhash import xxh3_64_intdigest

from router.errors import StorageError

MAGIC = b"PMSG"
PLAIN_VERSION, TRAITS_VERSION = 1, 2
"""Segments without and with traits of profiles beside their events."""
VERSIONS = (PLAIN_VERSION, TRAITS_VERSION)
BLOCK_SLOTS = 64
PLAIN, ZSTD = 0, 1
EMPTY_TYPE = 255
NO_NAME = 0xFFFFFFFF
HEAD = struct.Struct("<4sBBHIQ")
FACTS = struct.Struct("<QIIII")
SLOT_HEADS = {PLAIN_VERSION: (8, 4, 2), TRAITS_VERSION: (8, 4, 2, 4)}
"""Bytes of a slot at the front of its block, by version: received_at, length of metadata, of profile id, of traits."""
_own = threading.local()


class SegmentDamaged(StorageError):
    """A segment cannot be read; the message says what is wrong with it."""


def check(data: bytes) -> tuple[int, int]:
    """Check that `data` is a whole segment of a known kind: its version and codec; raises SegmentDamaged."""
    if len(data) < HEAD.size + FACTS.size:
        raise SegmentDamaged(f"it is cut off after {len(data)} bytes")
    magic, version, codec, dictionary, key, checksum = HEAD.unpack_from(data)
    if magic != MAGIC:
        raise SegmentDamaged(f"it begins with {magic!r} instead of {MAGIC!r}")
    if version not in VERSIONS or codec not in (PLAIN, ZSTD) or dictionary or key:
        raise SegmentDamaged(
            f"version {version}, codec {codec}, dictionary {dictionary}, key {key} are not known here"
        )
    if xxh3_64_intdigest(memoryview(data)[HEAD.size :]) != checksum:
        raise SegmentDamaged("its checksum does not match")
    return int(version), int(codec)


class Columns:
    """The columns of a segment, as numpy arrays of one value a slot."""

    __slots__ = (
        "anonymous", "names", "offsets", "previous_hashes", "previous_slots", "sources", "types", "users",
    )  # fmt: skip

    def __init__(
        self,
        offsets: NDArray[np.int64],
        sources: NDArray[Any],
        types: NDArray[np.uint8],
        names: NDArray[np.uint32],
        users: NDArray[np.int64],
        anonymous: NDArray[np.int64],
        previous_slots: NDArray[np.uint32],
        previous_hashes: NDArray[np.int64],
    ) -> None:
        self.offsets = offsets
        self.sources = sources
        self.types = types
        self.names = names
        self.users = users
        self.anonymous = anonymous
        self.previous_slots = previous_slots
        self.previous_hashes = previous_hashes


def assemble(first: int, columns: Columns, strings: list[str], blocks: list[bytes], *, version: int) -> bytes:
    """Put header, columns, strings and blocks together."""
    if columns.offsets[-1] > NO_NAME:
        raise ValueError("a segment holds at most 4 GiB of events")
    table = msgspec.msgpack.encode(strings)
    ends = np.cumsum([len(block) for block in blocks]).astype("<u4")
    count, previous = len(columns.types), len(columns.previous_slots)
    body = b"".join(
        [
            FACTS.pack(first, count, BLOCK_SLOTS, previous, len(table)),
            columns.offsets.astype("<u4").tobytes(),
            columns.sources.tobytes(),
            columns.types.tobytes(),
            columns.names.tobytes(),
            columns.users.tobytes(),
            columns.anonymous.tobytes(),
            columns.previous_slots.tobytes(),
            columns.previous_hashes.tobytes(),
            ends.tobytes(),
            table,
            *blocks,
        ]
    )
    return HEAD.pack(MAGIC, version, ZSTD, 0, 0, xxh3_64_intdigest(body)) + body


def compressor(level: int) -> Callable[[bytes], bytes]:
    """A compressor of this thread: one is not safe to share."""
    made: dict[int, Callable[[bytes], bytes]] = _own.__dict__.setdefault("compressors", {})
    if level not in made:
        compressor = zstandard.ZstdCompressor(level=level, write_content_size=True)
        made[level] = compressor.compress
    return made[level]


def decompressor() -> Callable[[bytes], bytes]:
    """A decompressor of this thread."""
    decompress: Callable[[bytes], bytes] | None = _own.__dict__.get("decompress")
    if decompress is None:
        decompress = _own.decompress = zstandard.ZstdDecompressor().decompress
    return decompress
