"""What a declarative destination does with events: triggers choose, mappings shape, templates write requests."""

import hashlib
from collections.abc import Sequence
from typing import Any, ClassVar
from urllib.parse import quote

from msgspec import Struct

from router.events.calls import AnyEvent
from router.plugins.declarative.definition import Definition
from router.plugins.declarative.request_template import RequestTemplate, Written
from router.plugins.declarative.setting_types import plain_settings
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.request import Request
from router.plugins.settings import Settings
from router.rules.mapping.compiler import CompiledMapping
from router.rules.mapping.failed import MappingFailed
from router.rules.triggers.trigger import Trigger


class Route(Struct, frozen=True):
    """One `[[mappings]]`, compiled."""

    name: str
    trigger: Trigger
    payload: CompiledMapping
    template: RequestTemplate


class DeclarativeDestination(Destination[Settings, AnyEvent]):
    """Send what a file defines. Each file makes a class of its own under this one."""

    definition: ClassVar[Definition]
    """What the file says."""
    settings_made: ClassVar[type[Settings]]
    types: ClassVar[tuple[type[AnyEvent], ...]]
    routes: ClassVar[tuple[Route, ...]]

    def __init__(self, settings: Settings, *, name: str) -> None:
        super().__init__(settings, name=name)
        self._plain = plain_settings(settings)

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The struct that was made of the file's settings."""
        return cls.settings_made

    @classmethod
    def event_types(cls) -> tuple[type[Any], ...]:
        """The types that the file names."""
        return cls.types

    def wants(self, event: AnyEvent) -> bool:
        """Whether a trigger takes the event."""
        return any(route.trigger.matches(event) for route in self.routes)

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """A request for each event and mapping, or for events together where the file says so."""
        flights: dict[object, _Flight] = {}
        failures: dict[int, str] = {}
        for number, event in enumerate(events):
            for route in self.routes:
                if not route.trigger.matches(event):
                    continue
                try:
                    written = route.template.write(route.payload(event.fields), self._plain)
                except MappingFailed as error:
                    failures[number] = f"mapping {route.name!r}: {error}"
                    continue
                # What goes to one place in one form may travel together.
                alike = (route.name, written.url, written.headers)
                key: object = alike if route.template.joins else (number, route.name)
                flights.setdefault(key, _Flight(route, [], [])).add(event, written)
        for flight in flights.values():
            yield self._request(flight)
        if not failures:
            return None
        return [
            Outcome.rejected(failures[number]) if number in failures else Outcome.delivered()
            for number in range(len(events))
        ]

    def _request(self, flight: "_Flight") -> Request:
        headers = {}
        if header := self.definition.idempotency_header:
            headers[header] = _key(flight.events, flight.route.name if len(self.routes) > 1 else "")
        return flight.route.template.request(flight.written, self._plain, headers)


class _Flight(Struct):
    """Events that one request carries."""

    route: Route
    events: list[AnyEvent]
    written: list[Written]

    def add(self, event: AnyEvent, written: Written) -> None:
        self.events.append(event)
        self.written.append(written)


def _key(events: Sequence[AnyEvent], name: str) -> str:
    """The same for the same events and mapping: the first message id, and for several a digest of all."""
    key = quote(events[0].message_id, safe="")
    if len(events) > 1:
        ids = "\n".join([event.message_id for event in events])
        key += f"-{hashlib.sha1(ids.encode()).hexdigest()[:16]}"
    return f"{key}-{name}" if name else key
