"""A world whose space computes traits and audiences, and what it tells of them."""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import msgspec

from router.config.computed import AudienceConfig, ComputedTraitConfig, computed_rules
from router.events.calls import AnyEvent, Track
from router.events.envelope import Envelope
from router.events.step import TIME_SOURCE
from router.identity.computing import time_passed
from router.identity.resolved import Resolved
from router.plugins.settings import setting_hook
from router.rules.identity.draft import Stamp
from router.rules.identity.node import Node
from router.rules.identity.space_rules import SpaceRules
from router.storage.profile import Collection
from router.storage.store import Commit, Storage
from tests.unit.identity.worlds import World, track

Sections = Mapping[str, Mapping[str, Any]]
NONE: Sections = MappingProxyType({})


def rules_of(traits: Sections = NONE, audiences: Sections = NONE, **more: Any) -> SpaceRules:
    """The rules of sections as they stand in router.toml."""
    made = computed_rules(
        {
            name: msgspec.convert(one, ComputedTraitConfig, dec_hook=setting_hook)
            for name, one in traits.items()
        },
        {name: msgspec.convert(one, AudienceConfig) for name, one in audiences.items()},
    )
    return SpaceRules(computed=made, **more)


class Computed(World):
    """One graph with computed traits."""

    def __init__(
        self,
        traits: Sections = NONE,
        audiences: Sections = NONE,
        *,
        store: Storage | None = None,
        **more: Any,
    ) -> None:
        super().__init__(rules_of(traits, audiences), store=store, **more)

    def compute(self, traits: Sections = NONE, audiences: Sections = NONE) -> None:
        """Compute something else from now on."""
        self.use(rules_of(traits, audiences))

    async def send(self, *events: AnyEvent, source: str = "website") -> list[Envelope]:
        """Commit events; what was made of them."""
        return made(await self.step(events, source=source))

    async def pass_time(self, seconds: float = 0) -> list[Envelope]:
        """Let time pass for whom it matters; what was made of it."""
        self.now += int(seconds * 1000)
        found: list[Envelope] = []
        while ids := await self.store.profiles.due(self.now, 2):
            found += made(await self.step([moment(ids)], source=TIME_SOURCE))
        return found

    async def edit(self, act: Callable[[list[Node], Stamp], object], *users: str) -> None:
        """Commit what an operator does to the profiles of users."""
        owners = [await self.owner(one) for one in users]
        nodes = await self.resolver.nodes([one.id for one in owners if one is not None])
        await self.resolver.learn_traits([one for one in nodes if one.lacks_traits])
        act(nodes, Stamp(-1, self.now, self.now, "operator-1", "somebody"))
        cursor, changes = (await self.store.facts()).inbox_cursor, await self.resolver.changes()
        assert await self.store.commit(Commit(cursor, cursor, None, {}, profiles=changes))
        self.resolver.committed()

    async def classes(self, value: str, *, collection: Collection = "users") -> dict[str, str]:
        """The kinds of the states that a profile has."""
        type = "user_id" if collection == "users" else "group_id"
        owner = await self.owner(value, type, collection=collection)
        assert owner is not None
        [traits] = await self.store.profiles.traits([owner.id])
        return {name: one.kind for name, one in traits.computed.items()}


def moment(ids: Sequence[str]) -> Track:
    """The call that says that time has passed."""
    call: Any = time_passed(ids)
    return track(event=call["event"], properties=call["properties"], anon=call["anonymousId"])


def made(done: Resolved) -> list[Envelope]:
    """The events that the router made."""
    return [one for one in done.envelopes if one.source.startswith("engage_")]


def words(envelopes: Sequence[Envelope]) -> list[Any]:
    """What events say: the name and the properties of a track call, else the traits."""
    return [
        (one.event.event, one.event.properties) if isinstance(one.event, Track) else one.event.traits  # type: ignore[union-attr]
        for one in envelopes
    ]


def order(total: Any = 10, *, user: str | None = "u1", **more: Any) -> Track:
    """A track call."""
    return track(event="Order Completed", properties={"total": total}, user=user, **more)
