"""Plugins of the simulated world: each shape of a destination that an author may choose, with a service behind it.

And an insert function that asks another service about each event before it goes on.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import outgoing
from router.errors import Rejected
from router.events.calls import AnyEvent, Identify, Track
from router.events.envelope import order_keys
from router.plugins.destination import Destination, Requests
from router.plugins.dropped import Dropped
from router.plugins.outcome import Outcome
from router.plugins.request import Request
from router.plugins.settings import Settings
from router.plugins.transformation import Asking, Transformation
from tests.simulation.network import Letter


class ServiceSettings(Settings, frozen=True):
    """Which service, and the events at which the plugin itself breaks."""

    service: str
    breaks_at: tuple[str, ...] = ()


class _Plugin(Destination[ServiceSettings, AnyEvent]):
    """What the shapes share: how events are put into a request."""

    def letter(self, events: Sequence[AnyEvent], *, one_by_one: bool = False) -> Request:
        """One request for these events; raises as a plugin with a mistake does."""
        for event in events:
            if event.message_id in self.settings.breaks_at:
                raise KeyError(event.message_id)
        content = Letter(
            [event.message_id for event in events],
            [list(order_keys(event)) for event in events],
            one_by_one,
        )
        return Request.post(f"http://{self.settings.service}/", json=content)


class Plain(_Plugin):
    """One request for a batch, which settles all of it."""

    kind = "plain"

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """Yield the request."""
        yield self.letter(events)
        return None


class OneByOne(_Plugin):
    """One request for a batch; the answer says of each event what became of it."""

    kind = "one_by_one"

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """Yield the request and read the verdicts."""
        answer = yield self.letter(events, one_by_one=True)
        return [_outcome(verdict) for verdict in msgspec.json.decode(answer.body)]


class Deliver(_Plugin):
    """Sends by itself, as a destination for a database does."""

    kind = "deliver"
    wire: HttpClient

    async def deliver(self, events: Sequence[AnyEvent]) -> Sequence[Outcome] | None:
        """Send the events; what goes wrong is raised as the driver of a database raises it."""
        answer = await self.wire.send(outgoing(self.letter(events)))
        if answer.status == 400:
            raise Rejected("NOT_WANTED")
        if answer.status != 200:
            raise ConnectionResetError(f"the service said {answer.status}")
        return None


class Tracks(Plain, Destination[ServiceSettings, Track | Identify]):
    """As Plain, for two types of event; the others are filtered."""

    kind = "tracks"


class AdviceSettings(ServiceSettings, frozen=True):
    """Whom to ask, how, and the events that are dropped when it has answered."""

    drops: frozenset[str] = frozenset()
    together: bool = False


class Advice(Transformation[AdviceSettings, AnyEvent]):
    """Asks about events, by themselves or together."""

    kind = "advice"
    is_insert_function = True

    def asks(self) -> bool:
        """Always."""
        return True

    def asks_together(self) -> bool:
        """As the plan says."""
        return self.settings.together

    def asking(self, events: Sequence[AnyEvent]) -> Asking:
        """One request about `events`."""
        letter = Letter([event.message_id for event in events])
        answer = yield Request.post(
            f"http://{self.settings.service}/", json=letter, settles=events, accepts=(400, 500)
        )
        if answer.status == 400 and len(events) > 1:
            raise Rejected("NOT_ADVISED")
        if answer.status == 400:
            return [Outcome.rejected("NOT_ADVISED")]
        if answer.status == 500:
            return [Outcome.retry("NO_ADVICE")] * len(events)
        drops = self.settings.drops
        return [Dropped("not_advised") if event.message_id in drops else event for event in events]


SHAPES: dict[str, type[_Plugin]] = {one.kind: one for one in (Plain, OneByOne, Deliver, Tracks)}


def shape(kind: str, wire: HttpClient) -> type[Destination[Any, Any]]:
    """The class of a kind, for one life: what sends by itself gets that life's wire."""
    if kind != Deliver.kind:
        return SHAPES[kind]

    class Wired(Deliver):
        """Sends over the wire of one life."""

    Wired.wire = wire
    return Wired


def _outcome(verdict: str) -> Outcome:
    match verdict:
        case "delivered":
            return Outcome.delivered()
        case "rejected":
            return Outcome.rejected("NOT_WANTED")
    return Outcome.retry("BUSY")
