"""The registry: which plugins there are, what each offers, and where it came from. A value, not a global.

Plugins are looked for in this order: what the router brings along, entry points of the group `router.plugins`, then
the directories named in `[plugins]`. What is wrong with one is said when it is loaded: a broken import, a hook that
does not exist, two plugins with the same kind, a class that does not keep the contract.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.metadata import entry_points
from types import ModuleType
from typing import Any, Self

import pluggy
from msgspec import Struct

from router.errors import PluginError
from router.plugins.destination import Destination
from router.plugins.directory import load_directory
from router.plugins.enricher import Enricher
from router.plugins.hookspecs import PROJECT, Hooks
from router.plugins.loading import Loading
from router.plugins.offers import Offer, Offers
from router.plugins.settings import Duration, Size
from router.plugins.source import WayIn
from router.plugins.transformation import Transformation

ENTRY_POINT_GROUP = "router.plugins"
BUILT_IN_ORIGIN = "built in"
BUILT_IN = (
    "router.config.secrets",
    "router.config.stores",
    "router.plugins.declarative.segment",
    "router.plugins.declarative.steps",
    "router.javascript.functions",
)


class PluginsConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[plugins]`: where plugins come from besides installed packages."""

    directories: tuple[str, ...] = ()
    """Folders with plugins of your own: each `*.py` file or package, and each `*.toml` file that
    defines a destination. None by default."""
    disabled: tuple[str, ...] = ()
    """Names of plugins (as `router plugins` lists them) that are not loaded. None by default."""
    stop_after: Duration = Duration(10)
    """A plugin that hangs so long and cannot be interrupted stops `router run`; its destination then starts paused."""
    growth_limit: Size = Size(256 * 2**20)
    """When the process has grown by so much, the plugin that holds the memory is looked for; 0 never looks."""


class Plugin(Struct, frozen=True):
    """A loaded plugin and where it came from."""

    name: str
    """The name of its entry point, file or object; `disabled` takes it."""
    origin: str
    """Its distribution and version, or its file."""
    module: object
    digest: str = ""
    """Of its code, where it came from a folder: such a plugin may be loaded again."""
    is_installed: bool = False
    """Whether an entry point names it."""


