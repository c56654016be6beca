"""All computed traits and audiences of a space, sorted so that most events are seen to be none of their business."""

from collections.abc import Mapping, Sequence

from router.events.calls import AnyEvent, Track
from router.rules.identity.computed.audience import Audience
from router.rules.identity.computed.merging import AUDIENCE
from router.rules.identity.computed.trait import ComputedTrait
from router.storage.profile import COLLECTIONS, Collection
from router.storage.profile import Traits as ProfileTraits

Traits = tuple[ComputedTrait, ...]


class ComputedRules:
    """The rules; `audiences` stand behind those that they name. False when there are none."""

    def __init__(self, traits: Sequence[ComputedTrait] = (), audiences: Sequence[Audience] = ()) -> None:
        self.traits = tuple(traits)
        self.audiences = tuple(audiences)
        every: tuple[ComputedTrait | Audience, ...] = (*traits, *audiences)
        self.by_name: Mapping[Collection, Mapping[str, ComputedTrait | Audience]] = {
            collection: {one.name: one for one in every if one.collection == collection}
            for collection in COLLECTIONS
        }
        """Every rule of a collection by the name of its trait."""
        self.audiences_of: Mapping[Collection, tuple[Audience, ...]] = {
            collection: tuple(one for one in audiences if one.collection == collection)
            for collection in COLLECTIONS
        }
        anything = tuple(one for one in traits if not one.event)
        self._by_event: dict[str, Traits] = {
            name: tuple(one for one in traits if one.event in ("", name))
            for name in {one.event for one in traits if one.event}
        }
        self._anything = anything

    def __bool__(self) -> bool:
        return bool(self.traits or self.audiences)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, ComputedRules):
            return NotImplemented
        return (self.traits, self.audiences) == (other.traits, other.audiences)

    def __hash__(self) -> int:
        return hash((self.traits, self.audiences))

    def perhaps(self, event: AnyEvent) -> Traits:
        """The traits that the event may count for, by its type and name alone."""
        if event.__class__ is Track:
            return self._by_event.get(event.event, self._anything)
        return self._anything

    def of(self, event: AnyEvent) -> Traits:
        """The traits that the event counts for."""
        found = self.perhaps(event)
        return tuple([one for one in found if one.where is None or one.where.matches(event)]) if found else ()


def class_of(
    traits: ProfileTraits, rules: Mapping[str, ComputedTrait | Audience] | None = None
) -> Mapping[str, str]:
    """The classes of the traits that are not custom: `computed_trait` or `audience`, by name.

    With `rules`, one whose rule is gone is custom again.
    """
    return {
        name: Audience.kind_name if state.kind == AUDIENCE else ComputedTrait.kind_name
        for name, state in traits.computed.items()
        if rules is None or name in rules
    }


NO_RULES = ComputedRules()
