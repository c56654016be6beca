"""Reads a configuration: from `router.toml` or a dictionary of its shape, with the environment's overrides.

Everything that is wrong is found in one go and raised as one ConfigError, a line for each problem.
"""

import os
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from router.config.addressing import addressed, read_consent
from router.config.checks import check_server, check_storage
from router.config.convert import Converter
from router.config.enrichments import read_enrichments
from router.config.environment import override
from router.config.identity import check_spaces, computed_sources, read_identity
from router.config.lines import Places
from router.config.model import (
    Config,
    DestinationConfig,
    EnrichmentConfig,
    LoggingConfig,
    Outline,
    ServerConfig,
    StorageConfig,
    TransformationConfig,
)
from router.config.plans import check_planned, read_plans
from router.config.privacy import check_alerts, check_controls, colours_in, read_privacy
from router.config.problems import Problems, did_you_mean, dotted
from router.config.profile_reads import check_profile_reads
from router.config.secrets import EnvironmentAndFiles, References
from router.config.sections import DestinationReader, check_renames, read_sources
from router.config.spaces import read_spaces
from router.config.transformations import TransformationReader
from router.errors import ConfigError, PluginError
from router.events.source import Source
from router.plugins.registry import PluginsConfig, Registry

StructT = TypeVar("StructT", bound=Struct)

MOST_BYTES = 4 << 20
"""Nobody writes a larger configuration; reading one would hold up everything else."""
_NO_KEYS = ("dedupe_window",)
"""Fields of `[storage]` that follow from other sections."""
DEFAULT_WORKSPACE = Source(name="", write_key="").workspace
_SECTIONS = (
    "server",
    "storage",
    "sources",
    "plans",
    "destinations",
    "enrichments",
    "transformations",
    "consent",
    "privacy",
    "identity",
    "spaces",
    "plugins",
    "logging",
)


def load(
    source: str | os.PathLike[str] | Mapping[str, Any],
    *,
    registry: Registry | Callable[[PluginsConfig], Registry] | None = None,
    environ: Mapping[str, str] | None = None,
) -> Config:
    """Read the file (or the dictionary) `source`; raises ConfigError with every problem.

    Without a `registry`, plugins are loaded as the section `[plugins]` says; a function may do that differently.
    """
    environ = os.environ if environ is None else environ
    data, problems = (source, Problems()) if isinstance(source, Mapping) else _parse(FilePath(source))
    plugins = Registry.load if registry is None else registry
    return _read(data, problems, (lambda _: plugins) if isinstance(plugins, Registry) else plugins, environ)


def load_plugins(file: str | os.PathLike[str]) -> PluginsConfig:
    """The section `[plugins]` alone; the default when there is no file. Raises ConfigError."""
    if not FilePath(file).exists():
        return PluginsConfig()
    data, problems = _parse(FilePath(file))
    return _alone(PluginsConfig, data, "plugins", problems)


def load_storage(file: str | os.PathLike[str], *, environ: Mapping[str, str] | None = None) -> StorageConfig:
    """The section `[storage]` alone, so that a command finds the store without knowing any secret."""
    data, problems = _parse(FilePath(file))
    data = override(data, os.environ if environ is None else environ, problems)
    return _alone(StorageConfig, data, "storage", problems)


def load_outline(file: str | os.PathLike[str]) -> Outline:
    """The names in the file, so that a command can speak of them without knowing any secret. Raises ConfigError."""
    data, problems = _parse(FilePath(file))
    sources = _named(data, "sources", problems)
    workspaces = {name: _workspace(section) for name, section in sources.items()}
    destinations = _named(data, "destinations", problems)
    outline = Outline(
        workspaces=workspaces,
        destinations=tuple(destinations),
        connected={name: _connected(section) for name, section in destinations.items()},
        colours=colours_in(data.get("privacy")),
    )
    if problems:
        raise ConfigError(problems.lines())
    return outline


def _workspace(section: object) -> str:
    named = section.get("workspace") if isinstance(section, Mapping) else None
    return named if isinstance(named, str) else DEFAULT_WORKSPACE


def _connected(section: object) -> tuple[str, ...] | None:
    named = section.get("sources") if isinstance(section, Mapping) else None
    return tuple(str(one) for one in named) if isinstance(named, list) else None


def _alone(kind: type[StructT], data: Mapping[str, Any], name: str, problems: Problems) -> StructT:
    section = Converter(problems).section(kind, data.get(name, {}), (name,), left_out=_NO_KEYS)
    if section is None or problems:
        raise ConfigError(problems.lines())
    return section


def _parse(file: FilePath) -> tuple[dict[str, Any], Problems]:
    try:
        with file.open("rb") as opened:
            read = opened.read(MOST_BYTES + 1)
        if len(read) > MOST_BYTES:
            raise ConfigError(
                [f"{file}: is larger than {MOST_BYTES >> 20} MiB; name the right file with --config"]
            )
        text = read.decode("utf-8").replace("\r\n", "\n")
        return tomllib.loads(text), Problems(str(file), Places(text))
    except FileNotFoundError:
        problem = f"{file}: there is no such file; name another one with --config"
    except OSError as error:
        problem = f"{file}: cannot be read ({error.strerror}); make it readable"
    except UnicodeDecodeError:
        problem = f"{file}: is not UTF-8 text; save it as UTF-8"
    except RecursionError:
        problem = f"{file}: is nested too deeply; mend the brackets"
    except tomllib.TOMLDecodeError as error:
        problem = f"{file}: is not TOML: {error}; mend that place"
    raise ConfigError([problem])


