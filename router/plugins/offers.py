"""What plugins offer, by kind; every class is checked against its contract when it is offered."""

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar, get_args

from msgspec import Struct

from router.errors import PluginError
from router.plugins.destination import Destination
from router.plugins.enricher import SENDERS_ALONE, Enricher
from router.plugins.loading import Loading
from router.plugins.settings import Settings
from router.plugins.source import SourcePlugin
from router.plugins.transformation import Transformation
from router.plugins.webhook import WebhookSource
from router.rules.addressee import Category

T = TypeVar("T")
_KIND = re.compile(r"[a-z][a-z0-9_-]*")
_HOOKS = {
    "source": "register_sources",
    "enrichment": "register_enrichments",
    "transformation": "register_transformations",
    "destination": "register_destinations",
    "storage": "register_storage",
}


class Offer(Struct, frozen=True):
    """One thing that a plugin offers."""

    what: str
    """`destination`, `source`, `enrichment`, `transformation` or `storage`."""
    kind: str
    """The word in `kind = "…"`."""
    plugin: str
    """Name of the plugin."""
    origin: str
    """Where the plugin came from: its distribution and version, or its file."""


class Offers:
    """Collects what each plugin registers; a kind that two plugins offer is refused."""

    def __init__(self) -> None:
        self._classes: dict[str, dict[str, Any]] = {what: {} for what in _HOOKS}
        self._origins: dict[tuple[str, str], str] = {}
        self.rows: list[Offer] = []
        """Everything, in the order in which it was offered."""

    def classes(self, what: str) -> Mapping[str, Any]:
        """What was offered as a source, enrichment, transformation, destination or storage, by kind."""
        return self._classes[what]

    def add(self, plugin: object, name: str, origin: str) -> None:
        """Take everything that `plugin` offers; raises PluginError."""
        said = f"plugin {name!r} ({origin})"
        for what, hook in _HOOKS.items():
            register = getattr(plugin, hook, None)
            if register is None:
                continue
            with Loading(f"{said}, {hook}", "mend the hook"):
                offered = register()
            for kind, found in _by_kind(what, offered, f"{said}, {hook}"):
                self._add(Offer(what, kind, name, origin), found, said)

    def _add(self, offer: Offer, found: object, said: str) -> None:
        what, kind = offer.what, offer.kind
        other = self._origins.get((what, kind))
        if other is not None:
            raise PluginError(
                f"two plugins offer the {what} kind {kind!r}: {other} and {said}; "
                "rename one, or add one of them to [plugins] disabled"
            )
        if what == "destination":
            check_destination(found, said)
        elif what == "transformation":
            check_transformation(found, said)
        elif what == "source" and inspect.isclass(found) and issubclass(found, WebhookSource):
            check_webhook_source(found, said)
        elif what == "source":
            check_source_plugin(found, said)
        elif what == "enrichment":
            check_enricher(found, said)
        self._origins[what, kind] = said
        self._classes[what][kind] = found
        self.rows.append(offer)


def check_destination(found: object, said: str) -> None:
    """Refuse a class that does not keep the contract of a destination; raises PluginError."""
    cls, where = _subclass(found, f"{said}: destination", Destination, "…, …")
    ways = [way for way in ("requests", "deliver") if getattr(cls, way) is not getattr(Destination, way)]
    if len(ways) != 1:
        have = "both `requests` and `deliver`" if ways else "neither `requests` nor `deliver`"
        raise PluginError(f"{where} has {have}; write exactly one of them")
    if cls.category not in get_args(Category):
        known = ", ".join(get_args(Category))
        raise PluginError(f"{where} has the category {cls.category!r}; known are {known}")
    _check_parameters(cls, where)


def check_transformation(found: object, said: str) -> None:
    """Refuse a class that does not keep the contract of a transformation; raises PluginError."""
    cls, where = _subclass(found, f"{said}: transformation", Transformation, "…, …")
    if cls.transform is Transformation.transform:
        raise PluginError(f"{where} has no `transform`; write it")
    _check_parameters(cls, where)


