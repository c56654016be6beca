"""From what a configuration says of a destination to the terms on which it takes events."""

from router.actors.guard import Guard
from router.config.model import DestinationConfig
from router.config.transformations import chain_of
from router.delivery.terms import Terms
from router.plugins.chain import Chain
from router.rules.device_mode import Siblings
from router.rules.filters.compiled import DestinationFilters


def terms_of(section: DestinationConfig, *, siblings: Siblings = tuple, guard: Guard | None = None) -> Terms:
    """The terms of a section, compiled; with new instances of its transformations.

    `siblings` tells the destinations that events call by the same name, `guard` watches over the transformations.
    """
    inserted = [one.transformation() for one in section.transformations if one.cls.is_insert_function]
    asking = next((index for index, one in enumerate(inserted) if one.asks()), len(inserted))
    return Terms(
        sources=section.sources,
        to=section.addressee,
        siblings=siblings,
        categories=section.categories,
        switched_off=section.switched_off,
        accepts=section.filter.matches if section.filter else None,
        filters=DestinationFilters(section.filters) if section.filters else None,
        chain=chain_of(
            [one for one in section.transformations if not one.cls.is_insert_function], guard=guard
        ),
        insert=Chain(inserted[:asking], guard=guard) if asking else None,
        asking=tuple(inserted[asking:]),
    )
