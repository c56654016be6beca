"""Each hook of the specification does what it says."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import pytest
from click.testing import CliRunner

from router.events.calls import AnyEvent
from router.plugins.destination import Destination
from router.plugins.enricher import Enricher
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.settings import Settings
from router.plugins.source import Accept, SourcePlugin
from router.plugins.transformation import Transformation


class NoSettings(Settings, frozen=True):
    pass


class Out(Destination[NoSettings, AnyEvent]):
    kind = "out"

    async def deliver(self, events: Sequence[AnyEvent]) -> None:
        return None


class Pass(Transformation[NoSettings, AnyEvent]):
    """Changes nothing."""

    kind = "pass"

    def transform(self, event: AnyEvent) -> AnyEvent:
        return event


class Poll(SourcePlugin[NoSettings]):
    """Reads nothing."""

    kind = "poll"

    async def run(self, accept: Accept) -> None:
        return None


class Weather(Enricher[NoSettings]):
    """Adds nothing."""

    kind = "weather"
    reads = ("ip",)
    adds = ("weather",)

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}


class Thing:
    kind = "thing"


class Everything:
    """A plugin with every hook; `value` tells one from another."""

    def __init__(self, value: str = "value") -> None:
        self.value = value
        self.seen: list[object] = []

    @hookimpl
    def register_sources(self) -> list[type[Poll]]:
        return [Poll]

    @hookimpl
    def register_enrichments(self) -> list[type[Weather]]:
        return [Weather]

    @hookimpl
    def register_transformations(self) -> list[type[Pass]]:
        return [Pass]

    @hookimpl
    def register_destinations(self) -> list[type[Out]]:
        return [Out]

    @hookimpl
    def register_storage(self) -> Mapping[str, Callable[..., Any]]:
        return {"tape": Thing}

    @hookimpl
    def register_observers(self) -> list[Callable[[object], None]]:
        return [self.seen.append]

    @hookimpl
    def resolve_secret(self, reference: str) -> str | None:
        return self.value if reference == "vault:x" else None

    @hookimpl
    def register_commands(self, cli: click.Group) -> None:
        cli.add_command(click.Command("rewind", callback=lambda: click.echo("rewound")))


class SecretsOnly:
    @hookimpl
    def resolve_secret(self, reference: str) -> str | None:
        return "last" if reference == "vault:x" else None


@pytest.fixture
def plugin() -> Everything:
    return Everything()


@pytest.fixture
def registry(plugin: Everything) -> Registry:
    return Registry.load(entry_points=False, built_in=False).with_plugin(plugin)


def test_register_sources_offers_source_classes_by_kind(registry: Registry) -> None:
    assert registry.sources == {"poll": Poll}


def test_register_enrichments_offers_enrichment_classes_by_kind(registry: Registry) -> None:
    assert registry.enrichments == {"weather": Weather}


def test_register_transformations_offers_transformation_classes_by_kind(registry: Registry) -> None:
    assert registry.transformations == {"pass": Pass}


def test_register_destinations_offers_destination_classes_by_kind(registry: Registry) -> None:
    assert registry.destinations == {"out": Out}


def test_register_storage_offers_stores_by_kind(registry: Registry) -> None:
    assert registry.storages == {"tape": Thing}


def test_register_observers_gives_observers_of_signals(registry: Registry, plugin: Everything) -> None:
    [observer] = registry.observers()

    observer("happening")

    assert plugin.seen == ["happening"]


def test_resolve_secret_gives_the_value_of_a_reference(registry: Registry) -> None:
    assert registry.resolve_secret("vault:x") == "value"


def test_resolve_secret_gives_nothing_for_what_is_no_reference(registry: Registry) -> None:
    assert registry.resolve_secret("plain") is None


def test_resolve_secret_asks_the_last_plugin_first(registry: Registry) -> None:
    assert registry.with_plugin(SecretsOnly()).resolve_secret("vault:x") == "last"


def test_register_commands_adds_commands(registry: Registry) -> None:
    cli = click.Group("router")

    registry.register_commands(cli)

    assert CliRunner().invoke(cli, ["rewind"]).output == "rewound\n"


def test_what_a_plugin_offers_can_be_found_again(registry: Registry) -> None:
    assert [registry.offered(offer) for offer in registry.offers if offer.what == "destination"] == [Out]
