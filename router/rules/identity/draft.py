"""Gathers what a step changes of the graph, until it is one `ProfileChanges`."""

from collections.abc import Iterable
from typing import Any

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from router.rules.identity.facts import Named
from router.rules.identity.memory import Space
from router.rules.identity.node import Node
from router.storage.profile import Collection, Key, Link, Traits
from router.storage.profile_changes import Change, ChangeKind, ProfileChanges

_encode = msgspec.json.Encoder().encode


class Stamp(Struct, frozen=True):
    """The event behind a change, or the operator's act."""

    position: int
    """Its place in the stream; it gives new profiles their ids."""
    at: int
    """Its `timestamp` in milliseconds."""
    received_at: int
    message_id: str
    source: str
    type: str = "operator"
    name: str = ""


class Draft:
    """The changes of one step."""

    def __init__(self) -> None:
        self.changed: dict[str, Node] = {}
        """Profiles that are not as they were, by id."""
        self.with_traits: dict[str, Node] = {}
        """Those of them whose traits are not."""
        self.weighed: set[str] = set()
        """Those of them whose weight in memory is known."""
        self.links: dict[tuple[str, str], tuple[Link, Change]] = {}
        """Links that may be new: the store knows."""
        self._merged: dict[str, str] = {}
        self._gained: list[tuple[Key, str]] = []
        self._lost: list[tuple[Key, str]] = []
        self._types: list[tuple[str, Collection, str]] = []
        self._deleted: list[str] = []
        self._log: list[Change] = []

    def __bool__(self) -> bool:
        return bool(self._log or self.with_traits or self.links)

    def touched(self, node: Node, stamp: Stamp) -> None:
        """A profile changed in a way that shows."""
        self.weighed.discard(node.profile.id)
        node.profile = replace(
            node.profile,
            updated_at=stamp.received_at,
            last_message_id=stamp.message_id,
            last_source=stamp.source,
        )
        self.changed[node.profile.id] = node

    def created(self, node: Node, stamp: Stamp) -> None:
        """A profile was born."""
        self.changed[node.profile.id] = node
        self._tell("created", node, stamp)

    def gained(self, space: Space, node: Node, identifiers: Iterable[Named], stamp: Stamp) -> None:
        """A profile got identifiers."""
        collection = node.profile.collection
        for named in identifiers:
            self._gained.append((space.key(collection, named), node.profile.id))
            self._tell("mapped", node, stamp, {"type": named[0], "value": named[1]})
            if (collection, named[0]) not in space.types:
                space.types.add((collection, named[0]))
                self._types.append((space.name, collection, named[0]))

    def lost(self, space: Space, node: Node, identifiers: Iterable[Named], stamp: Stamp) -> None:
        """A profile owns identifiers no more."""
        for named in identifiers:
            key = space.key(node.profile.collection, named)
            self._lost += [(key, one) for one in (node.profile.id, *node.profile.absorbed)]
            self._tell("unmapped", node, stamp, {"type": named[0], "value": named[1]})

    def merged(self, gone: Node, survivor: Node, stamp: Stamp) -> None:
        """A profile went into another, and with it all that had gone into it before."""
        self.changed.pop(gone.profile.id, None)
        self.with_traits.pop(gone.profile.id, None)
        for id in (gone.profile.id, *gone.profile.absorbed):
            self._merged[id] = survivor.profile.id
            self._tell("merged", gone, stamp, {"into": survivor.profile.id}, id=id)

    def traits_changed(self, node: Node, names: Iterable[str], traits: Traits, stamp: Stamp) -> None:
        """Traits have new values."""
        raws = {name: traits.values[name].json for name in names}
        values = {name: None if json is None else msgspec.Raw(json) for name, json in raws.items()}
        self._tell("traits", node, stamp, {"values": values})

    def linked(self, user: Node, account: Node, stamp: Stamp) -> None:
        """A user belongs to an account, perhaps for long."""
        link = Link(user.profile.id, account.profile.id, stamp.at)
        change = self._change("linked", user, stamp, {"account": account.profile.id})
        self.links.setdefault((link.user, link.account), (link, change))

    def deleted(self, node: Node, stamp: Stamp) -> None:
        """A profile goes for good."""
        self.changed.pop(node.profile.id, None)
        self.with_traits.pop(node.profile.id, None)
        self._deleted.append(node.profile.id)
        self._tell("deleted", node, stamp)

    def changes(self) -> ProfileChanges | None:
        """All of it; None when nothing changed. `links` holds only new ones by now."""
        if not self:
            return None
        return ProfileChanges(
            profiles=[node.profile for node in self.changed.values()],
            merged=list(self._merged.items()),
            gained=self._gained,
            lost=self._lost,
            traits=[(id, node.traits or Traits()) for id, node in self.with_traits.items()],
            links=[link for link, _ in self.links.values()],
            types=self._types,
            deleted=self._deleted,
            log=[*self._log, *(change for _, change in self.links.values())],
        )

    def _tell(
        self, kind: ChangeKind, node: Node, stamp: Stamp, data: dict[str, Any] | None = None, *, id: str = ""
    ) -> None:
        self._log.append(self._change(kind, node, stamp, data, id=id))

    def _change(
        self, kind: ChangeKind, node: Node, stamp: Stamp, data: dict[str, Any] | None, *, id: str = ""
    ) -> Change:
        return Change(
            kind,
            id or node.profile.id,
            node.profile.space,
            node.profile.collection,
            _encode(data or {}),
            stamp.at,
            stamp.received_at,
            stamp.message_id,
            stamp.type,
            stamp.name,
            stamp.source,
        )
