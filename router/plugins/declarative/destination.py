"""What a declarative destination does with events: triggers choose, mappings shape, templates write requests."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, ClassVar

from msgspec import Struct

from router.events.calls import AnyEvent
from router.plugins.auth import Auth
from router.plugins.declarative.auth_template import declared_auth
from router.plugins.declarative.definition import Definition
from router.plugins.declarative.request_template import RequestTemplate, Written
from router.plugins.declarative.setting_types import plain_settings
from router.plugins.destination import Destination, Requests
from router.plugins.outcome import Outcome
from router.plugins.settings import Settings
from router.rules.mapping.compiler import CompiledMapping
from router.rules.mapping.failed import MappingFailed
from router.rules.profile_paths import paths_of_mapping
from router.rules.triggers.trigger import Trigger


class Subscription(Struct, frozen=True):
    """One `[[mappings]]`, compiled."""

    name: str
    trigger: Trigger
    payload: CompiledMapping
    fields: Callable[[AnyEvent], dict[str, Any]]
    """What of an event the payload is made of."""
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

    @classmethod
    def profile_paths(cls, settings: Settings) -> Iterable[tuple[str, ...]]:
        """What the payloads look at."""
        return [path for one in cls.definition.mappings for path in paths_of_mapping(one.payload)]

    def auth(self) -> Auth | None:
        """How requests are signed, by what the file says and the operator set."""
        return declared_auth(self.definition.auth, self._plain) if self.definition.auth else None

    def wants(self, event: AnyEvent) -> bool:
        """Whether a trigger takes the event."""
        return any(subscription.trigger.matches(event) for subscription in self.subscriptions)

    def requests(self, events: Sequence[AnyEvent]) -> Requests:
        """A request for each event and mapping, or for events together where the file says so."""
        carried: dict[object, _Carried] = {}
        failures: dict[int, str] = {}
        for number, event in enumerate(events):
            taking = [one for one in self.subscriptions if one.trigger.matches(event)]
            if not taking:  # an insert function changed it after the triggers had chosen
                failures[number] = "no mapping takes the event as its insert function left it"
            for subscription in taking:
                try:
                    written = subscription.template.write(
                        subscription.payload(subscription.fields(event)), self._plain
                    )
                except MappingFailed as error:
                    failures[number] = f"mapping {subscription.name!r}: {error}"
                    continue
                # What goes to one place in one form may travel together.
                alike = (subscription.name, written.url, written.headers)
                key: object = alike if subscription.template.joins else (number, subscription.name)
                carried.setdefault(key, _Carried(subscription, [], [])).add(event, written)
        for one in carried.values():
            yield one.subscription.template.request(one.written, self._plain, settles=one.events)
        if not failures:
            return None
        return [
            Outcome.rejected(failures[number]) if number in failures else Outcome.delivered()
            for number in range(len(events))
        ]


class _Carried(Struct):
    """Events that one request carries."""

    subscription: Subscription
    events: list[AnyEvent]
    written: list[Written]

    def add(self, event: AnyEvent, written: Written) -> None:
        self.events.append(event)
        self.written.append(written)
