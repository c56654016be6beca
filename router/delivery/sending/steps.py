"""Finished steps: what was answered to requests of events that are to be tried again.

A retry runs the generator anew. A request that was finished before is not sent again: its answer is fed back. It is
known by the events it settles, its number among the requests that settle the same, and a digest of itself, so that a
generator that describes something else this time gets nothing wrong.
"""

from hashlib import blake2b
from urllib.parse import quote

from msgspec import Struct

from router.delivery.verdict import Verdict
from router.plugins.request import Answer, Request, revealed

MOST = 10_000
MOST_BYTES = 16 << 20
"""Older steps are forgotten beyond these; their requests are sent again."""
_OVERHEAD = 500


class Place(Struct, frozen=True):
    """Which request of a flow: the message ids that it settles, and its number among those with the same ids."""

    ids: tuple[str, ...]
    number: int

    @property
    def idempotency_key(self) -> str:
        """The same whenever this request is sent again: the message id where it is about one event, once.

        It goes into a header: an id with anything but visible ASCII in it is percent-encoded.
        """
        key = self.ids[0] if self.ids else ""
        if not (key.isascii() and key.isprintable() and " " not in key):
            key = quote(key, safe="")
        if len(self.ids) > 1:
            key += "-" + blake2b("\n".join(self.ids).encode(), digest_size=8).hexdigest()
        return f"{key}.{self.number}" if self.number else key


class Finished(Struct, frozen=True):
    """How a request ended."""

    verdict: Verdict
    answer: Answer | None


class Steps:
    """Remembers finished requests of one destination, the latest up to a limit."""

    def __init__(self) -> None:
        self._kept: dict[Place, tuple[bytes, Finished]] = {}
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def recall(self, place: Place, request: Request) -> Finished | None:
        """How this request ended, if it is remembered."""
        kept = self._kept.get(place)
        return kept[1] if kept is not None and kept[0] == _digest(request) else None

    def keep(self, place: Place, request: Request, finished: Finished) -> None:
        """Remember how a request ended."""
        self.forget(place)
        self._kept[place] = (_digest(request), finished)
        self._bytes += _size(finished)
        while self._kept and (len(self._kept) > MOST or self._bytes > MOST_BYTES):
            self.forget(next(iter(self._kept)))

    def forget(self, place: Place) -> None:
        """Its events met their end, or are in other company now."""
        kept = self._kept.pop(place, None)
        if kept is not None:
            self._bytes -= _size(kept[1])


def _digest(request: Request) -> bytes:
    text = blake2b(f"{request.method} {revealed(request.url)}\n".encode(), digest_size=16)
    text.update(request.encoded())
    return text.digest()


def _size(finished: Finished) -> int:
    return _OVERHEAD + (len(finished.answer.body) if finished.answer is not None else 0)
