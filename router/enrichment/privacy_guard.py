"""Keeps personal data out of what is kept: controls applied to a call as it was sent, and to its finished context.

What becomes of a call later does not matter: also the dead letter of one that fails is made of the guarded call.
"""

from typing import TypeVar

import msgspec
from msgspec import Raw
from msgspec.structs import replace

from router.enrichment.processing import Aside
from router.events.calls import AnyEvent
from router.events.wire import ABSENT, Call, Extra
from router.rules.privacy.controls import ROOTS, Controls, Counts
from router.rules.request import Received
from router.storage.entry import Entry

CallT = TypeVar("CallT", bound=Call)

_FILLED = Raw(b'{"ip":"203.0.113.9"}')
"""What the router fills in from the connection, and whose source lies in the dead letter."""
_members = msgspec.json.Decoder(dict[str, Raw]).decode
_encode = msgspec.json.Encoder().encode


class PrivacyGuard:
    """The controls of one source, at the places where its events are made."""

    def __init__(self, controls: Controls) -> None:
        self._controls = controls

    def call(self, call: CallT, aside: Aside) -> CallT:
        """The call without what is met in it; its context comes later, when it is whole."""
        return self._changed(call, ("properties", "traits"), aside)

    def __call__(self, event: AnyEvent, aside: Aside) -> AnyEvent:
        """The event with its context guarded, also what the router itself filled in."""
        made = self._guarded("context", event.context_json, aside)
        return event if made is None else event.replace(context_json=made)

    def letter(self, call: CallT) -> CallT:
        """The whole call guarded, for a dead letter; nothing is counted twice."""
        return self._changed(call, ROOTS, Aside("", 0))

    def request(self, entry: Entry, received: Received) -> tuple[Entry, Received]:
        """The request with its shared context guarded, for a dead letter, and without an address that may not stay."""
        made = self._guarded("context", received.context, Aside("", 0))
        if made is not None:
            received = replace(received, context=made)
        if self._guarded("context", _FILLED, Aside("", 0)) is not None:
            entry = replace(entry, client_ip="", peer="")
        return entry, received

    def _changed(self, call: CallT, roots: tuple[str, ...], aside: Aside) -> CallT:
        changes: dict[str, Raw | Extra] = {}
        for root in roots:
            made = self._guarded(root, getattr(call, root, ABSENT), aside)
            if made is not None:
                changes[root] = made
        if call.extra and any(self._controls.may_meet(root, call.extra) for root in roots):
            # objects that calls of this type do not usually have, such as the traits of a track
            members = _members(b"{" + call.extra + b"}")
            for root in roots:
                made = self._guarded(root, members.get(root, ABSENT), aside)
                if made is not None:
                    members[root] = made
            changes["extra"] = Extra(_encode(members)[1:-1])
        return replace(call, **changes) if changes else call

    def _guarded(self, root: str, raw: Raw, aside: Aside) -> Raw | None:
        if raw is ABSENT or not self._controls.may_meet(root, text := bytes(raw)):
            return None
        counts = Counts()
        made = self._controls.applied(root, text, counts)
        for (action, field), amount in counts.items():
            aside.counts["privacy", aside.source, action, field] += amount
        return None if made is text else Raw(made)
