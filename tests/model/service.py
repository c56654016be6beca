"""A service whose mood a test changes, and the destination in front of it."""

import asyncio
from collections.abc import Sequence

import msgspec

from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import Outgoing, outgoing
from router.errors import Rejected, RetryLater
from router.events.calls import AnyEvent
from router.events.envelope import order_keys
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.request import Answer, Request
from router.plugins.settings import Settings

MOODS = ("ok", "500", "429", "401", "broken plugin", "by event", "hangs", "loses answers")
FAULTS = ("refused", "failing", "breaking")
"""What may be wrong with a single event, for ever: answered 400, answered 500, or the plugin raises."""


class NoSettings(Settings, frozen=True):
    """None."""


class Service(HttpClient):
    """Takes message ids and answers by its mood."""

    def __init__(self) -> None:
        super().__init__()
        self.mood = "ok"
        self.faults: dict[str, str] = {}
        """What is wrong with which event."""
        self.arrived: list[str] = []
        """Every event that was taken, in order, repeats included."""
        self.confirmed: list[str] = []
        """Those of them of which the router was told, since its last start."""

    async def send(self, request: Outgoing) -> Answer:
        """Answer a request of the destination below."""
        letter = msgspec.json.decode(request.body)
        ids, users = letter["ids"], letter["keys"]
        await asyncio.sleep(0.01)
        match self.mood:
            case "500":
                return Answer(500, {}, b"")
            case "429":
                return Answer(429, {"retry-after": "3"}, b"")
            case "401":
                return Answer(401, {}, b"")
            case "hangs":
                await asyncio.sleep(3600)
        kinds = {self.faults.get(one) for one in ids}
        if "failing" in kinds:
            return Answer(500, {}, b"")
        if "refused" in kinds:
            return Answer(400, {}, b"")
        if self.mood == "by event":
            return self._by_event(ids, users)
        self.arrived += ids
        if self.mood == "loses answers":
            raise ConnectionResetError("gone")
        self.confirmed += ids
        return Answer(200, {}, b"null")

    async def close(self) -> None:
        """Nothing is open."""

    def _by_event(self, ids: Sequence[str], users: Sequence[Sequence[str]]) -> Answer:
        """Leave out every third event, and those of the same users behind it, as a service that keeps order does."""
        verdicts, left_out = [], set[str]()
        for index, (one, keys) in enumerate(zip(ids, users, strict=True)):
            if index % 3 == 1 or not left_out.isdisjoint(keys):
                left_out.update(keys)
                verdicts.append("retry")
            else:
                self.arrived.append(one)
                self.confirmed.append(one)
                verdicts.append("delivered")
        return Answer(200, {}, msgspec.json.encode(verdicts))


class Fickle(Destination[NoSettings, AnyEvent]):
    """Sends message ids to the service; breaks where it is told to."""

    kind = "fickle"
    service: Service

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """One request for the batch; the answer may speak of each event."""
        for event in events:
            if (
                self.service.mood == "broken plugin"
                or self.service.faults.get(event.message_id) == "breaking"
            ):
                raise KeyError(event.message_id)
        ids = [event.message_id for event in events]
        answer = yield Request.post(
            "http://fickle/", json={"ids": ids, "keys": [order_keys(event) for event in events]}
        )
        verdicts = msgspec.json.decode(answer.body)
        return verdicts and [
            Outcome.retry("BUSY") if one == "retry" else Outcome.delivered() for one in verdicts
        ]


class FickleDatabase(Destination[NoSettings, AnyEvent]):
    """The same service, spoken to by the plugin itself."""

    kind = "fickle_database"
    service: Service

    async def deliver(self, events: Sequence[AnyEvent]) -> Sequence[Outcome] | None:
        """Send the events, and raise what an author would raise."""
        for event in events:
            if (
                self.service.mood == "broken plugin"
                or self.service.faults.get(event.message_id) == "breaking"
            ):
                raise KeyError(event.message_id)
        content = {
            "ids": [event.message_id for event in events],
            "keys": [order_keys(event) for event in events],
        }
        answer = await self.service.send(outgoing(Request.post("http://fickle/", json=content)))
        if answer.status == 400:
            raise Rejected("NOT_WANTED")
        if answer.status != 200:
            raise RetryLater(f"the service said {answer.status}")
        verdicts = msgspec.json.decode(answer.body)
        return verdicts and [
            Outcome.retry("BUSY") if one == "retry" else Outcome.delivered() for one in verdicts
        ]
