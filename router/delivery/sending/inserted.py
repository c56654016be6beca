"""What insert functions made of events whose delivery failed afterwards: nobody is asked a second time for that."""

from hashlib import blake2b

from router.events.calls import AnyEvent

MOST = 10_000
MOST_BYTES = 16 << 20
"""Older ones are forgotten beyond these; the function is called again."""
_OVERHEAD = 500


class InsertedEvents:
    """Remembers events as they go on, the latest up to a limit."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[bytes, AnyEvent]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, event: AnyEvent) -> AnyEvent | None:
        """What was made of `event`, if it is remembered."""
        kept = self._kept.get(event.message_id)
        return kept[1] if kept is not None and kept[0] == _digest(event) else None

    def keep(self, event: AnyEvent, made: AnyEvent) -> None:
        """Remember what was made of `event`."""
        self.forget(event)
        self._kept[event.message_id] = (_digest(event), made)
        self._bytes += _size(made)
        while len(self._kept) > MOST or self._bytes > MOST_BYTES:
            self._drop(next(iter(self._kept)))

    def forget(self, event: AnyEvent) -> None:
        """The event met its end."""
        if self._kept:
            self._drop(event.message_id)

    def _drop(self, message_id: str) -> None:
        kept = self._kept.pop(message_id, None)
        if kept is not None:
            self._bytes -= _size(kept[1])


def _digest(event: AnyEvent) -> bytes:
    return blake2b(event.json, digest_size=16).digest()


def _size(made: AnyEvent) -> int:
    return _OVERHEAD + len(made.json)
