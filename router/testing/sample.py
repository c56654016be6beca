"""A destination or source with settings, made as `router.toml` would make it, without a file and its own secrets."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any, TypeVar

from router.config.load import load
from router.config.model import DestinationConfig, SourceConfig
from router.plugins.destination import Destination
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.source import WayIn
from router.plugins.webhook import WebhookSource

PluginT = TypeVar("PluginT", bound=Destination[Any, Any] | WayIn[Any])

_REFERENCE = re.compile(r"(?!https?:)[a-z]+:(?!//)\S+")
_URL = re.compile(r"URL|ENDPOINT|WEBHOOK|ADDRESS", re.IGNORECASE)


def configured(cls: type[PluginT], *, name: str = "", **settings: Any) -> PluginT:
    """An instance of `cls` with these settings, in the form of `router.toml`: `token="…"`, `timeout="5s"`.

    Without any, its `sample` is used, with made-up values where that refers to secrets. Raises ConfigError.
    """
    section = {"settings": settings} if settings else sample_of(cls)
    made: Any
    if issubclass(cls, WayIn):
        made = read_source(cls, section, name=name).plugin()
    else:
        made = read_section(cls, section, name=name).destination()
    return made  # type: ignore[no-any-return]


def sample_of(cls: type[PluginT]) -> dict[str, Any]:
    """The class's `sample`, with made-up values in the place of references to secrets."""
    sample = tomllib.loads(cls.sample)
    filled: dict[str, Any] = _filled(sample)
    for name, value in cls.sample_secrets.items():
        if filled.get("settings", {}).get(name) != sample.get("settings", {}).get(name):
            filled["settings"][name] = value
    return filled


def read_section(
    cls: type[Destination[Any, Any]], section: Mapping[str, Any], *, name: str = ""
) -> DestinationConfig:
    """The section `[destinations.NAME]` as the router reads it; raises ConfigError with every problem."""
    name = name or cls.kind
    registry = registry_with(cls)
    config = load({"destinations": {name: {"kind": cls.kind, **section}}}, registry=registry, environ={})
    return config.destinations[name]


def read_source(cls: type[WayIn[Any]], section: Mapping[str, Any], *, name: str = "") -> SourceConfig:
    """The section `[sources.NAME]` as the router reads it; raises ConfigError with every problem."""
    name = name or cls.kind

    class Plugin:
        """Registers the class."""

        @hookimpl
        def register_sources(self) -> list[type[WayIn[Any]]]:
            """Offer it."""
            return [cls]

    key = {"write_key": "made-up-key"} if issubclass(cls, WebhookSource) else {}
    registry = Registry.load(entry_points=False)
    if registry.sources.get(cls.kind) is not cls:
        registry = registry.with_plugin(Plugin())
    config = load({"sources": {name: {"kind": cls.kind, **key, **section}}}, registry=registry, environ={})
    return config.sources[name]


def registry_with(cls: type[Destination[Any, Any]]) -> Registry:
    """What is built in, and this destination class."""
    registry = Registry.load(entry_points=False)
    return registry if registry.destinations.get(cls.kind) is cls else registry.with_plugin(offering(cls))


def offering(*classes: type[Destination[Any, Any]]) -> object:
    """A plugin that registers these destination classes."""

    class Plugin:
        """Registers what it was made with."""

        @hookimpl
        def register_destinations(self) -> list[type[Destination[Any, Any]]]:
            """Offer the classes."""
            return list(classes)

    return Plugin()


def made_up(reference: str) -> str:
    """A value for a reference such as `env:CRM_TOKEN`: long and like no other, so that it is found where it leaks."""
    word = re.sub(r"\W+", "-", reference.partition(":")[2]).strip("-").lower() or "value"
    secret = f"made-up-{word}-5f2c91"
    return f"https://{word.replace('_', '-')}.example.com/{secret}" if _URL.search(reference) else secret


def _filled(value: Any) -> Any:
    if isinstance(value, str):
        return made_up(value) if _REFERENCE.fullmatch(value) else value
    if isinstance(value, dict):
        return {key: _filled(member) for key, member in value.items()}
    if isinstance(value, list):
        return [_filled(member) for member in value]
    return value
