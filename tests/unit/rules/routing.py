"""Events, envelopes and destinations for tests of the routing rules."""

from typing import Any

import msgspec
from msgspec import Raw

from router.events.calls import AnyEvent, decode_event
from router.events.envelope import Envelope
from router.events.wire import ABSENT
from router.rules.addressee import Addressee

AT = "2030-03-17T17:46:40.000Z"


def event(type: str = "track", **fields: Any) -> AnyEvent:
    """An event as it is read from the stream."""
    own = {"track": {"event": "E"}, "group": {"groupId": "g1"}, "alias": {"previousId": "p1"}}
    stored = {
        "type": type,
        "messageId": "m1",
        "userId": "u1",
        "receivedAt": AT,
        "timestamp": AT,
        "context": {},
        "integrations": {},
        **own.get(type, {}),
        **fields,
    }
    return decode_event(msgspec.json.encode(stored))


def envelope(one: AnyEvent, *, position: int = 0, source: str = "website", metadata: Any = None) -> Envelope:
    """The event at a position of the stream."""
    raw = ABSENT if metadata is None else Raw(msgspec.json.encode(metadata))
    return Envelope(position, source, one, 1_900_000_000_000, raw)


def addressee(name: str = "Mixpanel", **fields: Any) -> Addressee:
    """A destination that events call by one name."""
    return Addressee(**{"id": name.lower(), "kind": name.lower(), "names": (name,), **fields})
