"""An enricher with settings, made as `router.toml` would make it, and what the engine adds to an event with it."""

import tomllib
from typing import Any, TypeVar

from router.config.load import load
from router.enrichment.answers import Answers
from router.enrichment.enriching import Enriching
from router.enrichment.processing import Aside
from router.errors import PluginError
from router.events.calls import Event
from router.plugins.enricher import Enricher
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry

EnricherT = TypeVar("EnricherT", bound=Enricher[Any])
EventT = TypeVar("EventT", bound=Event)


def enricher(cls: type[EnricherT], **settings: Any) -> EnricherT:
    """An instance of `cls` with these settings, in the form of `router.toml`; without any, with its `sample`.

    Raises ConfigError.
    """

    class Plugin:
        """Registers the class."""

        @hookimpl
        def register_enrichments(self) -> list[type[Enricher[Any]]]:
            """Offer it."""
            return [cls]

    section = settings or tomllib.loads(cls.sample)
    registry = Registry.load(entry_points=False).with_plugin(Plugin())
    config = load({"enrichments": {cls.kind: section}}, registry=registry, environ={})
    made: EnricherT = config.enrichments[cls.kind].enricher  # type: ignore[assignment]
    return made


def enriched(with_: Enricher[Any] | type[Enricher[Any]], event: EventT) -> EventT:
    """The event as the engine keeps it: with what the enricher adds, and the very same where that is nothing.

    What the enricher raises is raised here, while a router would count it. A class is used with its sample settings.
    """
    instance = enricher(with_) if isinstance(with_, type) else with_
    step = Enriching([Answers(instance, failed=_fail)])
    made: EventT = step(event, Aside("tests", 0))  # type: ignore[arg-type,assignment]
    return made


def _fail(kind: str, error: str) -> None:
    raise PluginError(f"enrichment {kind!r} {error}")
