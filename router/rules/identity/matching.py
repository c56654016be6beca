"""Whom an event is about: flat matching, with the weakest identifier giving way until no limit is broken (identity 4).

Nothing is changed here; the graph does what is decided.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from router.rules.identity.facts import Named
from router.rules.identity.node import Node
from router.rules.identity.space_rules import SpaceRules

MOST_MERGES = 100
MOST_IDENTIFIERS = 1000


class Match(Struct):
    """The decision on one event and collection."""

    nodes: Sequence[Node]
    """Profiles that become one, the survivor first; none: a new one is made."""
    add: Sequence[Named]
    """Identifiers that the profile gets."""
    demoted: int = 0
    """How many identifiers gave way, for this event only."""
    left_out: Sequence[str] = ()
    """Why something else was not done: a hard limit of the profile."""


def match(
    ids: Sequence[Named], owner: Callable[[Named], Node | None], rules: SpaceRules, *, now: int
) -> Match:
    """Decide for identifiers in the order of their priority; there is at least one."""
    owners = [owner(one) for one in ids]
    nodes = list({id(node): node for node in owners if node is not None}.values())
    new = [one for one, node in zip(ids, owners, strict=True) if node is None]
    if not nodes:
        return Match((), new[:MOST_IDENTIFIERS])
    if len(nodes) == 1 and not new:
        return _within_caps(nodes, new, 0)
    firsts = [owners.index(node) for node in nodes]
    check = _Check(rules, now, new)
    for count in range(len(ids), 0, -1):
        demoted = len(ids) - count
        if not nodes:
            return Match((), new[:MOST_IDENTIFIERS], demoted)
        if (len(nodes) == 1 and not new) or check.fits(nodes):
            return _within_caps(nodes, new, demoted)
        if owners[count - 1] is None:
            check.gives_way(new.pop()[0])
        elif firsts[-1] == count - 1:
            nodes.pop()
            firsts.pop()
    raise AssertionError("an identifier alone adds nothing, so it fits")


class _Check:
    """Whether no type is over its limit where this step would add to it: asked again for each identifier that gave way.

    What was counted is kept, and the type that was over its limit before is looked at first, as it mostly still is.
    """

    def __init__(self, rules: SpaceRules, now: int, new: Sequence[Named]) -> None:
        self._rules = rules
        self._now = now
        self._incoming = Counter([type for type, _ in new])
        self._counts: dict[int, Mapping[str, int]] = {}
        self._broken = ""

    def gives_way(self, type: str) -> None:
        """One new identifier fewer of a type comes."""
        self._incoming[type] -= 1

    def fits(self, nodes: Sequence[Node]) -> bool:
        """Whether these become one within the limits."""
        counts = [self._of(node) for node in nodes]
        if self._broken and self._is_over(self._broken, counts):
            return False
        incoming = {type: count for type, count in self._incoming.items() if count}
        types = incoming.keys() if len(nodes) == 1 else set(incoming).union(*counts)
        for type in types:
            if self._is_over(type, counts):
                self._broken = type
                return False
        return True

    def _is_over(self, type: str, counts: Sequence[Mapping[str, int]]) -> bool:
        own = [one.get(type, 0) for one in counts]
        total = sum(own) + self._incoming[type]
        return total > self._rules.limit(type).count and total > max(own)

    def _of(self, node: Node) -> Mapping[str, int]:
        """How many identifiers count, of each type that a profile has."""
        found = self._counts.get(id(node))
        if found is None:
            since: dict[str, int] = {}
            found = self._counts[id(node)] = {}
            for one in node.profile.identifiers:
                type = one.type
                if type not in since:
                    since[type] = self._rules.limit(type).since(self._now)
                found[type] = found.get(type, 0) + (one.created_at > since[type])
        return found


def _within_caps(nodes: list[Node], new: Sequence[Named], demoted: int) -> Match:
    """A profile at a hard limit takes no more, but events still resolve to it."""
    left_out: tuple[str, ...] = ()
    if len(nodes) > 1:
        merges = sum(node.profile.merges for node in nodes) + len(nodes) - 1
        if merges > MOST_MERGES or sum(node.size for node in nodes) > MOST_IDENTIFIERS:
            return Match(nodes[:1], (), demoted, ("merge",))  # the owner of the strongest identifier
        nodes.sort(key=lambda node: (node.profile.created_at, node.profile.id))
    room = MOST_IDENTIFIERS - sum(node.size for node in nodes)
    if len(new) > room:
        new, left_out = new[:room], ("mapping",)
    return Match(nodes, new, demoted, left_out)
