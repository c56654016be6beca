"""Reads the sections that have a name each: sources and destinations."""

import math
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import fields

from router.config.addressing import check_integration
from router.config.auth import read_auth
from router.config.checks import check_name, check_policies, check_source
from router.config.convert import Converter
from router.config.filters import read_filters
from router.config.model import DestinationConfig, Retirement, SourceConfig
from router.config.problems import Path, Problems, did_you_mean
from router.config.secrets import References
from router.config.source_plugins import NO_KEYS, SourcePluginReader
from router.events.source import EMBEDDED_SOURCE
from router.plugins.destination import Destination
from router.plugins.policies import Policies
from router.plugins.registry import Registry
from router.plugins.settings import Duration, Settings
from router.rules.fql.filter import Filter, compile_filter
from router.rules.fql.refused import ExpressionRefused

_POLICIES = tuple(one.name for one in fields(Policies))
_OF_DOORS = (
    "write_key",
    "enabled",
    "rate_limit",
    "collect_ip",
    "collect_ipv6",
    "region",
    "list_destinations",
    "kind",
    "settings",
    "interval",
)
"""Keys of a source that say who may come in, and how."""
_DESTINATION_KEYS = (
    "kind",
    "sources",
    "integration",
    "filter",
    "filters",
    "settings",
    "auth",
    "failure_log",
    "backfill",
    "renamed_from",
    "retire",
    *_POLICIES,
)


def read_sources(
    data: Mapping[str, Any], references: References, problems: Problems, *, registry: Registry | None
) -> dict[str, SourceConfig]:
    """The sections `[sources.NAME]`; no two may share a write key. Without a registry, plugins are not looked for.

    One named `embedded` is about the calls of the program itself, and has no key.
    """
    plugins = SourcePluginReader(registry, references, problems)
    found: dict[str, SourceConfig] = {}
    owners: dict[str, str] = {}
    for name, section in data.items():
        path = ("sources", name)
        check_name(path, problems)
        converter = Converter(problems, references)
        own = (
            _embedded(section, path, problems) if name == EMBEDDED_SOURCE else plugins.own_keys(section, path)
        )
        source = converter.section(SourceConfig, own, path, left_out=NO_KEYS, name=name)
        if source is None:
            continue
        if name != EMBEDDED_SOURCE:
            source = plugins.complete(source, section, path)
        check_source(source, problems, has_key="write_key" in section and name != EMBEDDED_SOURCE)
        other = owners.setdefault(source.write_key, name) if source.write_key else name
        if other != name:
            what = f"is the write key of source {other} too"
            problems.add((*path, "write_key"), what, "give each source a key of its own")
        found[name] = source
    return found


def _embedded(section: object, path: Path, problems: Problems) -> object:
    """The section of the calls that an embedding program makes itself, without what only clients and plugins have."""
    if not isinstance(section, Mapping):
        return section
    for key in section:
        if key in _OF_DOORS:
            what = "is not for the calls that an embedding program makes itself"
            problems.add((*path, key), what, "remove it, or choose another name for the source")
    return {"write_key": "", **{key: value for key, value in section.items() if key not in _OF_DOORS}}


