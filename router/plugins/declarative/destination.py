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


class Subscription(Struct, frozen=True):
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
    subscriptions: ClassVar[tuple[Subscription, ...]]

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
        return any(subscription.trigger.matches(event) for subscription in self.subscriptions)

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """A request for each event and mapping, or for events together where the file says so."""
        carried: dict[object, _Carried] = {}
        failures: dict[int, str] = {}
        for number, event in enumerate(events):
            for subscription in self.subscriptions:
                if not subscription.trigger.matches(event):
                    continue
                try:
                    written = subscription.template.write(subscription.payload(event.fields), self._plain)
                except MappingFailed as error:
                    failures[number] = f"mapping {subscription.name!r}: {error}"
                    continue
                # What goes to one place in one form may travel together.
                alike = (subscription.name, written.url, written.headers)
                key: object = alike if subscription.template.joins else (number, subscription.name)
                carried.setdefault(key, _Carried(subscription, [], [])).add(event, written)
        for one in carried.values():
            yield self._request(one)
        if not failures:
            return None
        return [
            Outcome.rejected(failures[number]) if number in failures else Outcome.delivered()
            for number in range(len(events))
        ]

    def _request(self, one: "_Carried") -> Request:
        headers = {}
        if header := self.definition.idempotency_header:
            headers[header] = _key(one.events, one.subscription.name if len(self.subscriptions) > 1 else "")
        return one.subscription.template.request(one.written, self._plain, headers)


class _Carried(Struct):
    """Events that one request carries."""

    subscription: Subscription
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
