"""Puts together what each source's events go through before they are kept, from the whole configuration."""

from collections.abc import Iterator, Mapping

from router.config.model import Config
from router.config.transformations import chain_of
from router.enrichment.controlled import Controlled
from router.enrichment.planned import Planned
from router.enrichment.processing import Processing, ProcessingStep
from router.events.source import EMBEDDED_SOURCE


def processing_of(config: Config) -> Mapping[str, Processing]:
    """The steps of each source that has any."""
    found = {name: tuple(_steps(config, name)) for name in (*config.sources, EMBEDDED_SOURCE)}
    return {name: Processing(steps) for name, steps in found.items() if steps}


def _steps(config: Config, source: str) -> Iterator[ProcessingStep]:
    """In the order in which they run (protocols 1)."""
    settings = config.sources.get(source)
    if settings is not None and settings.plan is not None:
        yield Planned(config.plans[settings.plan].plan, settings.enforcement, source=source)
    elif settings is not None and settings.schema:
        yield Controlled(settings.schema)
    chain = chain_of(one for one in config.transformations.values() if source in one.sources)
    if chain is not None:
        apply = chain.apply
        yield lambda event, _: apply(event)