class DestinationReader:
    """Reads sections `[destinations.NAME]` with the help of the plugins that they name."""

    def __init__(
        self, registry: Registry, sources: Iterable[str], references: References, problems: Problems
    ) -> None:
        self._registry = registry
        self._sources = sorted({*sources, EMBEDDED_SOURCE})
        self._references = references
        self._problems = problems

    def read(self, name: str, section: object) -> DestinationConfig | None:
        """One destination, or None when something of it is wrong."""
        path = ("destinations", name)
        check_name(path, self._problems)
        if not isinstance(section, Mapping):
            self._problems.add(path, "must be a section", f"write [destinations.{name}]")
            return None
        for key in section:
            if key not in _DESTINATION_KEYS:
                self._unknown(key, section, path)
        cls = self._plugin(section, path)
        sources = self._connected(section, path)
        if cls is None:
            return None
        backfill = self._backfill(section, path)
        settings = self._settings(cls, section.get("settings", {}), path)
        policies = self._policies(cls, section, path)
        renamed_from = self._renamed_from(section, path)
        retire = self._retire(section, path)
        wanted = self._filter(section, path)
        filters = read_filters(section, path, cls=cls, sources=self._sources, problems=self._problems)
        where = (*path, "integration")
        integration = check_integration(section.get("integration"), where, self._problems)
        failure_log = section.get("failure_log", False)
        if not isinstance(failure_log, bool):
            self._problems.add((*path, "failure_log"), "must be true or false", "the default is false")
        auth = None
        if "auth" in section:
            auth = read_auth(section["auth"], (*path, "auth"), self._references, self._problems)
        if settings is None or policies is None:
            return None
        return DestinationConfig(
            name=name,
            kind=cls.kind,
            cls=cls,
            sources=sources,
            integration=integration,
            filter=wanted,
            filters=filters,
            settings=settings,
            backfill=backfill,
            policies=policies,
            renamed_from=renamed_from,
            retire=retire,
            failure_log=failure_log is True,
            auth=auth,
        )

    def _unknown(self, key: str, section: Mapping[str, Any], path: Path) -> None:
        """A key in the wrong place is often a setting that lost its `settings.`."""
        cls = self._registry.destinations.get(str(section.get("kind")))
        if cls and key in {one.encode_name for one in fields(cls.settings_type())}:
            self._problems.add((*path, key), "is not a known key", f'write it as "settings.{key}"')
        else:
            self._problems.unknown((*path, key), _DESTINATION_KEYS)

    def _plugin(self, section: Mapping[str, Any], path: Path) -> type[Destination[Any, Any]] | None:
        kinds = self._registry.destinations
        kind = section.get("kind")
        if kind is None:
            remedy = f'say which plugin, e.g. kind = "{next(iter(kinds), "webhook")}"'
            self._problems.add((*path, "kind"), "is missing", remedy)
            return None
        if not isinstance(kind, str):
            self._problems.add((*path, "kind"), "must be text", "write the name of a plugin in quotes")
            return None
        if kind not in kinds:
            what = f'no plugin offers the destination kind "{kind}"'
            self._problems.add((*path, "kind"), what, did_you_mean(kind, kinds))
            return None
        return kinds[kind]

    def _connected(self, section: Mapping[str, Any], path: Path) -> frozenset[str] | None:
        named = section.get("sources")
        if named is None:
            return None
        where = (*path, "sources")
        if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
            self._problems.add(where, "must be a list of names", 'write e.g. ["website"]')
            return None
        if not named:
            self._problems.add(where, "is empty: it would never get an event", "leave it out for all sources")
        for one in named:
            if one not in self._sources:
                what = f'there is no source "{one}"'
                self._problems.add(where, what, did_you_mean(one, self._sources), value=one)
        return frozenset(named)

    def _renamed_from(self, section: Mapping[str, Any], path: Path) -> str | None:
        old = section.get("renamed_from")
        if old is None or (isinstance(old, str) and old != path[-1] and "retire" not in section):
            return old
        where = (*path, "renamed_from")
        if not isinstance(old, str):
            self._problems.add(where, "must be text", "write the former name in quotes")
        elif old == path[-1]:
            self._problems.add(
                where, "is its own name", "write the name that it had before, or remove the line"
            )
        else:
            remedy = "retire it under its former name, or rename it and let it live"
            self._problems.add(where, "stands beside retire", remedy)
        return None

    def _retire(self, section: Mapping[str, Any], path: Path) -> Retirement | None:
        match section.get("retire"):
            case "drain":
                return "drain"
            case "expire":
                return "expire"
            case None:
                return None
        remedy = 'write "drain" to send what waits, or "expire" to give it up'
        self._problems.add((*path, "retire"), "is neither of the two ways", remedy)
        return None

    def _filter(self, section: Mapping[str, Any], path: Path) -> Filter | None:
        text = section.get("filter")
        if text is None:
            return None
        where = (*path, "filter")
        if not isinstance(text, str):
            self._problems.add(where, "must be text", """write FQL in quotes, e.g. 'type = "track"'""")
            return None
        try:
            return compile_filter(text)
        except ExpressionRefused as error:
            what, _, remedy = str(error).partition("; ")
            self._problems.add(
                where, f"is not FQL: {what}", remedy or "mend the filter", value=text, at=error.place
            )
            return None

    def _backfill(self, section: Mapping[str, Any], path: Path) -> Duration | None:
        value = section.get("backfill", False)
        if isinstance(value, bool):
            return Duration(math.inf) if value else None
        try:
            return Duration.parse(value)
        except ValueError:
            what, remedy = "is neither true nor a duration", 'write e.g. "30d", or true for all that is kept'
            self._problems.add((*path, "backfill"), what, remedy)
            return None

    def _settings(self, cls: type[Destination[Any, Any]], data: object, path: Path) -> Settings | None:
        converter = Converter(self._problems, self._references)
        return converter.section(cls.settings_type(), data, (*path, "settings"))

    def _policies(
        self, cls: type[Destination[Any, Any]], section: Mapping[str, Any], path: Path
    ) -> Policies | None:
        """What the class declares, with what the section sets."""
        given = {key: section[key] for key in _POLICIES if key in section}
        policies = Converter(self._problems).section(Policies, given, path, default=cls.policies())
        if policies is not None:
            check_policies(policies, path, self._problems)
        return policies


def check_renames(
    destinations: Mapping[str, DestinationConfig], names: Iterable[str], problems: Problems
) -> None:
    """A former name belongs to one destination, and to none that is still configured."""
    configured = set(names)
    heirs: dict[str, str] = {}
    for one in destinations.values():
        if one.renamed_from is None:
            continue
        path = ("destinations", one.name, "renamed_from")
        if one.renamed_from in configured:
            what = f'"{one.renamed_from}" is still configured'
            problems.add(path, what, f"remove [destinations.{one.renamed_from}], or this line")
        heir = heirs.setdefault(one.renamed_from, one.name)
        if heir != one.name:
            what = f'"{one.renamed_from}" was renamed to "{heir}" already'
            problems.add(path, what, "only one can go on from there; remove one of the two lines")
