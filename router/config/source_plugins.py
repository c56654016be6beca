"""Reads what a section `[sources.NAME]` with a `kind` says about its plugin."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import fields, replace

from router.config.convert import Converter
from router.config.model import SourceConfig
from router.config.problems import Path, Problems, did_you_mean
from router.config.secrets import References
from router.errors import PluginError
from router.plugins.loading import Loading
from router.plugins.registry import Registry
from router.plugins.source import WayIn
from router.plugins.webhook import WebhookSource

NO_KEYS = ("name", "cls")
"""Fields of a source that are not keys of its section."""
_KEYS = frozenset(one.encode_name for one in fields(SourceConfig)) - {*NO_KEYS}


def is_webhook(source: SourceConfig) -> bool:
    """Whether a source takes a vendor's requests."""
    return source.cls is not None and issubclass(source.cls, WebhookSource)


class SourcePluginReader:
    """Finds the plugin of each source that has one, and reads its settings."""

    def __init__(self, registry: Registry | None, references: References, problems: Problems) -> None:
        """Without a registry (a plugin is broken) no kind is looked for."""
        self._registry = registry
        self._references = references
        self._problems = problems

    def own_keys(self, section: object, path: Path) -> object:
        """The section without what belongs to the plugin; a setting that lost its `settings.` is noted."""
        if not isinstance(section, Mapping):
            return section
        cls = self._known.get(str(section.get("kind")))
        settings = {one.encode_name for one in fields(cls.settings_type())} if cls else set()
        lost = [key for key in section if key in settings and key not in _KEYS]
        for key in lost:
            self._problems.add((*path, key), "is not a known key", f'write it as "settings.{key}"')
        without_key = {"write_key": ""} if "kind" in section else {}
        own = {key: value for key, value in section.items() if key != "settings" and key not in lost}
        return {**without_key, **own}

    def complete(self, source: SourceConfig, section: Mapping[str, Any], path: Path) -> SourceConfig:
        """The source with its plugin and the plugin's settings."""
        if source.kind is None:
            for key in ("settings", "interval"):
                if key in section:
                    remedy = 'say which plugin it is for, e.g. kind = "file_lines", or remove it'
                    self._problems.add((*path, key), "is for a source with a kind", remedy)
            return source
        if source.interval is not None and source.interval <= 0:
            self._problems.add((*path, "interval"), "must be above 0", 'write e.g. "10s", or leave it out')
        if self._registry is None:
            return source
        cls = self._known.get(source.kind)
        if cls is None:
            what = f'no plugin offers the source kind "{source.kind}"'
            self._problems.add((*path, "kind"), what, did_you_mean(source.kind, self._known))
            return source
        if issubclass(cls, WebhookSource):
            self._check_webhook(source, path)
        converter = Converter(self._problems, self._references)
        settings = converter.section(cls.settings_type(), section.get("settings", {}), (*path, "settings"))
        if settings is None:
            return source
        done = replace(source, cls=cls, settings=settings)
        try:  # so that what it does not like is said now and not while the router runs
            with Loading("the plugin", "mend its settings"):
                done.plugin()
        except PluginError as error:
            self._problems.add(path, f"cannot be made: {error}", "mend its settings, or the plugin")
        return done

    def _check_webhook(self, source: SourceConfig, path: Path) -> None:
        if not source.write_key:
            what = "is missing: it is the secret in the URL that the vendor is given"
            self._problems.add((*path, "write_key"), what, 'write e.g. "env:HOOK_KEY"')
        if source.interval is not None:
            what = f'is for sources that read, and "{source.kind}" is sent its requests'
            self._problems.add((*path, "interval"), what, "remove it")

    @property
    def _known(self) -> Mapping[str, type[WayIn[Any]]]:
        return self._registry.sources if self._registry is not None else {}
