"""The part of the graph that is in memory: profiles with all their identifiers, as many as fit.

It runs ahead of the store by at most one step. When that step is not committed, everything is forgotten and read
again: what a failed step changed is nowhere else.
"""

from collections import OrderedDict, defaultdict
from collections.abc import Callable, Iterator

from router.rules.identity.chosen import Chosen
from router.rules.identity.extraction import Extraction
from router.rules.identity.facts import Facts, Named
from router.rules.identity.node import Node
from router.rules.identity.space_rules import SpaceRules
from router.storage.profile import Collection, Key, Profile

MOST_LINKS = 50_000


class Space:
    """One space: its rules and the owners of identifiers that are in memory."""

    def __init__(self, name: str, rules: SpaceRules) -> None:
        self.name = name
        self.rules = rules
        self.extraction = Extraction(rules)
        self.chosen = Chosen(rules.snapshot)
        self.owners: dict[Collection, defaultdict[str, dict[str, Node]]] = {
            "users": defaultdict(dict),
            "accounts": defaultdict(dict),
        }
        self.users = self.owners["users"]["user_id"]
        self.anonymous = self.owners["users"]["anonymous_id"]
        self.types: set[tuple[Collection, str]] = set()
        """The types that the space ever saw."""

    def owner(self, collection: Collection, named: Named) -> Node | None:
        """Who owns an identifier, as far as that is in memory."""
        return self.owners[collection][named[0]].get(named[1])

    def plain_owner(self, user_id: str | None, anonymous_id: str | None) -> Node | None:
        """The profile that both ids lead to, if they are in memory and it is one."""
        if user_id is None:
            return None if anonymous_id is None else self.anonymous.get(anonymous_id)
        node = self.users.get(user_id)
        if anonymous_id is None or node is None:
            return node
        return node if self.anonymous.get(anonymous_id) is node else None

    def lacking(self, facts: Facts) -> Iterator[Node]:
        """Profiles in memory that the event is perhaps about, and whose traits are not."""
        for collection, ids in _by_collection(facts):
            owners = self.owners[collection]
            for type, value in ids:
                node = owners[type].get(value)
                if node is not None and node.lacks_traits:
                    yield node

    def missing(self, facts: Facts) -> Iterator[Key]:
        """Identifiers whose owner is not in memory, if there is one."""
        for collection, ids in _by_collection(facts):
            owners = self.owners[collection]
            for named in ids:
                if named[1] not in owners[named[0]]:
                    yield self.key(collection, named)
        if facts.previous is not None:
            yield self.key("users", ("user_id", facts.previous))
            yield self.key("users", ("anonymous_id", facts.previous))

    def key(self, collection: Collection, named: Named) -> Key:
        """The identifier as the store knows it."""
        return Key(self.name, collection, *named)


def _by_collection(facts: Facts) -> tuple[tuple[Collection, list[Named]], ...]:
    return (("users", facts.users), ("accounts", facts.accounts))


class Memory:
    """The profiles in memory, within `most_bytes`."""

    def __init__(self, most_bytes: Callable[[], int]) -> None:
        self._most_bytes = most_bytes
        self._nodes: OrderedDict[str, Node] = OrderedDict()
        self._weights: dict[str, int] = {}
        self._weight = 0
        self.spaces: dict[str, Space] = {}
        """The spaces that are known; their types are read."""
        self.links: OrderedDict[tuple[str, str], None] = OrderedDict()
        """User and account of links that are surely in the store."""

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, id: str) -> bool:
        return id in self._nodes

    def clear(self) -> None:
        """Forget everything."""
        self._nodes.clear()
        self._weights.clear()
        self._weight = 0
        self.spaces.clear()
        self.links.clear()

    def learn(self, profile: Profile) -> Node:
        """Take in a profile that was read; the one that is there already stays."""
        node = self._nodes.get(profile.id)
        if node is None:
            node = Node(profile)
            self.add(node)
        return node

    def get(self, id: str) -> Node | None:
        """The profile with that id, if it is here."""
        return self._nodes.get(id)

    def add(self, node: Node) -> None:
        """Take in a profile with its identifiers."""
        profile = node.profile
        self._nodes[profile.id] = node
        self.own(node, [(one.type, one.value) for one in profile.identifiers])
        self.weigh(node)

    def own(self, node: Node, identifiers: list[Named]) -> None:
        """Let identifiers lead to a profile; those that are blocked by now lead nowhere."""
        space = self.spaces[node.profile.space]
        owners = space.owners[node.profile.collection]
        for type, value in identifiers:
            if not space.rules.is_blocked(type, value):
                owners[type][value] = node

    def disown(self, node: Node, identifiers: list[Named]) -> None:
        """Let identifiers lead nowhere."""
        owners = self.spaces[node.profile.space].owners[node.profile.collection]
        for type, value in identifiers:
            if owners[type].get(value) is node:
                del owners[type][value]

    def drop(self, node: Node) -> None:
        """Forget a profile; its identifiers lead nowhere unless they lead elsewhere already."""
        self.disown(node, [(one.type, one.value) for one in node.profile.identifiers])
        del self._nodes[node.profile.id]
        self._weight -= self._weights.pop(node.profile.id)

    def weigh(self, node: Node) -> None:
        """Note how much a profile takes by now."""
        if node.profile.id in self._nodes:
            weight = node.weight
            self._weight += weight - self._weights.get(node.profile.id, 0)
            self._weights[node.profile.id] = weight

    def shrink(self) -> None:
        """Forget what was not met lately, until the rest fits. Only between two steps."""
        most = self._most_bytes()
        while self._weight > most and self._nodes:
            id, node = next(iter(self._nodes.items()))
            if node.is_used:
                node.is_used = False
                self._nodes.move_to_end(id)
            else:
                self.drop(node)
        while len(self.links) > MOST_LINKS:
            self.links.popitem(last=False)
