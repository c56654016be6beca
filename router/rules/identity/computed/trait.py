"""A computed trait as it is declared, and what it takes of an event."""

from collections.abc import Callable
from typing import Any

from xxhash import xxh3_64_hexdigest

from router.events.calls import AnyEvent
from router.rules.fql.compiler import compile_reader
from router.rules.fql.filter import Filter
from router.rules.fql.parser import parse_expression
from router.rules.fql.places import EVENT_CLASSES, field_of_class
from router.rules.fql.refused import ExpressionRefused
from router.rules.fql.tree import Path
from router.rules.identity.computed.kinds import KINDS, Order
from router.rules.identity.computed.windows import is_past, piece_of
from router.storage.computed_state import ComputedState
from router.storage.profile import Collection


class ComputedTrait:
    """One rule: which events count, what of them, and for how long."""

    kind_name = "computed_trait"
    """The class of the trait in the Profile API."""

    def __init__(
        self,
        name: str,
        kind: str,
        *,
        event: str = "",
        where: Filter | None = None,
        property: str = "",
        window: int = 0,
        collection: Collection = "users",
        send: tuple[str, ...] = ("identify",),
    ) -> None:
        """`window` is in milliseconds, 0 for ever. Raises ExpressionRefused for a property that is no path."""
        self.name = name
        self.kind = kind
        self.event = event
        self.where = where
        self.window = window
        self.collection = collection
        self.send = send
        """How destinations are told of a new value: `identify`, `track`, both, or neither."""
        self._kind = KINDS[kind]
        self._read = _reader(property) if property else {}
        parts = (kind, event, where.text if where else "", property, str(window), collection)
        self.fingerprint = xxh3_64_hexdigest("\0".join(parts).encode())
        """Changes with everything that the value depends on."""

    def __eq__(self, other: object) -> bool:
        mine, theirs = (self.name, self.fingerprint, self.send), None
        if isinstance(other, ComputedTrait):
            theirs = (other.name, other.fingerprint, other.send)
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.name, self.fingerprint))

    def begin(self) -> ComputedState:
        """What a profile starts with."""
        return ComputedState(self.fingerprint, self.kind, self.window)

    def take(self, state: ComputedState, event: AnyEvent, order: Order, now: int) -> str:
        """Let an event count, in place; empty, or why it could not.

        A time that lies ahead is taken as now: it would stay in the window for longer than everything else.
        """
        value: Any = None
        if self._kind.needs_property:
            value = self._kind.usable(self._read[event.__class__](event))
            if value is None:
                return "value"
        at = min(order[0], now)
        piece = piece_of(at, self.window)
        if is_past(piece, self.window, now):
            return "past"
        return "" if self._kind.add(state, piece, value, (at, *order[1:])) else "room"

    def may_have_changed(self, state: ComputedState, entries: int) -> bool:
        """Whether an event may have changed the result; `entries` are those before. Listing all takes milliseconds."""
        return not self._kind.needs_new_value or state.entries != entries

    def result(self, state: ComputedState) -> bytes | None:
        """What the state comes to, as JSON; None for no value."""
        return self._kind.result(state.cells.values())


def _reader(text: str) -> dict[type[AnyEvent], Callable[[Any], Any]]:
    """How to read a property of each class of event."""
    tree = parse_expression(text)
    if not isinstance(tree, Path):
        raise ExpressionRefused(f"{text} is not the name of a property; write e.g. total or cart.total")
    whole = Path(("properties", *tree.keys), tree.column)
    return {one: compile_reader(whole, field_of_class(one)) for one in EVENT_CLASSES}