def _read(
    data: Mapping[str, Any],
    problems: Problems,
    load_registry: Callable[[PluginsConfig], Registry],
    environ: Mapping[str, str],
) -> Config:
    data = override(data, environ, problems)
    for name in data:
        if name not in _SECTIONS:
            problems.unknown((str(name),), _SECTIONS, what="is not a known section")
    converter = Converter(problems)
    server = converter.section(ServerConfig, data.get("server", {}), ("server",)) or ServerConfig()
    storage = _storage(data.get("storage", {}), converter)
    plugins = converter.section(PluginsConfig, data.get("plugins", {}), ("plugins",)) or PluginsConfig()
    logging = converter.section(LoggingConfig, data.get("logging", {}), ("logging",)) or LoggingConfig()
    consent = read_consent(data.get("consent", {}), problems)
    identity = read_identity(data.get("identity"), problems)
    check_server(server, problems)
    check_storage(storage, problems)

    broken = ""
    try:
        registry = load_registry(plugins)
    except PluginError as error:
        broken = str(error)
        registry = Registry.load(entry_points=False)
    references = References(registry.with_plugin(EnvironmentAndFiles(environ)), problems)
    sources = read_sources(
        _named(data, "sources", problems), references, problems, registry=None if broken else registry
    )
    planned = _named(data, "plans", problems)
    plans = read_plans(planned, problems)
    check_planned(sources, planned, problems)
    privacy = read_privacy(data.get("privacy"), references, problems)
    check_alerts(privacy, data.get("sources", {}), problems)
    for source in sources.values():
        check_controls(source, privacy, problems)
    workspaces = {DEFAULT_WORKSPACE, *(one.workspace for one in sources.values())}
    spaces = read_spaces(_named(data, "spaces", problems), workspaces, references, problems)
    check_spaces(identity, workspaces, problems)
    if spaces and "identity" not in data:
        problems.add(("spaces",), "have no profiles: there is no section [identity]", "add [identity]")
    made = computed_sources(identity, workspaces, sources, problems)
    destinations: dict[str, DestinationConfig] = {}
    transformations: dict[str, TransformationConfig] = {}
    enrichments: dict[str, EnrichmentConfig] = {}
    if not broken:  # without its plugins, every kind would be reported as unknown
        if storage.kind not in registry.storages:
            remedy = did_you_mean(storage.kind, registry.storages)
            problems.add(("storage", "kind"), f'no plugin offers the store kind "{storage.kind}"', remedy)
        known = [*_named(data, "sources", problems), *made]
        reader = DestinationReader(registry, known, references, problems)
        sections = _named(data, "destinations", problems)
        for name, section in sections.items():
            if (destination := reader.read(name, section)) is not None:
                destinations[name] = destination
        check_renames(destinations, sections, problems)
        destinations = addressed(
            destinations,
            sections=sections,
            sources=sources,
            consent=consent,
            kinds=registry.destinations,
            problems=problems,
        )
        transforming = TransformationReader(
            registry,
            sources=data.get("sources", {}),
            destinations=sections,
            references=references,
            problems=problems,
        )
        for name, section in _named(data, "transformations", problems).items():
            if (transformation := transforming.read(name, section)) is not None:
                transformations[name] = transformation
        enrichments = read_enrichments(
            _named(data, "enrichments", problems),
            sources,
            registry=registry,
            references=references,
            problems=problems,
        )
    check_profile_reads(
        destinations, transformations, identity, is_section_there="identity" in data, problems=problems
    )
    if problems or broken:
        raise ConfigError([*problems.lines(), *([broken] if broken else [])])
    window = max((one.dedupe_window for one in sources.values()), default=storage.dedupe_window)
    return Config(
        server=server,
        storage=replace(storage, dedupe_window=window),
        sources=sources,
        plans=plans,
        destinations={name: _transformed(one, transformations) for name, one in destinations.items()},
        transformations=transformations,
        consent=consent,
        enrichments=enrichments,
        privacy=privacy,
        identity=identity,
        spaces=spaces,
        plugins=plugins,
        logging=logging,
        references={dotted(path): reference for path, reference in references.found.items()},
    )


def _transformed(
    destination: DestinationConfig, transformations: Mapping[str, TransformationConfig]
) -> DestinationConfig:
    """The destination with the transformations that name it."""
    own = tuple(one for one in transformations.values() if destination.name in one.destinations)
    return replace(destination, transformations=own) if own else destination


def _storage(data: object, converter: Converter) -> StorageConfig:
    section = converter.section(StorageConfig, data, ("storage",), left_out=_NO_KEYS)
    return section or StorageConfig()


def _named(data: Mapping[str, Any], what: str, problems: Problems) -> Mapping[str, Any]:
    """The sections of `[what.NAME]`, by name."""
    sections = data.get(what, {})
    if isinstance(sections, Mapping):
        return sections
    problems.add((what,), "must be a table of sections", f"write [{what}.NAME]")
    return {}
