"""What people change of the graph by hand: joining, splitting and deleting profiles, and taking identifiers away.

Each act is a commit of its own between two steps of the pipeline. It stands in the log of changes like any other,
with `operator` as type, the act as name and whoever did it as source.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from router.errors import ProfileRefused
from router.identity.resolver import Resolver
from router.rules.identity.draft import Stamp
from router.rules.identity.facts import Named
from router.rules.identity.matching import MOST_IDENTIFIERS, MOST_MERGES
from router.rules.identity.memory import Space
from router.rules.identity.node import Node
from router.storage.profiles import Profiles
from router.telemetry.happenings import ProfileEdited
from router.telemetry.signals import Signals

T = TypeVar("T")


class Changeable(Protocol):
    """Who commits changes of the graph: the identity actor, in its turn."""

    async def change(self, act: Callable[[Resolver], Awaitable[T]]) -> T:
        """Commit what `act` changes; when it raises, nothing changed."""


class Editing:
    """Changes profiles by hand. Every verb raises ProfileRefused or StorageError, and then nothing changed."""

    def __init__(
        self, identity: Changeable, profiles: Profiles, *, now: Callable[[], int], signals: Signals
    ) -> None:
        """`now` tells milliseconds since the epoch."""
        self._identity = identity
        self._profiles = profiles
        self._now = now
        self._signals = signals

    async def merge(self, ids: Sequence[str], *, by: str) -> str:
        """Make one profile of several, whatever the limits of the rules say; returns the id of the survivor."""

        async def act(resolver: Resolver, stamp: Stamp) -> str:
            nodes = list({id(node): node for node in [await _node(resolver, one) for one in ids]}.values())
            kinds = {(node.profile.space, node.profile.collection) for node in nodes}
            if len(nodes) < 2:
                raise ProfileRefused("these ids lead to one profile already; name two that differ")
            if len(kinds) > 1:
                raise ProfileRefused("profiles of different spaces or collections cannot become one")
            merges = sum(node.profile.merges + 1 for node in nodes) - 1
            if merges > MOST_MERGES or sum(node.size for node in nodes) > MOST_IDENTIFIERS:
                what = f"{MOST_MERGES} merges and {MOST_IDENTIFIERS} identifiers"
                raise ProfileRefused(f"a profile has at most {what}; merge fewer")
            await resolver.learn_traits([node for node in nodes if node.lacks_traits])
            return resolver.graph.merge(nodes, stamp).profile.id

        return await self._do("merge", act, by)

    async def split(self, id: str, identifiers: Sequence[Named], *, by: str) -> str:
        """Give identifiers of a profile, as type and value, to a new one; returns its id.

        Traits and links stay where they are: nobody knows which of the two they are of.
        """

        async def act(resolver: Resolver, stamp: Stamp) -> str:
            node, space = await _owning(resolver, id, identifiers)
            if len(set(identifiers)) >= node.size:
                raise ProfileRefused("a profile keeps one identifier at least; leave one out")
            return resolver.graph.split(space, node, identifiers, stamp).profile.id

        return await self._do("split", act, by)

    async def take_away(self, id: str, identifier: Named, *, by: str) -> None:
        """Let an identifier lead to nobody; an event that has it may give it to somebody again.

        The last user id of a profile stays, and so does its last identifier.
        """

        async def act(resolver: Resolver, stamp: Stamp) -> str:
            node, space = await _owning(resolver, id, [identifier])
            _keep_the_last(node, identifier)
            resolver.graph.unmap(space, node, [identifier], stamp)
            return node.profile.id

        await self._do("take_away", act, by)

    async def delete(self, id: str, *, by: str) -> None:
        """Delete a profile with its identifiers, traits and links."""

        async def act(resolver: Resolver, stamp: Stamp) -> str:
            node = await _node(resolver, id)
            resolver.graph.delete(resolver.memory.spaces[node.profile.space], node, stamp)
            return node.profile.id

        await self._do("delete", act, by)

    async def _do(self, name: str, act: Callable[[Resolver, Stamp], Awaitable[str]], by: str) -> str:
        async def stamped(resolver: Resolver) -> str:
            number, now = await self._profiles.next_change(), self._now()
            # below zero, as no event made it; every act has an entry in the log, so the number is used once
            stamp = Stamp(-1 - number, now, now, f"operator-{number}", by, "operator", name)
            return await act(resolver, stamp)

        id = await self._identity.change(stamped)
        self._signals.emit(ProfileEdited(name, id, by))
        return id


async def _node(resolver: Resolver, id: str) -> Node:
    found = await resolver.node(id)
    if found is None:
        raise ProfileRefused(f"there is no profile {id!r}; name the id of one, e.g. use_…")
    return found


async def _owning(resolver: Resolver, id: str, identifiers: Sequence[Named]) -> tuple[Node, Space]:
    node = await _node(resolver, id)
    own = {(one.type, one.value) for one in node.profile.identifiers}
    for type, value in identifiers:
        if (type, value) not in own:
            raise ProfileRefused(
                f"profile {node.profile.id!r} has no {type} {value!r}; look at its identifiers"
            )
    if not identifiers:
        raise ProfileRefused("no identifier is named; name at least one")
    return node, resolver.memory.spaces[node.profile.space]


def _keep_the_last(node: Node, identifier: Named) -> None:
    alike = [one for one in node.profile.identifiers if one.type == identifier[0]]
    if identifier[0] == "user_id" and len(alike) == 1:
        raise ProfileRefused("it is the last user_id of the profile; a profile that had one keeps one")
    if node.size == 1:
        raise ProfileRefused("it is the last identifier of the profile; delete the profile instead")
