"""Whether a client has sent an event to a destination itself (events 5.4).

A client that wraps a destination's code names it in `_metadata.bundled`; the router then only keeps the event. Of
several instances of a destination, those in `_metadata.bundledIds` are meant, if any of them is. Only calls of end
users' devices can say so: a server that passes on what a browser sent has no code of destinations.

Which door a call came through is not kept, so its channel and its library tell.
"""

from collections.abc import Callable, Collection

from msgspec import Raw

from router.events.calls import AnyEvent, decode_open_json
from router.events.wire import ABSENT
from router.rules.addressee import Addressee
from router.rules.answers import Answers
from router.rules.client_ip import is_end_users

Siblings = Callable[[], Collection[str]]
"""The ids of the destinations that events call by one name, as they are configured now."""
_NO_IDS: frozenset[str] = frozenset()


def bundled_ids(metadata: bytes, to: Addressee) -> frozenset[str] | None:
    """The ids in `_metadata`, if it says that the client sends to a destination of this name; otherwise None."""
    if b"bundled" not in metadata and b"\\" not in metadata:  # a name can also be written with escapes
        return None
    found = decode_open_json(metadata)
    names, ids = (found.get(key) for key in ("bundled", "bundledIds"))
    if not isinstance(names, list) or not any(name in names for name in to.names):
        return None
    return frozenset(one for one in ids if isinstance(one, str)) if isinstance(ids, list) else _NO_IDS


class DeviceMode:
    """Answers for one destination, event by event."""

    def __init__(self, to: Addressee, siblings: Siblings = tuple) -> None:
        self._to = to
        self._siblings = siblings
        self._ids = Answers(lambda text: bundled_ids(text, to))
        self.harmless = ABSENT
        """A `_metadata` that was found to say nothing: equal ones, the rest of a batch mostly, need no closer look."""

    def has_sent(self, event: AnyEvent, metadata: Raw) -> bool:
        """Whether the client that sent the event has sent it there too."""
        ids = self._ids.of(metadata)
        if ids is None:
            self.harmless = Raw(bytes(metadata))  # a copy, for it would pin the whole request that it came in
            return False
        if self._to.id not in ids and not ids.isdisjoint(self._siblings()):
            return False
        context = event.context
        return is_end_users(event.channel, context.get("channel"), context.get("library"))
