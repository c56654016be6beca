"""A profile in the memory of the graph: what is stored of it, its traits once they are read, and what it weighs."""

from msgspec import Struct

from router.events.profile import ProfileSnapshot
from router.storage.profile import Profile, Traits

_WEIGHT = 900
_IDENTIFIER = 350
_TRAIT = 250


class Node(Struct, eq=False, gc=False):
    """One living profile; changed only by the graph, by putting another `profile` or other `traits` in.

    There are a hundred thousand of them, and none is part of a cycle: the collector would look at each, in vain, and
    hold up everybody for a tenth of a second.
    """

    profile: Profile
    traits: Traits | None = None
    """None while they are in the store alone."""
    is_used: bool = True
    """Whether an event met it since somebody looked for what may go."""
    survivor: "Node | None" = None
    """The profile that it went into since it was looked up."""
    is_fresh: bool = False
    """Whether its traits are a copy of this step, which may be changed in place."""
    snapshot: ProfileSnapshot | None = None
    """What its events know of it; None until one needs it, and again when its traits change."""

    @property
    def lacks_traits(self) -> bool:
        """Whether its traits must be read before they can be merged."""
        return self.traits is None and self.profile.has_traits

    @property
    def size(self) -> int:
        """How many identifiers it has."""
        return len(self.profile.identifiers)

    @property
    def weight(self) -> int:
        """About how many bytes it takes in memory."""
        traits = 0 if self.traits is None else _TRAIT * len(self.traits.values) + self.traits.size
        snapshot = 0 if self.snapshot is None else len(bytes(self.snapshot.traits_json))
        return _WEIGHT + _IDENTIFIER * self.size + 100 * self.profile.merges + traits + snapshot
