"""Entries, segments and settlements for tests of stores."""

import os
from collections.abc import Sequence

from router.events.calls import Track
from router.events.envelope import Envelope
from router.storage.cursor import Cursor
from router.storage.entry import Door, Entry
from router.storage.hashing import message_hash
from router.storage.letters import DeadLetter, Parked
from router.storage.outcome import OutcomeRecord, Run
from router.storage.segment import encode_segment
from router.storage.store import Commit, Counts, SegmentDraft, Settlement, Storage


def entry(events: int = 1, *, body: bytes = b"{}", at: int = 1_000) -> Entry:
    return Entry("website", Door.BATCH, at, events, body, peer="10.0.0.1", user_agent="agent", refused=(3,))


def envelope(position: int, *, at: int = 1_000, size: int = 10) -> Envelope:
    event = Track(
        event="Tested",
        message_id=f"m{position}",
        user_id=f"u{position % 7}",
        received_at="r",
        timestamp=os.urandom(size // 2).hex(),
    )
    return Envelope(position, "website", event, at)


def hashes(first: int, count: int) -> bytes:
    return b"".join(message_hash(bytes(16), "default", f"m{one}") for one in range(first, first + count))


def hash_of(position: int) -> bytes:
    return hashes(position, 1)


def draft(first: int, count: int, *, at: int = 1_000, size: int = 10) -> SegmentDraft:
    envelopes = [envelope(one, at=at, size=size) for one in range(first, first + count)]
    data = encode_segment(first, envelopes, store_id=bytes(16), count=count)
    return SegmentDraft(first, count, data, hashes(first, count), at)


def step(cursor: int, after: int, segment: SegmentDraft | None, counts: Counts | None = None) -> Commit:
    return Commit(cursor, after, segment, counts or {})


async def fill(store: Storage, count: int, *, segments: int = 1, at: int = 1_000, size: int = 10) -> None:
    """Accept and process `segments` times `count` events."""
    for _ in range(segments):
        facts = await store.facts()
        position = await store.append([entry(count, at=at)], {})
        segment = draft(facts.stream_next, count, at=at, size=size)
        assert await store.commit(step(facts.inbox_cursor, position + count, segment))


def delivered(name: str, first: int, after: int, *, floor: int | None = None) -> Settlement:
    """`name` delivered the positions `first` to `after` and has finished everything below."""
    return Settlement(
        destination=name,
        cursor=Cursor(after if floor is None else floor),
        record=OutcomeRecord(2_000, (Run(first, after - first, "delivered"),)),
        counts={("accepted", name): after - first, ("delivered", name): after - first},
    )


def letter(position: int) -> DeadLetter:
    return DeadLetter("crm", position, f"m{position}", "refused", 1, 10, 20, b"{}", "POST /", "400")


def parked(position: int, attempts: int = 1) -> Parked:
    return Parked(position, attempts, 10, 20, "timeout", ("uu1", "aa1"))


def positions(envelopes: Sequence[Envelope]) -> list[int]:
    return [one.position for one in envelopes]
