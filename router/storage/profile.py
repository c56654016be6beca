"""What is kept of a profile: its identifiers, its traits and its links (identity 1).

A profile that was merged into another lives on as one of the other's `absorbed` ids: whoever asks for it by that id,
or by an identifier that it had, gets the survivor.
"""

from typing import Literal

from msgspec import Struct, field

from router.storage.computed_state import ComputedState

Collection = Literal["users", "accounts"]
"""Of whom a graph is: an identifier belongs to exactly one collection."""
COLLECTIONS: tuple[Collection, ...] = ("users", "accounts")


class Key(Struct, frozen=True, gc=False, array_like=True):
    """An identifier as it is looked for; equal only within one space and collection."""

    space: str
    collection: Collection
    type: str
    value: str


class Identifier(Struct, frozen=True, gc=False, array_like=True):
    """One identifier of a profile, and the event that brought it."""

    type: str
    value: str
    created_at: int
    """When it came to the router, in milliseconds since the epoch, as all times here."""
    source: str
    message_id: str


class Profile(Struct, frozen=True, kw_only=True, gc=False):
    """One profile without its traits and links."""

    id: str
    """Given at birth and kept for ever (`router.storage.profile_ids`)."""
    space: str
    collection: Collection
    created_at: int
    updated_at: int
    """When it last changed: an event that brings nothing new changes nothing."""
    first_message_id: str
    first_source: str
    last_message_id: str
    """The event of the last change."""
    last_source: str
    identifiers: tuple[Identifier, ...] = ()
    """In the order in which they came."""
    absorbed: tuple[str, ...] = ()
    """Ids of the profiles that were merged into it, and into those: as many as it has merges."""
    has_traits: bool = False
    """Whether it has a row of traits, be they removed ones."""

    @property
    def merges(self) -> int:
        """How many profiles became this one."""
        return len(self.absorbed)


class Trait(Struct, frozen=True, gc=False, array_like=True):
    """The newest value of a trait. A removed one stays known, so that a late older value does not bring it back."""

    json: bytes | None
    """The value as JSON; None when it was removed."""
    at: int
    """`timestamp` of the event that set it."""
    received_at: int
    message_id: str
    source: str

    @property
    def order(self) -> tuple[int, int, str]:
        """The newest wins; ties are broken by the time of receipt, then by message id (identity 7)."""
        return self.at, self.received_at, self.message_id


class Traits(Struct, frozen=True, gc=False):
    """All traits of a profile by name, removed and computed ones included, and its consent."""

    values: dict[str, Trait] = field(default_factory=dict)
    consent: dict[str, bool] = field(default_factory=dict)
    """Category to whether it is allowed; never shown by the Profile API."""
    consent_at: int = 0
    """`timestamp` of the event that set it; 0 for none."""
    computed: dict[str, ComputedState] = field(default_factory=dict)
    """How far computed traits and audiences have come, by the name of the trait; the values are in `values`."""

    def __bool__(self) -> bool:
        return bool(self.values or self.consent_at or self.computed)

    @property
    def due_at(self) -> int:
        """When time alone changes something of it; 0 for never."""
        return min([one.due_at for one in self.computed.values() if one.due_at], default=0)

    @property
    def size(self) -> int:
        """How many bytes its values are, and those that computed traits remember."""
        return sum([len(one.json or b"") for one in self.values.values()]) + sum(
            [one.weight for one in self.computed.values()]
        )


class Link(Struct, frozen=True, gc=False, array_like=True):
    """A user's profile that belongs to an account's."""

    user: str
    account: str
    at: int = 0
    """`timestamp` of the group call that made it."""
