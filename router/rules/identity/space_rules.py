"""The rules of a space: which identifiers count, how many of each, and which gives way first (identity 3)."""

from collections.abc import Mapping

from msgspec import Struct, field

from router.rules.fql.filter import Filter
from router.rules.identity.blocked import EVERY, SUGGESTED_VALUES, Blocked
from router.rules.identity.computed.rules import NO_RULES, ComputedRules
from router.rules.identity.limit import Limit

DEFAULT_LIMITS: Mapping[str, Limit] = {"user_id": Limit(1), "group_id": Limit(1)}
OTHERS = Limit(5)
DEFAULT_PRIORITIES = ("user_id", "email")


def _suggested() -> Mapping[str, Blocked]:
    return {EVERY: Blocked(SUGGESTED_VALUES, zeroes=True)}


class SpaceRules(Struct, frozen=True, kw_only=True):
    """The rules that a space goes by."""

    limits: Mapping[str, Limit] = field(default_factory=lambda: DEFAULT_LIMITS)
    """By type; a type that is not named may have five values."""
    priorities: tuple[str, ...] = DEFAULT_PRIORITIES
    """Types, the strongest first; the others follow in alphabetical order."""
    custom_types: tuple[str, ...] = ()
    """Types that are also looked for as a key of traits and properties."""
    blocked: Mapping[str, Blocked] = field(default_factory=_suggested)
    """By type; those of `EVERY` count for every type."""
    filters: tuple[Filter, ...] = ()
    """An event that one of them matches does not touch the graph."""
    alias_merges: bool = True
    """Whether an alias call joins its two identities."""
    email_from_properties: bool = False
    """Whether `properties.email` is an identifier too."""
    context_traits: bool = False
    """Whether `context.traits` of any call are traits of the profile; those of identify calls always are not."""

    snapshot: frozenset[str] = frozenset()
    """Names of the traits that are kept with each event, because rules look at them."""

    computed: ComputedRules = NO_RULES
    """What is computed of the events of a profile: traits and audiences."""

    def limit(self, type: str) -> Limit:
        """How many values of a type a profile may have."""
        return self.limits.get(type, OTHERS)

    def rank(self, type: str) -> tuple[int, str]:
        """Where a type stands: the smallest is the strongest."""
        places = self.priorities
        return (places.index(type), "") if type in places else (len(places), type)

    def is_blocked(self, type: str, value: str) -> bool:
        """Whether a value is nobody's identifier."""
        own, every = self.blocked.get(type), self.blocked.get(EVERY)
        return (own is not None and own.has(value)) or (every is not None and every.has(value))
