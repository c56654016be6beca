"""Reads `enrich` of the sources and the sections `[enrichments.KIND]`, and makes the enrichers."""

from collections.abc import Mapping
from typing import Any

from router.config.convert import Converter
from router.config.model import EnrichmentConfig, SourceConfig
from router.config.problems import Path, Problems, did_you_mean
from router.config.secrets import References
from router.errors import PluginError
from router.plugins.enricher import Enricher
from router.plugins.loading import Loading
from router.plugins.registry import Registry


def read_enrichments(
    sections: Mapping[str, Any],
    sources: Mapping[str, SourceConfig],
    *,
    registry: Registry,
    references: References,
    problems: Problems,
) -> dict[str, EnrichmentConfig]:
    """Every enrichment that a source has or that has a section, by kind."""
    kinds = registry.enrichments
    places: dict[str, Path] = {kind: ("enrichments", kind) for kind in sections}
    for source in sources.values():
        where = ("sources", source.name, "enrich")
        for kind in source.enrich:
            places.setdefault(kind, where)
        if len(set(source.enrich)) < len(source.enrich):
            problems.add(where, "names an enrichment twice", "name each once")
    found: dict[str, EnrichmentConfig] = {}
    for kind, place in places.items():
        if kind not in kinds:
            what = f'no plugin offers the enrichment "{kind}"'
            problems.add(place, what, did_you_mean(kind, kinds), value=kind)
            continue
        converter = Converter(problems, references)
        settings = converter.section(
            kinds[kind].settings_type(), sections.get(kind, {}), ("enrichments", kind)
        )
        if settings is None:
            continue
        try:
            with Loading("the plugin", "mend its settings"):
                enricher: Enricher[Any] = kinds[kind](settings)
        except PluginError as error:
            # What a plugin says itself has its remedy; Loading wraps it, and that would only be noise here.
            said = error.__cause__ if isinstance(error.__cause__, (ValueError, OSError)) else error
            what, _, remedy = str(said).partition("; ")
            problems.add(place, what, remedy or "mend its settings, or the plugin")
            continue
        found[kind] = EnrichmentConfig(kind=kind, settings=settings, enricher=enricher)
    return found
