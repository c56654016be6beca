"""A router around one destination: no port, no disk, a clock that stands still, and no way out but the fake service."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import msgspec
from msgspec.structs import replace
from yarl import URL

from router.app import Router
from router.config.load import load
from router.delivery.sending.http import HttpClient
from router.delivery.sending.outgoing import Outgoing
from router.events.calls import AnyEvent
from router.events.source import EMBEDDED_SOURCE
from router.plugins.request import Answer
from router.rules.request import read_request
from router.storage.entry import Door, Entry
from router.storage.letters import DeadLetter
from router.telemetry.happenings import CursorMoved
from router.telemetry.signals import Signal, Signals
from router.testing.clock import ManualClock
from router.testing.conformance.specimen import NAME, Specimen
from router.testing.exchanging import TOKEN, token_url
from router.testing.fake_http import FakeHttp, Reply
from router.testing.sample import registry_with

SECONDS = 5.0
"""How long anything may take by the machine's clock."""


class Diverted(HttpClient):
    """Sends every request to the fake service, whatever its host, and notes when."""

    def __init__(self, service: FakeHttp, clock: ManualClock, token_url: str | None) -> None:
        super().__init__()
        self._token_url = token_url
        self._service = service
        self._clock = clock
        self.sent_at: list[float] = []
        """When each request left, in seconds of the clock."""
        self.on_the_wire = 0
        """Requests that have no answer yet."""

    async def send(self, request: Outgoing) -> Answer:
        """Send `request` to the same path of the fake service; a token server is well, whatever the service is."""
        if request.url == self._token_url:
            return TOKEN
        self.sent_at.append(self._clock.monotonic())
        self.on_the_wire += 1
        try:
            return await super().send(self._diverted(request))
        finally:
            self.on_the_wire -= 1

    def _diverted(self, request: Outgoing) -> Outgoing:
        url = URL(request.url)
        if not url.is_absolute() or url.scheme not in ("http", "https"):
            return request  # not a URL that could be sent to; the client says so
        here = URL(self._service.url)
        target = url.with_scheme("http").with_host("127.0.0.1").with_port(here.port)
        return replace(request, url=str(target))


class Lab:
    """A running router with the specimen as its only destination."""

    def __init__(self, specimen: Specimen, service: FakeHttp) -> None:
        self.specimen = specimen
        self.service = service
        self.clock = ManualClock()
        self.http = Diverted(service, self.clock, token_url(specimen.destination()))
        self.signals: list[Signal] = []
        """Everything that happened."""
        self.accepted = 0
        """Events that the router took."""
        self._passed = 0
        registry = registry_with(specimen.cls)
        config = {
            "storage": {"kind": "memory"},
            "destinations": {NAME: {"kind": specimen.kind, **specimen.section}},
        }
        signals = Signals()
        signals.observe(self._observe)
        self.router = Router(
            load(config, registry=registry, environ={}),
            registry=registry,
            signals=signals,
            clock=self.clock,
            http=self.http,
            doors=False,
        )

    async def send(self, events: Sequence[AnyEvent]) -> None:
        """Have the router accept `events` as one request; those that it refuses at the door are left out."""
        body = b'{"batch":[' + b",".join([event.json for event in events]) + b"]}"
        received = read_request(Door.EMBEDDED, body, limits=self.router.limits)
        entry = Entry(EMBEDDED_SOURCE, Door.EMBEDDED, 0, len(received.calls), received.body)
        await self.router.accept(entry, received)
        self.accepted += len(received.calls)

    async def until(self, condition: Callable[[], bool], *, step: float = 1.0) -> bool:
        """Move the clock by `step`, again and again, until the condition holds; False when it takes too long."""
        status = self.router.destinations[NAME]
        loop = asyncio.get_running_loop()
        deadline = loop.time() + SECONDS
        while not condition():
            if loop.time() > deadline:
                return False
            waits_for_clock = self.specimen.cls.speaks_http() or not status.status.in_flight
            if not self.http.on_the_wire and waits_for_clock and self.clock.next_due is not None:
                self.clock.advance(step)
            for _ in range(3):
                await asyncio.sleep(0)
        return True

    async def finished(self, *, step: float = 1.0) -> bool:
        """Whether everything that was sent meets an end, delivered or not, in reasonable time."""
        return await self.until(lambda: self.is_over, step=step)

    async def counts(self) -> dict[str, int]:
        """How many events were delivered, died or expired."""
        found = dict.fromkeys(("delivered", "dead", "expired"), 0)
        for (name, *labels), amount in (await self.router.counters()).items():
            if name in found and labels[0] == NAME:
                found[name] += amount
        return found

    async def letters(self) -> list[DeadLetter]:
        """The events that died."""
        return await self.router.storage.dead_letters(NAME, 1000)

    def _observe(self, signal: Signal) -> None:
        self.signals.append(signal)
        if isinstance(signal, CursorMoved):
            self._passed = signal.floor + signal.completed

    @property
    def is_over(self) -> bool:
        """Whether everything that was sent met an end."""
        return self._passed >= self.accepted

    @property
    def is_paused(self) -> bool:
        """Whether the destination waits as a whole."""
        return self.router.destinations[NAME].status.is_paused


@asynccontextmanager
async def lab(specimen: Specimen) -> AsyncIterator[Lab]:
    """Run the specimen in a router; its service is well until the test says otherwise."""
    async with FakeHttp() as service:
        service.default = Reply(body=msgspec.json.encode(specimen.cls.sample_answer))
        one = Lab(specimen, service)
        async with one.router:
            yield one
