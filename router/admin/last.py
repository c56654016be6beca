"""The verb `last`: the newest events of the stream, as they are kept."""

from typing import Self

from msgspec import Raw, Struct

from router.admin.verbs import Desk, Verb
from router.events.calls import decode_event
from router.events.envelope import Envelope
from router.events.profile import attach, pack, unpack
from router.events.wire import ABSENT
from router.storage.segment import decode_segment
from router.storage.store import Storage

MOST = 1000
READ_BYTES = 1 << 20


class Last(Struct, frozen=True, forbid_unknown_fields=True):
    """How many."""

    count: int = 100
    """At most `MOST`."""


class Kept(Struct, frozen=True):
    """One event of the stream."""

    position: int
    source: str
    received_at: int
    event: Raw
    """Its stored form."""
    metadata: Raw = Raw(b"null")
    """Its `_metadata`, which decides about destinations that the client has sent it to; null when it has none."""
    profile: bytes = b""
    """What it knows of its profile, which decides too."""

    def envelope(self) -> Envelope:
        """The event as it stands in the stream."""
        metadata = self.metadata if bytes(self.metadata) != b"null" else ABSENT
        event = decode_event(bytes(self.event))
        attach(event, unpack(self.profile))
        return Envelope(self.position, self.source, event, self.received_at, metadata)

    @classmethod
    def of(cls, one: Envelope) -> Self:
        """The event in a form that can be handed on."""
        metadata = one.metadata if bytes(one.metadata) else Raw(b"null")
        return cls(
            one.position, one.source, one.received_at, Raw(one.event.json), metadata, pack(one.event.profile)
        )


LAST: Verb[Last, list[Kept]] = Verb("last", Last, list[Kept])


def answer_last(desk: Desk, storage: Storage) -> None:
    """Have `desk` answer for `storage`."""

    async def last(asked: Last) -> list[Kept]:
        facts = await storage.facts()
        wanted = max(1, min(asked.count, MOST))
        position = max(facts.stream_first, facts.stream_next - wanted)
        found: list[Envelope] = []
        while position < facts.stream_next:
            segments = await storage.read_stream(position, READ_BYTES)
            if not segments:
                break
            for segment in segments:
                found += decode_segment(segment.data) if segment.data else []
                position = segment.first_position + segment.count
        return [Kept.of(one) for one in found[-wanted:]]

    desk.on(LAST, last)
