"""The hooks that a plugin may implement. They are called when a router is put together, never per event or batch.

A plugin is a module (or any object) with functions marked `@hookimpl`; each answers with classes, not instances:

    from router import hookimpl

    @hookimpl
    def register_destinations():
        return [Slack]

A new hook is a new function here, with its test and its paragraph in `plugins/README.md`.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pluggy

from router.plugins.destination import Destination
from router.plugins.enricher import Enricher
from router.plugins.source import WayIn
from router.plugins.transformation import Transformation

PROJECT = "router"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)
"""Marks a function of a plugin as the implementation of the hook with its name."""


class Hooks:
    """Every hook. A plugin implements those that it needs, with the same names and arguments."""

    @hookspec
    def register_sources(self) -> Sequence[type[WayIn[Any]]]:
        """Return source classes, each with its `kind`: other ways in than the tracking API."""
        raise NotImplementedError

    @hookspec
    def register_enrichments(self) -> Sequence[type[Enricher[Any]]]:
        """Return enricher classes, each with its `kind`: they add to the context of an event before it is kept."""
        raise NotImplementedError

    @hookspec
    def register_transformations(self) -> Sequence[type[Transformation[Any, Any]]]:
        """Return transformation classes, each with its `kind`: steps that change or drop an event."""
        raise NotImplementedError

    @hookspec
    def register_destinations(self) -> Sequence[type[Destination[Any, Any]]]:
        """Return destination classes, each with its `kind`."""
        raise NotImplementedError

    @hookspec
    def register_storage(self) -> Mapping[str, Callable[..., Any]]:
        """Return stores by kind: what is called with the `[storage]` section, `signals` and `clock`."""
        raise NotImplementedError

    @hookspec
    def register_observers(self) -> Sequence[Callable[[Any], None]]:
        """Return observers of signals; each is called with every signal, must not block and must not raise."""
        raise NotImplementedError

    @hookspec(firstresult=True)
    def resolve_secret(self, reference: str) -> str | None:
        """Return the value that `reference` stands for, or None when it is no reference of this plugin's form.

        Raise LookupError, with a message that names what is missing, when it is one but has no value.
        """
        raise NotImplementedError

    @hookspec
    def register_commands(self, cli: Any) -> None:
        """Add commands to `cli`, the click group of `router`."""
        raise NotImplementedError
