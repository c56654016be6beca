"""A destination class under examination: its sample with every secret filled in, and events that it takes."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, get_args

from msgspec import Struct
from msgspec.structs import fields

from router.config.model import DestinationConfig
from router.errors import ConfigError
from router.events.calls import AnyEvent
from router.plugins.destination import Destination
from router.plugins.settings import Secret
from router.testing.events import one_of_each
from router.testing.exchanging import answer, exchange
from router.testing.sample import made_up, read_section, sample_of

NAME = "specimen"
"""The name of the destination in the router that runs it."""


class Specimen:
    """One destination class, to be asked for instances and for events."""

    section_name = "destinations.NAME"
    """Where its sample stands in `router.toml`."""

    def __init__(self, cls: type[Destination[Any, Any]]) -> None:
        self.cls = cls

    @property
    def kind(self) -> str:
        """The word in `kind = "…"`."""
        return self.cls.kind

    @cached_property
    def section(self) -> dict[str, Any]:
        """Its sample as a section of `router.toml`, where possible with a value for every secret that it may have."""
        sample = sample_of(self.cls)
        settings = sample.get("settings", {})
        secrets = {name: made_up(f"env:{name}") for name in self._secret_fields() if name not in settings}
        full = {**sample, "settings": {**secrets, **settings}}
        try:
            read_section(self.cls, full, name=NAME)
        except ConfigError:  # not all of them may be set at once
            return sample
        return full

    @cached_property
    def config(self) -> DestinationConfig:
        """The section as the router reads it; raises ConfigError."""
        return read_section(self.cls, self.section, name=NAME)

    def destination(self) -> Destination[Any, Any]:
        """A new instance, fed as its class declares."""
        made = self.config.destination()
        made.feed_by(self.config.policies)
        return made

    @cached_property
    def secrets(self) -> list[str]:
        """The values of all its secrets."""
        return sorted({secret.reveal() for secret in secrets_in(self.config.settings)} - {""})

    def events(self, **common: Any) -> list[AnyEvent]:
        """An event of each type that it takes."""
        return self.taken(one_of_each(**common))

    def taken(self, events: Iterable[AnyEvent]) -> list[AnyEvent]:
        """Those events that it takes, by their type and its own triggers."""
        wants = self.destination().wants
        return [event for event in events if isinstance(event, self.cls.event_types()) and wants(event)]

    @property
    def well(self) -> Any:
        """What its service answers when all is well."""
        return answer(json=self.cls.sample_answer)

    @cached_property
    def sending(self) -> list[AnyEvent]:
        """Those of its events that make it send something."""
        return [one for one in self.events() if self.requests([one])]

    def requests(self, events: list[AnyEvent]) -> list[Any]:
        """What it sends for `events` while its service is well."""
        return exchange(self.destination(), events, answers=[self.well] * 1000).requests

    def _secret_fields(self) -> list[str]:
        return [
            one.encode_name
            for one in fields(self.cls.settings_type())
            if Secret in (one.type, *get_args(one.type))
        ]


def secrets_in(value: Any) -> Iterable[Secret]:
    """Every secret in settings."""
    if isinstance(value, Secret):
        yield value
    elif isinstance(value, Struct):
        for name in value.__struct_fields__:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, dict):
        for member in value.values():
            yield from secrets_in(member)
    elif isinstance(value, (list, tuple, set, frozenset)):
        for member in value:
            yield from secrets_in(member)
