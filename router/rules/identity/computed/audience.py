"""An audience as it is declared: a condition on the traits of a profile."""

from collections.abc import Callable, Iterator

from xxhash import xxh3_64_hexdigest

from router.events.calls import decode_open_json
from router.rules.fql.filter import Filter
from router.rules.fql.refused import ExpressionRefused
from router.rules.fql.tree import Call, Comparison, Expression, ListOf, Logic, Not, Path
from router.rules.identity.computed.merging import AUDIENCE
from router.storage.computed_state import ComputedState
from router.storage.profile import Collection


class Audience:
    """One rule: who belongs, and how destinations are told."""

    kind_name = "audience"
    """The class of the trait in the Profile API."""

    def __init__(
        self, name: str, condition: Filter, *, collection: Collection = "users", send: tuple[str, ...] = ()
    ) -> None:
        """`send` holds `track`, `identify`, both or neither. Raises ExpressionRefused for what is no trait."""
        self.name = name
        self.condition = condition
        self.collection = collection
        self.send = send
        self.traits: dict[str, int] = {}
        """The traits that the condition names, each with its place in the text."""
        for path in _paths(condition.tree):
            if path.keys[0] != "traits" or len(path.keys) < 2:
                written, remedy = ".".join(path.keys), "write traits. and the name of a trait"
                problem = f"{written} is no trait of a profile; {remedy}"
                raise ExpressionRefused(problem, text=condition.text, at=path.column - 1)
            self.traits.setdefault(path.keys[1], path.column - 1)
        self.fingerprint = xxh3_64_hexdigest("\0".join((AUDIENCE, condition.text, collection)).encode())

    def __eq__(self, other: object) -> bool:
        mine, theirs = (self.name, self.fingerprint, self.send), None
        if isinstance(other, Audience):
            theirs = (other.name, other.fingerprint, other.send)
        return mine == theirs

    def __hash__(self) -> int:
        return hash((self.name, self.fingerprint))

    def begin(self) -> ComputedState:
        """What a profile that belongs starts with."""
        return ComputedState(self.fingerprint, AUDIENCE)

    def has(self, values: Callable[[str], bytes | None]) -> bool:
        """Whether a profile belongs; `values` gives the JSON of a trait by its name."""
        found = [(name, values(name)) for name in self.traits]
        traits = {name: decode_open_json(json) for name, json in found if json is not None}
        return self.condition.matches_object({"traits": traits})


def _paths(tree: Expression) -> Iterator[Path]:
    """The places that a condition reads."""
    match tree:
        case Path():
            yield tree
        case Logic():
            for operand in tree.operands:
                yield from _paths(operand)
        case Not():
            yield from _paths(tree.operand)
        case Comparison():
            yield from _paths(tree.left)
            yield from _paths(tree.right)
        case Call():
            for argument in tree.arguments:
                yield from _paths(argument)
        case ListOf():
            for item in tree.items:
                yield from _paths(item)
