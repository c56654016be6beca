"""The states of two profiles that become one: as if all their events had been one profile's."""

from collections.abc import Mapping

from router.rules.identity.computed.kinds import KINDS
from router.storage.computed_state import ComputedState
from router.storage.profile import Trait, Traits

AUDIENCE = "audience"
"""The kind of the state of an audience; it has no cells."""
SOON = 1
"""A time that has come already: what is due then is looked at at once."""


def merge_computed(survivor: Traits, gone: Traits, values: dict[str, Trait]) -> dict[str, ComputedState]:
    """The states of both, and in `values` what they come to; `values` are the merged traits, and are changed.

    What destinations know is what they were told of the survivor. Whatever the other profile brought is looked at
    again, so that they are told where that differs, and audiences are judged anew.
    """
    merged = dict(survivor.computed)
    for name, other in gone.computed.items():
        own = merged.get(name)
        if own is None:
            state = other.copy()
            state.sent = None
        elif own.rule != other.rule or other.kind == AUDIENCE:  # the rule was changed between the two
            state = (own if own.touched_at >= other.touched_at else other).copy()
            state.sent = own.sent
        else:
            state = _joined(own, other)
        state.due_at = SOON
        merged[name] = state
        newest = _newest(name, survivor.values, gone.values)
        kind = KINDS.get(state.kind)
        if newest is not None:
            json = newest.json
            if kind is not None and own is not None and own.rule == other.rule:
                json = kind.result(state.cells.values())
            values[name] = Trait(json, newest.at, newest.received_at, newest.message_id, newest.source)
    for name in merged.keys() - gone.computed.keys():
        merged[name] = merged[name].copy()
        merged[name].due_at = SOON
        if name in survivor.values:  # a trait of that name that a source sent of the other gives way
            values[name] = survivor.values[name]
    return merged


def _joined(own: ComputedState, other: ComputedState) -> ComputedState:
    kind, state = KINDS[own.kind], own.copy()
    for place, cell in other.cells.items():
        mine = state.cells.get(place)
        state.cells[place] = cell if mine is None else kind.join(mine, cell)
    kind.settle(state)
    state.touched_at = max(own.touched_at, other.touched_at)
    return state


def _newest(name: str, one: Mapping[str, Trait], other: Mapping[str, Trait]) -> Trait | None:
    found = [values[name] for values in (one, other) if name in values]
    return max(found, key=lambda trait: trait.order, default=None)
