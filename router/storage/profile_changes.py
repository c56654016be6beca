"""What a commit changes of the profiles: ready rows, and what followers of the graph are told of it."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from router.storage.profile import Collection, Key, Link, Profile, Traits

ChangeKind = Literal["created", "mapped", "unmapped", "merged", "traits", "linked", "deleted"]


class Change(Struct, frozen=True, gc=False, array_like=True):
    """One change of the graph, in the order in which they happened.

    `data` is a JSON object whose members depend on the kind:

    - `created`: none; the profile points to itself.
    - `mapped`, `unmapped`: `type` and `value` of the identifier.
    - `merged`: `into`, the survivor. A merge is told for the profile that went, and again for each that had gone
      into it before, so that who reads only these rows knows every survivor (identity 28).
    - `traits`: `values`, name to value of what changed; null is removed.
    - `linked`: `account`, the id of the account's profile.
    - `deleted`: none.
    """

    kind: ChangeKind
    profile: str
    space: str
    collection: Collection
    data: bytes
    at: int
    """`timestamp` of the event behind it, in milliseconds."""
    received_at: int
    message_id: str
    event_type: str
    """`track`, `identify`, …, or `operator`."""
    event_name: str
    """Of a track call, else empty."""
    source: str
    number: int = -1
    """Its place in the log; the store gives it."""


class ProfileChanges(Struct, frozen=True, kw_only=True):
    """What a commit writes of the profiles, each as it is afterwards; all of it or nothing becomes visible."""

    profiles: Sequence[Profile] = ()
    """New and changed ones, whole. A profile that is named here never stands in `merged` too."""
    merged: Sequence[tuple[str, str]] = ()
    """Profiles that have gone and their survivor, those that had gone into them before included."""
    gained: Sequence[tuple[Key, str]] = ()
    """New identifiers with the profile that owns them. A merge needs none: what it owned leads to the survivor."""
    lost: Sequence[tuple[Key, str]] = ()
    """Identifiers that a profile owns no more: one pair for its own id and for each that it absorbed."""
    traits: Sequence[tuple[str, Traits]] = ()
    """All traits of profiles. Those of a merged profile go with it."""
    links: Sequence[Link] = ()
    """New links. Those of a merged profile lead to the survivor."""
    types: Sequence[tuple[str, Collection, str]] = ()
    """Types of identifiers that a space (the first of the three) saw for the first time."""
    deleted: Sequence[str] = ()
    """Profiles that go with their traits and links; their identifiers stand in `lost`."""
    log: Sequence[Change] = ()
    """What followers are told, in order."""

    @property
    def rows(self) -> int:
        """About how many rows this is."""
        return sum(map(len, (self.profiles, self.merged, self.gained, self.lost, self.traits, self.links)))
