"""Puts together what each source's events go through before they are kept, from the whole configuration."""

from collections.abc import Iterator, Mapping

from router.config.model import Config
from router.config.transformations import chain_of
from router.enrichment.answers import Answers
from router.enrichment.controlled import Controlled
from router.enrichment.enriching import Enriching
from router.enrichment.planned import Planned
from router.enrichment.processing import Processing, ProcessingStep
from router.events.source import EMBEDDED_SOURCE
from router.telemetry.happenings import EnrichmentFailed
from router.telemetry.signals import Signals


def processing_of(config: Config, *, signals: Signals) -> Mapping[str, Processing]:
    """The steps of each source that has any."""
    answers = {
        kind: Answers(one.enricher, failed=lambda *fault: signals.emit(EnrichmentFailed(*fault)))
        for kind, one in config.enrichments.items()
    }
    found = {name: tuple(_steps(config, name, answers)) for name in (*config.sources, EMBEDDED_SOURCE)}
    return {name: Processing(steps) for name, steps in found.items() if steps}


def _steps(config: Config, source: str, answers: Mapping[str, Answers]) -> Iterator[ProcessingStep]:
    """In the order in which they run (protocols 1)."""
    settings = config.sources.get(source)
    if settings is not None and settings.plan is not None:
        yield Planned(config.plans[settings.plan].plan, settings.enforcement, source=source)
    elif settings is not None and settings.schema:
        yield Controlled(settings.schema)
    if settings is not None and settings.enrich:
        yield Enriching(answers[kind] for kind in settings.enrich)
    chain = chain_of(one for one in config.transformations.values() if source in one.sources)
    if chain is not None:
        apply = chain.apply
        yield lambda event, _: apply(event)
