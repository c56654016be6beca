"""Reads the sections `[transformations.NAME]`, and says which of them each source and destination has."""

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from router.actors.guard import Guard
from router.config.checks import check_name
from router.config.convert import Converter
from router.config.model import TransformationConfig
from router.config.problems import Path, Problems, did_you_mean
from router.config.secrets import References
from router.errors import PluginError
from router.events.source import EMBEDDED_SOURCE
from router.plugins.chain import Chain
from router.plugins.loading import Loading
from router.plugins.registry import Registry
from router.plugins.transformation import Transformation

_KEYS = ("kind", "sources", "destinations", "settings", "examples")
_REASON = re.compile(r"[a-z][a-z0-9_]{0,39}")


class TransformationReader:
    """Reads one section after the other."""

    def __init__(
        self,
        registry: Registry,
        *,
        sources: Iterable[str],
        destinations: Iterable[str],
        references: References,
        problems: Problems,
    ) -> None:
        self._kinds = registry.transformations
        self._sources = sorted({*sources, EMBEDDED_SOURCE})
        self._destinations = sorted(destinations)
        self._references = references
        self._problems = problems

    def read(self, name: str, section: object) -> TransformationConfig | None:
        """One transformation, or None when something of it is wrong."""
        path = ("transformations", name)
        check_name(path, self._problems)
        if not isinstance(section, Mapping):
            self._problems.add(path, "must be a section", f"write [transformations.{name}]")
            return None
        for key in section:
            if key not in _KEYS:
                self._problems.unknown((*path, key), _KEYS)
        sources = self._named(section, path, "sources", self._sources)
        destinations = self._named(section, path, "destinations", self._destinations)
        if ("sources" in section) == ("destinations" in section):
            what = "needs either sources or destinations"
            remedy = (
                'write sources = ["…"] to change what is kept, or destinations = ["…"] to change what is sent'
            )
            self._problems.add(path, what, remedy)
        cls = self._class(section, path)
        if cls is None:
            return None
        converter = Converter(self._problems, self._references)
        settings = converter.section(cls.settings_type(), section.get("settings", {}), (*path, "settings"))
        if settings is None:
            return None
        config = TransformationConfig(
            name=name,
            kind=cls.kind,
            cls=cls,
            sources=sources,
            destinations=destinations,
            settings=settings,
            examples=self._examples(section, path),
        )
        self._try(config, path)
        return config

    def _examples(self, section: Mapping[str, Any], path: Path) -> tuple[Mapping[str, Any], ...]:
        examples = section.get("examples", [])
        if isinstance(examples, list) and all(isinstance(one, Mapping) for one in examples):
            return tuple(examples)
        what = f"write [[transformations.{path[-1]}.examples]]"
        self._problems.add((*path, "examples"), "must be sections", what)
        return ()

    def _class(self, section: Mapping[str, Any], path: Path) -> type[Transformation[Any, Any]] | None:
        kind = section.get("kind")
        if not isinstance(kind, str):
            what = "is missing" if kind is None else "must be text"
            self._problems.add((*path, "kind"), what, 'say which plugin, e.g. kind = "redact"')
        elif kind not in self._kinds:
            what = f'no plugin offers the transformation kind "{kind}"'
            self._problems.add((*path, "kind"), what, did_you_mean(kind, self._kinds))
        else:
            return self._kinds[kind]
        return None

    def _named(
        self, section: Mapping[str, Any], path: Path, key: str, known: Collection[str]
    ) -> tuple[str, ...]:
        named = section.get(key, [])
        where = (*path, key)
        if not isinstance(named, (list, tuple)) or not all(isinstance(one, str) for one in named):
            self._problems.add(where, "must be a list of names", 'write e.g. ["website"]')
            return ()
        if key in section and not named:
            self._problems.add(where, "is empty: it would never run", "name one, or remove the section")
        for one in named:
            if one not in known:
                what = f'there is no {key[:-1]} "{one}"'
                self._problems.add(where, what, did_you_mean(one, known), value=one)
        return tuple(named)

    def _try(self, config: TransformationConfig, path: Path) -> None:
        """Make one, so that what it does not like is said now and not while the router runs."""
        if not _REASON.fullmatch(config.cls.reason):
            what = f"its plugin drops events as {config.cls.reason!r}, which is no reason code"
            self._problems.add(
                path, what, "mend `reason` of the class: lower case letters, digits and underscores"
            )
        try:
            with Loading("the plugin", "mend its settings"):
                config.transformation()
        except PluginError as error:
            self._problems.add(path, f"cannot be made: {error}", "mend its settings, or the plugin")


def chain_of(transformations: Iterable[TransformationConfig], *, guard: Guard | None = None) -> Chain | None:
    """New instances as a chain that `guard` watches over; None when there are none."""
    made = [one.transformation() for one in transformations]
    return Chain(made, guard=guard) if made else None
