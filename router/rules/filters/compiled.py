"""The filters of a destination as closures: over all of them first what samples, then drops, then removes fields.

Every condition is judged on the event as it came, so no filter changes what another one sees. Whatever a filter
raises drops the event, and so does one whose condition is not FQL: what was meant to protect must not let through.
"""

from collections.abc import Callable, Sequence

from msgspec import Struct

from router.events.calls import AnyEvent, cut
from router.events.envelope import Envelope
from router.rules.filters.definition import AllowProperties, DropProperties, FilterDefinition, Sample
from router.rules.filters.members import Change, allowing, dropping, path_of
from router.rules.filters.reading import ALWAYS_THERE
from router.rules.filters.sampling import compile_sample
from router.rules.fql.filter import compile_filter
from router.rules.fql.refused import ExpressionRefused

Condition = Callable[[AnyEvent], bool]


class _Judge(Struct, frozen=True):
    """A condition with what decides about the events that meet it."""

    sources: frozenset[str]
    condition: Condition
    keeps: Condition | None
    """Who is kept; None drops all."""


class _Removal(Struct, frozen=True):
    """A condition with what is removed from the events that meet it."""

    sources: frozenset[str]
    condition: Condition
    changes: Sequence[Change]


class DestinationFilters:
    """Applies the enabled filters of one destination."""

    def __init__(self, definitions: Sequence[FilterDefinition]) -> None:
        samples: list[_Judge] = []
        drops: list[_Judge] = []
        dropped: list[_Removal] = []
        allowed: list[_Removal] = []
        for one in definitions:
            if not one.enabled:
                continue
            sources, condition = one.only_from, _condition(one.condition)
            for action in one.actions:
                if isinstance(action, Sample):
                    keeps = compile_sample(action, number=len(samples))
                    samples.append(_Judge(sources, condition, keeps))
                elif isinstance(action, DropProperties):
                    dropped.append(_Removal(sources, condition, _drops(action)))
                elif isinstance(action, AllowProperties):
                    allowed.append(_Removal(sources, condition, _allows(action)))
                else:
                    drops.append(_Judge(sources, condition, None))
        self._judges = [*samples, *drops]
        self._removals = [*dropped, *allowed]

    def apply(self, envelope: Envelope) -> Envelope | None:
        """What the destination gets of the event: it as it is, a copy without some fields, or None."""
        event = envelope.event
        for judge in self._judges:
            if judge.sources and envelope.source not in judge.sources:
                continue
            if judge.condition(event) and (judge.keeps is None or not judge.keeps(event)):
                return None
        return self.shorten(envelope) if self._removals else envelope

    def shorten(self, envelope: Envelope) -> Envelope:
        """The event without the fields that are removed: for one that was let through before, and is read again."""
        event, source = envelope.event, envelope.source
        stored = shortened = None
        for removal in self._removals:
            if removal.sources and source not in removal.sources:
                continue
            if removal.condition(event):
                stored = event.json
                for change in removal.changes:
                    shortened = change(stored if shortened is None else shortened)
        if shortened is None or shortened is stored:
            return envelope
        return envelope.replace_event(cut(event, shortened))


def _condition(text: str) -> Condition:
    try:
        return compile_filter(text).matches
    except ExpressionRefused as error:
        refused = error

    def refuse(event: AnyEvent) -> bool:
        raise refused

    return refuse


def _drops(action: DropProperties) -> list[Change]:
    return [
        dropping(path_of(path), frozenset(keys).difference(() if path else ALWAYS_THERE))
        for path, keys in action.fields.items()
    ]


def _allows(action: AllowProperties) -> list[Change]:
    return [
        allowing(path_of(path), frozenset(keys).union(() if path else ALWAYS_THERE))
        for path, keys in action.fields.items()
    ]
