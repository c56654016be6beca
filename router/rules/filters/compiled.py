"""The filters of a destination as closures: over all of them first what samples, then drops, then removes fields.

Every condition is judged on the event as it came, so no filter changes what another one sees. Whatever a filter
raises drops the event, and so does one whose condition is not FQL: what was meant to protect must not let through.
"""

from collections.abc import Callable, Iterator, Sequence

from msgspec import Struct

from router.events.calls import AnyEvent, cut
from router.events.envelope import Envelope
from router.rules.filters.definition import Action, AllowProperties, DropProperties, FilterDefinition, Sample
from router.rules.filters.members import Change, allowing, dropping, path_of
from router.rules.filters.reading import ALWAYS_THERE
from router.rules.filters.sampling import Keeps, compile_sample
from router.rules.fql.closures import Condition, always, any_of
from router.rules.fql.filter import compile_filter
from router.rules.fql.places import EVENT_CLASSES
from router.rules.fql.refused import ExpressionRefused

ByClass = Callable[[type[AnyEvent]], Condition]
"""A condition, made for each class of event."""


class _Road(Struct, frozen=True):
    """What happens to events of one class from one source."""

    drops: Condition
    """Whether a sample or a drop takes the event."""
    removals: Sequence[tuple[Condition, Change]]
    """Conditions, with what is removed from those that meet it."""


class DestinationFilters:
    """Applies the enabled filters of one destination."""

    def __init__(self, definitions: Sequence[FilterDefinition]) -> None:
        self._filters = [(one, _condition(one.condition)) for one in definitions if one.enabled]
        self._tells_sources = any(one.only_from for one, _ in self._filters)
        self._removes = any(_takes_fields(action) for one, _ in self._filters for action in one.actions)
        self._roads: dict[str, dict[type, _Road]] = {}
        self._drops: dict[type, Condition] = {one: road.drops for one, road in self._of("").items()}
        """Of a source that no filter names."""

    def apply(self, envelope: Envelope) -> Envelope | None:
        """What the destination gets of the event: it as it is, a copy without some fields, or None."""
        if self._of(envelope.source)[envelope.event.__class__].drops(envelope.event):
            return None
        return self.shorten(envelope) if self._removes else envelope

    def apply_all(self, envelopes: Sequence[Envelope]) -> list[Envelope | None]:
        """`apply` for a batch, quicker."""
        if self._tells_sources or self._removes:
            return [self.apply(one) for one in envelopes]
        drops = self._drops
        return [None if drops[(event := one.event).__class__](event) else one for one in envelopes]

    def shorten(self, envelope: Envelope) -> Envelope:
        """The event without the fields that are removed: for one that was let through before, and is read again."""
        event = envelope.event
        stored = shortened = event.json
        for condition, change in self._of(envelope.source)[event.__class__].removals:
            if condition(event):
                shortened = change(shortened)
        return envelope if shortened is stored else envelope.replace_event(cut(event, shortened))

    def _of(self, source: str) -> dict[type, _Road]:
        roads = self._roads.get(source)
        if roads is None:
            meant = [one for one in self._filters if not one[0].only_from or source in one[0].only_from]
            roads = self._roads[source] = {one: _road(meant, one) for one in EVENT_CLASSES}
        return roads


def _takes_fields(action: Action) -> bool:
    return isinstance(action, DropProperties | AllowProperties)


def _road(filters: Sequence[tuple[FilterDefinition, ByClass]], event_class: type[AnyEvent]) -> _Road:
    samples: list[Condition] = []
    drops: list[Condition] = []
    dropped: list[tuple[Condition, Change]] = []
    allowed: list[tuple[Condition, Change]] = []
    for one, by_class in filters:
        condition = by_class(event_class)
        for action in one.actions:
            if isinstance(action, Sample):
                samples.append(_sampled(condition, compile_sample(action, event_class, number=len(samples))))
            elif isinstance(action, DropProperties):
                dropped += [(condition, change) for change in _changes(action)]
            elif isinstance(action, AllowProperties):
                allowed += [(condition, change) for change in _changes(action)]
            else:
                drops.append(condition)
    return _Road(always(any_of([*samples, *drops])), [*dropped, *allowed])


def _sampled(condition: Condition, keeps: Keeps) -> Condition:
    return lambda event: condition(event) and not keeps(event)


def _condition(text: str) -> ByClass:
    try:
        return compile_filter(text).of
    except ExpressionRefused as error:
        refused = error

    def refuse(event: AnyEvent) -> bool:
        raise refused

    return lambda event_class: refuse


def _changes(action: DropProperties | AllowProperties) -> Iterator[Change]:
    for path, named in action.fields.items():
        keys = frozenset(named)
        if isinstance(action, DropProperties):
            yield dropping(path_of(path), keys if path else keys.difference(ALWAYS_THERE))
        else:
            yield allowing(path_of(path), keys if path else keys.union(ALWAYS_THERE))
