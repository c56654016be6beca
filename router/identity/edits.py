"""Changes of the graph that no event asks for: somebody takes an identifier away, merges two profiles or splits one.

An edit says what is wanted; `router.identity.editing` does it. The identity actor has it done in its turn, so that no
step is resolved against a graph that changes meanwhile.
"""

from msgspec import Struct

from router.errors import RouterError
from router.storage.profile import Collection

Named = tuple[str, str]
"""Type and value of an identifier."""


class EditRefused(RouterError):
    """The graph cannot be changed like that; `reason` is a word for programs, the message is for people."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Removal(Struct, frozen=True, tag="remove"):
    """Takes one identifier from a profile; its traits, events and merges stay."""

    profile: str
    identifier: Named


class Merger(Struct, frozen=True, tag="merge"):
    """Makes two profiles one, whatever the rules say; the older one stays."""

    profile: str
    other: str


class Split(Struct, frozen=True, tag="split"):
    """Moves identifiers of a profile to a new one. Traits, links and past events stay where they are."""

    profile: str
    identifiers: tuple[Named, ...]


Edit = Removal | Merger | Split


class Edited(Struct, frozen=True):
    """What an edit did."""

    profile: str
    """The profile that stays."""
    space: str
    collection: Collection
    made: str = ""
    """The profile that a split made."""
    gone: str = ""
    """The profile that a merge took in."""
    identifiers: int = 0
    """How many identifiers were removed or moved."""
    types: tuple[str, ...] = ()
    """Of which types they are."""