def check_source_plugin(found: object, said: str) -> None:
    """Refuse a class that does not keep the contract of a source plugin that reads; raises PluginError."""
    cls, where = _subclass(found, f"{said}: source", SourcePlugin, "…")
    if cls.run is SourcePlugin.run:
        raise PluginError(f"{where} has no `run`; write it")
    for way in ("open", "run", "close"):
        if not inspect.iscoroutinefunction(getattr(cls, way)):
            raise PluginError(f"{where}: `{way}` is not awaited; write `async def {way}`, without `yield`")
    if not (isinstance(cls.interval, (int, float)) and cls.interval > 0):
        raise PluginError(f"{where} has the interval {cls.interval!r}; write e.g. `interval = Duration(30)`")
    _check_parameters(cls, where)


def check_webhook_source(found: type[WebhookSource[Any]], said: str) -> None:
    """Refuse a class that does not keep the contract of a webhook source; raises PluginError."""
    where = f"{said}: source {found.__name__}"
    if found.receive is WebhookSource.receive:
        raise PluginError(f"{where} has no `receive`; write it")
    if inspect.iscoroutinefunction(found.receive) or inspect.isasyncgenfunction(found.receive):
        raise PluginError(f"{where}: `receive` is awaited; write `def receive`, and `yield` its requests")
    if not (isinstance(found.timeout, (int, float)) and found.timeout > 0):
        raise PluginError(f"{where} has the timeout {found.timeout!r}; write e.g. `timeout = Duration(5)`")
    _check_parameters(found, where)


def check_enricher(found: object, said: str) -> None:
    """Refuse a class that does not keep the contract of an enricher; raises PluginError."""
    cls, where = _subclass(found, f"{said}: enrichment", Enricher, "…")
    if cls.add is Enricher.add:
        raise PluginError(f"{where} has no `add`; write it")
    for attribute in ("reads", "adds"):
        members = getattr(cls, attribute, None)
        if not (isinstance(members, tuple) and members and all(isinstance(one, str) for one in members)):
            raise PluginError(f'{where} needs {attribute} = ("…",): names of members of `context`')
    if refused := SENDERS_ALONE.intersection(cls.adds):
        raise PluginError(f"{where} adds context.{min(refused)}, which senders alone set; add another member")
    _check_parameters(cls, where)


def _check_parameters(found: Any, where: str) -> None:
    try:
        settings = found.settings_type()
        if hasattr(found, "event_types"):
            found.event_types()
    except TypeError as error:
        raise PluginError(f"{where}: {error}") from None
    if not (inspect.isclass(settings) and issubclass(settings, Settings)):
        raise PluginError(f"{where} names {settings!r} as its settings; it must be a subclass of Settings")


def _by_kind(what: str, offered: object, said: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    if what == "storage":
        if not isinstance(offered, Mapping):
            raise PluginError(f'{said} must return stores by kind, e.g. {{"sqlite": make_store}}')
        pairs = list(offered.items())
    else:
        if not isinstance(offered, (list, tuple)):
            raise PluginError(f"{said} must return a list of classes")
        pairs = [(getattr(one, "kind", None), one) for one in offered]
    for kind, found in pairs:
        if not (isinstance(kind, str) and _KIND.fullmatch(kind)):
            name = getattr(found, "__name__", repr(found))
            raise PluginError(
                f'{said}: {name} needs a `kind` in lower case, e.g. kind = "slack", not {kind!r}'
            )
        yield kind, found


def _subclass(found: object, said: str, contract: type[T], parameters: str) -> tuple[type[T], str]:
    """The class, and how it is named in what is said of it; raises PluginError for anything else."""
    name = getattr(found, "__name__", repr(found))
    where = f"{said} {name}"
    if inspect.isclass(found) and issubclass(found, contract):
        return found, where
    base = contract.__name__
    raise PluginError(f"{where} is not a subclass of {base}; write `class {name}({base}[{parameters}])`")