class Registry:
    """What the loaded plugins offer. `Registry.load(config.plugins)` makes the usual one."""

    def __init__(self, plugins: Iterable[Plugin] = ()) -> None:
        self.plugins: tuple[Plugin, ...] = tuple(plugins)
        """Every plugin, in the order in which they were found."""
        self._manager = pluggy.PluginManager(PROJECT)
        self._manager.add_hookspecs(Hooks)
        self._offers = Offers()
        for plugin in self.plugins:
            self._register(plugin)

    @classmethod
    def load(
        cls, config: PluginsConfig | None = None, *, entry_points: bool = True, built_in: bool = True
    ) -> Self:
        """Load the plugins that are built in, installed, and in the directories of `config`; raises PluginError."""
        config = config or PluginsConfig()
        found = [_built_in(name) for name in BUILT_IN] if built_in else []
        if entry_points:
            found += _installed(config.disabled)
        return cls([*found, *_in_folders(config)])

    def again(self, config: PluginsConfig) -> "Registry":
        """Return a registry with the folders of `config` loaded anew; a plugin whose code is the same stays the same.

        Installed plugins can be disabled and enabled, but their code is that of the process's start.
        """
        installed = [one for one in self.plugins if one.is_installed]
        if installed:
            installed = _installed(config.disabled)
        loaded = {(one.origin, one.digest): one.module for one in self.plugins if one.digest}
        built_in = [one for one in self.plugins if one.origin == BUILT_IN_ORIGIN]
        rest = [
            one
            for one in self.plugins
            if not (one.digest or one.is_installed or one.origin == BUILT_IN_ORIGIN)
        ]
        return Registry([*built_in, *installed, *_in_folders(config, loaded), *rest])

    def with_plugin(
        self, plugin: object, *, name: str | None = None, origin: str = "this program"
    ) -> "Registry":
        """Return a registry that has `plugin` (a module, or an object with hooks) too; it goes before the others."""
        if isinstance(plugin, ModuleType):
            usual = plugin.__name__
        else:
            usual = type(plugin).__qualname__
        return Registry([*self.plugins, Plugin(name or usual, origin, plugin)])

    @property
    def destinations(self) -> Mapping[str, type[Destination[Any, Any]]]:
        """Destination classes by kind."""
        return self._offers.classes("destination")

    @property
    def sources(self) -> Mapping[str, type[WayIn[Any]]]:
        """Source classes by kind."""
        return self._offers.classes("source")

    @property
    def enrichments(self) -> Mapping[str, type[Enricher[Any]]]:
        """Enricher classes by kind."""
        return self._offers.classes("enrichment")

    @property
    def transformations(self) -> Mapping[str, type[Transformation[Any, Any]]]:
        """Transformation classes by kind."""
        return self._offers.classes("transformation")

    @property
    def storages(self) -> Mapping[str, Callable[..., Any]]:
        """Stores by kind: call one with the `[storage]` section, `signals` and `clock`."""
        return self._offers.classes("storage")

    @property
    def offers(self) -> Sequence[Offer]:
        """Everything that the plugins offer, with where it came from."""
        return self._offers.rows

    def offered(self, offer: Offer) -> object:
        """The class or function that was offered."""
        return self._offers.classes(offer.what)[offer.kind]

    def observers(self) -> list[Callable[[Any], None]]:
        """New observers of signals, for one router."""
        return [observer for offered in self._manager.hook.register_observers() for observer in offered]

    def resolve_secret(self, reference: str) -> str | None:
        """The value that `reference` stands for; None when it is no reference. Raises LookupError without its value."""
        value: str | None = self._manager.hook.resolve_secret(reference=reference)
        return value

    def register_commands(self, cli: object) -> None:
        """Let every plugin add its commands to `cli`."""
        self._manager.hook.register_commands(cli=cli)

    def _register(self, plugin: Plugin) -> None:
        said = f"plugin {plugin.name!r} ({plugin.origin})"
        self._check_names(plugin, said)
        try:
            self._manager.register(plugin.module, name=f"{plugin.name}#{len(self._manager.get_plugins())}")
            self._manager.check_pending()
        except ValueError:
            raise PluginError(f"{said} is loaded twice; remove one of the two") from None
        except pluggy.PluginValidationError as error:
            raise PluginError(f"{said} has a hook with other arguments than specified: {error}") from None
        self._offers.add(plugin.module, plugin.name, plugin.origin)

    def _check_names(self, plugin: Plugin, said: str) -> None:
        """Refuse a plugin with a hook that does not exist, or with no hook at all: both are slips of the pen."""
        known = [name for name in vars(Hooks) if not name.startswith("_")]
        names = [name for name in dir(plugin.module) if not name.startswith("__")]
        hooks = [name for name in names if self._manager.parse_hookimpl_opts(plugin.module, name)]
        for name in hooks:
            if name not in known:
                near = get_close_matches(name, known, n=1, cutoff=0) or known
                raise PluginError(f"{said} has an unknown hook {name!r}; did you mean {near[0]!r}?")
        if not hooks:
            raise PluginError(
                f"{said} has no hook; mark one with @hookimpl, or begin its name with an underscore if it is no plugin"
            )


def _built_in(name: str) -> Plugin:
    return Plugin(name.rsplit(".", 1)[-1], BUILT_IN_ORIGIN, import_module(name))


def _in_folders(
    config: PluginsConfig, loaded: Mapping[tuple[str, str], Any] | None = None
) -> Iterator[Plugin]:
    for directory in config.directories:
        for one in load_directory(directory, config.disabled, loaded=loaded):
            yield Plugin(one.name, one.file, one.module, digest=one.digest)


def _installed(disabled: Sequence[str]) -> list[Plugin]:
    found = []
    for point in sorted(entry_points(group=ENTRY_POINT_GROUP), key=lambda point: point.name):
        if point.name in disabled:
            continue
        distribution = f"{point.dist.name} {point.dist.version}" if point.dist else point.value
        remedy = f'mend or uninstall it, or add "{point.name}" to [plugins] disabled'
        with Loading(f"plugin {point.name!r} ({distribution})", remedy):
            found.append(Plugin(point.name, distribution, point.load(), is_installed=True))
    return found
