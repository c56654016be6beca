"""Reads who may get what: consent categories, integration filters of sources, and the names of destinations."""

from collections.abc import Iterable, Mapping
from typing import Any

from msgspec.structs import replace

from router.config.convert import Converter
from router.config.model import ConsentConfig, DestinationConfig, SourceConfig
from router.config.problems import Path, Problems, did_you_mean
from router.plugins.destination import Destination
from router.rules.consent import ID, Category, categories_of
from router.rules.integrations import SPECIAL
from router.rules.schema_filter import switched_off

Kinds = Mapping[str, type[Destination[Any, Any]]]


def read_consent(data: object, problems: Problems) -> ConsentConfig:
    """The section `[consent]`; whether its destinations exist is checked when those are known."""
    sections = data.get("categories", {}) if isinstance(data, Mapping) else None
    if not isinstance(data, Mapping) or not isinstance(sections, Mapping):
        where = ("consent",) if sections is None else ("consent", "categories")
        problems.add(where, "must be a table of sections", "write [consent.categories.ID]")
        return ConsentConfig()
    for key in data:
        if key != "categories":
            problems.unknown(("consent", key), ("categories",))
    converter = Converter(problems)
    found: dict[str, Category] = {}
    for id, section in sections.items():
        path = ("consent", "categories", id)
        if not ID.fullmatch(id):
            remedy = "use what the consent tool calls it: 1 to 34 characters, and no digit at the start"
            problems.add(path, "is not the id of a category", remedy)
        if (category := converter.section(Category, section, path)) is not None:
            found[id] = category
    return ConsentConfig(categories=found)


def check_integration(name: object, path: Path, problems: Problems) -> str | None:
    """What events call a destination, as its section says."""
    if name is None:
        return None
    if not isinstance(name, str) or not name:
        problems.add(path, "must be text", 'write what events call it, e.g. "Mixpanel"')
        return None
    if name in SPECIAL:
        problems.add(path, f'"{name}" means something else in an integrations object', "choose another name")
        return None
    return name


def integration_names(
    destinations: Iterable[DestinationConfig], classes: Iterable[type[Destination[Any, Any]]]
) -> frozenset[str]:
    """Every name by which events may call a destination, of those that are configured or could be."""
    configured = (name for one in destinations for name in one.addressee.names)
    return frozenset(configured).union(*(cls.integration_names() for cls in classes))


def addressed(
    destinations: Mapping[str, DestinationConfig],
    *,
    sections: Iterable[str],
    sources: Mapping[str, SourceConfig],
    consent: ConsentConfig,
    kinds: Kinds,
    problems: Problems,
) -> dict[str, DestinationConfig]:
    """The destinations with what follows for them from other sections; names that mean none are problems.

    `sections` are the names of all destinations, also of those that something is wrong with.
    """
    known = {*sections, *kinds, *integration_names(destinations.values(), kinds.values())}
    for id, category in consent.categories.items():
        _check_names(category.destinations, known, ("consent", "categories", id, "destinations"), problems)
    filters = {name: source.integration_filters for name, source in sources.items()}
    for name, several in filters.items():
        for number, one in enumerate(several):
            path = ("sources", name, "integration_filters", str(number), "destinations")
            _check_names(one.destinations, known, path, problems)
            for target in one.destinations:
                if target in destinations and destinations[target].addressee.is_storage:
                    what = f'"{target}" keeps every event, and this filter does not concern it'
                    problems.add(path, what, f"take it out, or write a filter in [destinations.{target}]")
    return {
        name: replace(
            section,
            categories=categories_of(section.addressee, consent.categories),
            switched_off=switched_off(filters, section.addressee),
        )
        for name, section in destinations.items()
    }


def _check_names(names: Iterable[str], known: set[str], path: Path, problems: Problems) -> None:
    for one in names:
        if one not in known:
            problems.add(path, f'there is no destination "{one}"', did_you_mean(one, known))
