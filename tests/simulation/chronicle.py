"""What the store held, as an outsider wrote it down: every event of the stream, and what each start found."""

from msgspec import Struct

from router.events.envelope import Envelope, order_keys
from router.storage.segment import decode_segment
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Commit, DestinationState

READ_BYTES = 64 << 20


class Line(Struct, frozen=True):
    """One event of the stream."""

    id: str
    source: str
    type: str
    keys: tuple[str, ...]
    received_at: int
    envelope: Envelope


class Chronicle:
    """Written while the router runs, because the store itself may trim."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        """By position."""
        self.life = 0
        self.found: dict[int, dict[str, DestinationState]] = {}
        """What each life found of its destinations when it opened the store."""
        self.problems: list[str] = []
        self.store_id = b""

    async def opened(self, storage: SqliteStorage) -> None:
        """Catch up with commits whose answer nobody heard, and note where destinations stand."""
        for segment in await storage.read_stream(len(self.lines), READ_BYTES):
            self._add(segment.first_position, decode_segment(segment.data))
        self.store_id = storage.store_id
        facts = await storage.facts()
        if facts.stream_next != len(self.lines):
            self.problems.append(
                f"the stream ends at {facts.stream_next}, {len(self.lines)} events were seen"
            )
        self.found[self.life] = {state.name: state for state in await storage.destinations()}

    def committed(self, commit: Commit) -> None:
        """Note what a commit added."""
        if commit.segment is not None:
            self._add(commit.segment.first_position, decode_segment(commit.segment.data))

    def _add(self, first: int, envelopes: list[Envelope]) -> None:
        for envelope in envelopes[max(0, len(self.lines) - first) :]:
            if envelope.position != len(self.lines):
                self.problems.append(f"position {envelope.position} comes after {len(self.lines) - 1}")
            event = envelope.event
            self.lines.append(
                Line(
                    event.message_id,
                    envelope.source,
                    event.type,
                    order_keys(event),
                    envelope.received_at,
                    envelope,
                )
            )
