"""Reading a segment: header and columns at once, blocks when asked for (`router.storage.segment` has the format)."""

from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
import numpy as np
import zstandard
from msgspec import Raw
from numpy.typing import NDArray

from router.events.calls import EMPTY_OBJECT, decode_event
from router.events.envelope import Envelope
from router.events.profile import ProfileSnapshot, attach
from router.events.wire import ABSENT
from router.storage.segment_layout import (
    BLOCK_SLOTS,
    EMPTY_TYPE,
    FACTS,
    HEAD,
    NO_NAME,
    PLAIN,
    PLAIN_VERSION,
    SLOT_HEADS,
    TRAITS_VERSION,
    ZSTD,
    Columns,
    SegmentDamaged,
    check,
    compressor,
    decompressor,
)


class Segment:
    """An encoded segment whose header and columns are read; its blocks are decompressed when asked for."""

    def __init__(
        self, data: bytes, first_position: int, codec: int, columns: Columns, strings: list[str]
    ) -> None:
        self._data = data
        self._codec = codec
        self.version = PLAIN_VERSION
        """Which format it has."""
        self._ends: list[int] = []
        self._blocks_at = 0
        self.first_position = first_position
        """Position of slot 0."""
        self.columns = columns
        """The columns as numpy arrays, for who searches them at once."""
        self.strings = strings
        """What the source and event-name codes mean."""

    @property
    def count(self) -> int:
        """How many slots it has, empty ones included."""
        return len(self.columns.types)

    @property
    def sources(self) -> tuple[str, ...]:
        """The names of the sources that have an event in it."""
        codes = np.unique(self.columns.sources[self.columns.types != EMPTY_TYPE])
        return tuple(self.strings[code] for code in codes.tolist())

    @property
    def event_names(self) -> tuple[str, ...]:
        """The names of the track events in it."""
        codes = np.unique(self.columns.names[self.columns.names != NO_NAME])
        return tuple(self.strings[code] for code in codes.tolist())

    @classmethod
    def parse(cls, data: bytes) -> "Segment":
        """Read header and columns, and check the whole; raises SegmentDamaged."""
        version, codec = check(data)
        first, count, slots, previous, strings_size = FACTS.unpack_from(data, HEAD.size)
        if slots != BLOCK_SLOTS:
            raise SegmentDamaged(f"its blocks have {slots} slots instead of {BLOCK_SLOTS}")
        take = _Cut(data, HEAD.size + FACTS.size)
        try:
            columns = Columns(
                take("<u4", count + 1).astype(np.int64),
                take("<u2", count),
                take("<u1", count),
                take("<u4", count),
                take("<i8", count),
                take("<i8", count),
                take("<u4", previous),
                take("<i8", previous),
            )
            ends = take("<u4", -(-count // BLOCK_SLOTS)).tolist()
            strings = msgspec.msgpack.decode(take("<u1", strings_size).tobytes(), type=list[str])
        except (ValueError, msgspec.DecodeError) as error:
            raise SegmentDamaged(f"its columns cannot be read: {error}") from error
        segment = cls(data, first, codec, columns, strings)
        segment.version, segment._ends, segment._blocks_at = version, ends, take.at
        return segment

    def find(self, key: int) -> list[int]:
        """The slots whose event has `key` (`router.storage.hashing.key_hash`) as user, anonymous or previous id."""
        columns = self.columns
        slots = np.nonzero((columns.users == key) | (columns.anonymous == key))[0]
        if len(columns.previous_slots):
            aliases = columns.previous_slots[columns.previous_hashes == key]
            slots = np.union1d(slots, aliases)
        return [int(slot) for slot in slots]

    def envelopes(self, slots: Iterable[int] | None = None) -> list[Envelope]:
        """Decode the events in `slots` (all by default), in order; empty slots are left out."""
        wanted = range(self.count) if slots is None else sorted(set(slots))
        found: list[Envelope] = []
        start = 0
        while start < len(wanted):
            number = wanted[start] // BLOCK_SLOTS
            end = start
            while end < len(wanted) and wanted[end] // BLOCK_SLOTS == number:
                end += 1
            if slots is None:
                end = min(start + BLOCK_SLOTS, self.count)
            self._decode_block(number, wanted[start:end], found)
            start = end
        return found

    def blocks(self) -> Iterable[bytes]:
        """The blocks as they lie on disk."""
        start = self._blocks_at
        for end in self._ends:
            yield self._data[start : self._blocks_at + end]
            start = self._blocks_at + end

    def block_without(self, number: int, gone: set[int]) -> bytes:
        """A block as it lies on disk, its slots in `gone` emptied."""
        plain = bytearray(self._plain(number))
        start = number * BLOCK_SLOTS
        end = min(start + BLOCK_SLOTS, self.count)
        offsets = self.columns.offsets
        widths = SLOT_HEADS[self.version]
        heads = (end - start) * sum(widths)
        records = [
            plain[heads + offsets[slot] - offsets[start] : heads + offsets[slot + 1] - offsets[start]]
            for slot in range(start, end)
            if slot not in gone
        ]
        for slot in range(end - start):
            if start + slot in gone:
                at = 0
                for size in widths:
                    plain[at + slot * size : at + (slot + 1) * size] = bytes(size)
                    at += size * (end - start)
        joined = b"".join([bytes(plain[:heads]), *records])
        return compressor(1)(joined) if self._codec == ZSTD else joined

    def _plain(self, number: int) -> bytes:
        start = self._blocks_at + (self._ends[number - 1] if number else 0)
        block = self._data[start : self._blocks_at + self._ends[number]]
        if self._codec == PLAIN:
            return block
        try:
            return decompressor()(block)
        except zstandard.ZstdError as error:
            raise SegmentDamaged(f"block {number} cannot be decompressed: {error}") from error

    def _decode_block(self, number: int, wanted: Sequence[int], found: list[Envelope]) -> None:
        plain = self._plain(number)
        start = number * BLOCK_SLOTS
        size = min(BLOCK_SLOTS, self.count - start)
        columns, strings, position = self.columns, self.strings, self.first_position
        try:
            received = np.frombuffer(plain, "<i8", size).tolist()
            metadata_sizes = np.frombuffer(plain, "<u4", size, 8 * size).tolist()
            profile_sizes = np.frombuffer(plain, "<u2", size, 12 * size).tolist()
            traits_sizes = (
                np.frombuffer(plain, "<u4", size, 14 * size).tolist()
                if self.version == TRAITS_VERSION
                else [0] * size
            )
            offsets = columns.offsets[start : start + size + 1]
            bounds: list[int] = (offsets - offsets[0] + sum(SLOT_HEADS[self.version]) * size).tolist()
            codes = columns.sources[start : start + size].tolist()
            for slot in wanted:
                at = slot - start
                first, end = bounds[at], bounds[at + 1]
                if first == end:
                    continue
                profile, metadata, traits = None, ABSENT, EMPTY_OBJECT
                if traits_sizes[at]:
                    traits = Raw(plain[end - traits_sizes[at] : end])
                    end -= traits_sizes[at]
                if profile_sizes[at]:
                    owner = plain[end + 1 - profile_sizes[at] : end].decode()
                    profile = ProfileSnapshot(owner, traits)
                    end += 1 - profile_sizes[at]
                if metadata_sizes[at]:
                    metadata = Raw(plain[end - metadata_sizes[at] : end])
                    end -= metadata_sizes[at]
                event = decode_event(plain[first:end])
                if profile is not None:
                    attach(event, profile)
                found.append(Envelope(position + slot, strings[codes[at]], event, received[at], metadata))
        except (ValueError, IndexError, msgspec.MsgspecError) as error:
            raise SegmentDamaged(f"block {number} cannot be read: {error}") from error


class _Cut:
    """Takes one array after another off the front of the data."""

    def __init__(self, data: bytes, at: int) -> None:
        self._data = data
        self.at = at

    def __call__(self, kind: str, count: int) -> NDArray[Any]:
        taken = np.frombuffer(self._data, kind, count, self.at) if count else np.zeros(0, kind)
        self.at += taken.nbytes
        return taken
