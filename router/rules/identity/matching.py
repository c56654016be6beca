"""Whom an event is about: flat matching, with the weakest identifier giving way until no limit is broken (identity 4).

Nothing is changed here; the graph does what is decided.
"""

from collections import Counter
from collections.abc import Callable, Sequence

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
    for count in range(len(ids), 0, -1):
        kept = ids[:count]
        owners = [owner(one) for one in kept]
        nodes = list({id(node): node for node in owners if node is not None}.values())
        new = [one for one, node in zip(kept, owners, strict=True) if node is None]
        demoted = len(ids) - count
        if not nodes:
            return Match((), kept[:MOST_IDENTIFIERS], demoted)
        if _fits(nodes, new, rules, now):
            return _within_caps(nodes, new, demoted)
    raise AssertionError("an identifier alone adds nothing, so it fits")


def _fits(nodes: Sequence[Node], new: Sequence[Named], rules: SpaceRules, now: int) -> bool:
    """Whether no type is over its limit where this step would add to it."""
    if not new and len(nodes) == 1:
        return True
    incoming = Counter(type for type, _ in new)
    types = (
        set(incoming) if len(nodes) == 1 else {one for node in nodes for one in node.types} | set(incoming)
    )
    for type in types:
        limit = rules.limit(type)
        since = limit.since(now)
        counts = [node.count(type, since) for node in nodes]
        total = sum(counts) + incoming[type]
        if total > limit.count and total > max(counts):
            return False
    return True


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
