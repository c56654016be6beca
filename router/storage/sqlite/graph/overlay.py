"""What commits changed of the graph and its tables do not know yet: the newest state of each row, in memory."""

from msgspec import Struct, field

from router.storage.profile import Key, Profile, Traits
from router.storage.profile_changes import ProfileChanges
from router.storage.sqlite.graph.rows import number_of


class Overlay(Struct):
    """Rows by what they are found by; of each the newest only."""

    profiles: dict[int, Profile | None] = field(default_factory=dict)
    """None: it is merged away or deleted."""
    survivors: dict[int, int] = field(default_factory=dict)
    traits: dict[int, Traits | None] = field(default_factory=dict)
    owners: dict[Key, int | None] = field(default_factory=dict)
    """Who owns an identifier; None: nobody any more."""
    identifiers: dict[tuple[Key, int], bool] = field(default_factory=dict)
    """Rows to write (true) and to delete."""
    links: dict[tuple[int, int], int] = field(default_factory=dict)
    """Both directions of each link."""
    unlinked: list[int] = field(default_factory=list)
    """Profiles whose links go."""
    last: int = 0
    """The number of the newest commit in it."""

    weight: int = 0
    """How many rows were put in, and a kilobyte of traits counts as one more."""

    def add(self, changes: ProfileChanges, number: int, store_id: bytes) -> None:
        """Take what the commit with that number changed."""
        self.last = number
        self.weight += changes.rows
        for profile in changes.profiles:
            self.profiles[number_of(store_id, profile.id)] = profile
        for id, traits in changes.traits:
            self.traits[number_of(store_id, id)] = traits
            self.weight += traits.size >> 10
        for gone, survivor in changes.merged:
            self.survivors[number_of(store_id, gone)] = number_of(store_id, survivor)
            self._forget(number_of(store_id, gone))
        for id in changes.deleted:
            self._forget(number_of(store_id, id))
            self.unlinked.append(number_of(store_id, id))
        for key, id in changes.lost:
            self.owners[key] = None
            self.identifiers[key, number_of(store_id, id)] = False
        for key, id in changes.gained:
            owner = number_of(store_id, id)
            self.owners[key] = owner
            self.identifiers[key, owner] = True
        for link in changes.links:
            user, account = number_of(store_id, link.user), number_of(store_id, link.account)
            self.links.setdefault((user, account), link.at)
            self.links.setdefault((account, user), link.at)

    def _forget(self, number: int) -> None:
        self.profiles[number] = None
        self.traits[number] = None
