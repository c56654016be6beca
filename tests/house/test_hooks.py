"""Each hook, in a test named after it: what a plugin returns from it can be found in the registry."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from router.events.calls import AnyEvent, Track
from router.plugins.destination import Destination
from router.plugins.enricher import Enricher
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.request import Request
from router.plugins.settings import Settings
from router.plugins.source import Accept, SourcePlugin
from router.plugins.transformation import Transformation


class NoSettings(Settings, frozen=True):
    """None."""


class Post(Destination[NoSettings, Track]):
    """Sends nothing."""

    kind = "post"

    def requests(self, events: Sequence[Track]) -> list[Request]:
        return []


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


class Anything:
    """What a hook may return whose contract is not written yet."""

    kind = "anything"


def observer(signal: object) -> None:
    """Observe nothing."""


def make_store(section: Any, **parts: Any) -> None:
    """Make no store."""


class Plugin:
    """Implements every hook."""

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
    def register_destinations(self) -> list[type[Any]]:
        return [Post]

    @hookimpl
    def register_storage(self) -> dict[str, Callable[..., Any]]:
        return {"cellar": make_store}

    @hookimpl
    def register_observers(self) -> list[Callable[[Any], None]]:
        return [observer]

    @hookimpl
    def resolve_secret(self, reference: str) -> str | None:
        return "opened" if reference == "vault:door" else None

    @hookimpl
    def register_commands(self, cli: click.Group) -> None:
        cli.add_command(click.Command("greet"))


def registry() -> Registry:
    """A registry with this plugin alone."""
    return Registry.load(entry_points=False, built_in=False).with_plugin(Plugin())


def test_register_sources_adds_ways_in() -> None:
    assert registry().sources == {"poll": Poll}


def test_register_enrichments_adds_steps() -> None:
    assert registry().enrichments == {"weather": Weather}


def test_register_transformations_adds_steps() -> None:
    assert registry().transformations == {"pass": Pass}


def test_register_destinations_adds_kinds() -> None:
    assert registry().destinations == {"post": Post}


def test_register_storage_adds_stores() -> None:
    assert registry().storages == {"cellar": make_store}


def test_register_observers_adds_observers() -> None:
    assert registry().observers() == [observer]


def test_resolve_secret_is_asked_for_a_reference() -> None:
    assert registry().resolve_secret("vault:door") == "opened"
    assert registry().resolve_secret("other:door") is None


def test_register_commands_gets_the_group() -> None:
    cli = click.Group("router")

    registry().register_commands(cli)

    assert list(cli.commands) == ["greet"]
