"""A graph in a store in memory, and events that meet it one step after another."""

import itertools
from collections.abc import Iterable, Mapping
from typing import Any

import msgspec
from msgspec import Raw

from router.events.calls import Alias, AnyEvent, Group, Identify, Page, Track
from router.events.step import Prepared
from router.events.times import format_instant
from router.events.wire import ABSENT
from router.identity.resolver import Resolved, Resolver
from router.rules.identity.space_rules import SpaceRules
from router.storage.hashing import message_hash
from router.storage.memory.store import MemoryStorage
from router.storage.profile import Collection, Key, Profile
from router.storage.profile_changes import Change
from router.storage.segment import encode_segment
from router.storage.store import Commit, SegmentDraft, Storage

START = 1_900_000_000_000
_NUMBERS = itertools.count()


def raw(value: Any) -> Raw:
    return Raw(msgspec.json.encode(value))


def common(
    *, user: str | None = None, anon: str | None = None, context: Any = None, at: int = START, id: str = ""
) -> dict[str, Any]:
    return {
        "message_id": id
        or f"message-{next(_NUMBERS):07}",  # of two at one time the greater text is the later one
        "user_id": user,
        "anonymous_id": anon,
        "context_json": raw(context or {}),
        "received_at": format_instant(START),
        "timestamp": format_instant(at),
    }


def track(*, event: str = "Met", properties: Any = None, **more: Any) -> Track:
    return Track(event=event, properties_json=raw(properties or {}), **common(**more))


def page(**more: Any) -> Page:
    return Page(properties_json=raw({}), **common(**more))


def identify(*, traits: Any = None, **more: Any) -> Identify:
    return Identify(traits_json=raw(traits or {}), **common(**more))


def group(group: str, *, traits: Any = None, **more: Any) -> Group:
    return Group(group_id=group, traits_json=raw(traits or {}), **common(**more))


def alias(user: str, previous: str, **more: Any) -> Alias:
    return Alias(previous_id=previous, **common(user=user, **more))


def external(id: Any, type: Any = "loyalty_id", collection: Any = "users") -> dict[str, Any]:
    return {"id": id, "type": type, "collection": collection, "encoding": "none"}


class World:
    """One graph."""

    def __init__(
        self, rules: SpaceRules | None = None, *, store: Storage | None = None, memory_bytes: int = 1 << 25
    ) -> None:
        self.store = store or MemoryStorage(store_id=bytes(range(16)))
        self.now = START
        self.memory_bytes = memory_bytes
        self.use(rules or SpaceRules())
        self.begin()

    def use(self, rules: SpaceRules) -> None:
        """Go by other rules from now on."""
        self.spaces: Mapping[str, tuple[str, SpaceRules]] = {
            "website": ("default", rules),
            "app": ("default", rules),
            "shop": ("other", rules),
        }

    def begin(self) -> None:
        """Begin with nothing in memory, as after a crash."""
        self.resolver = Resolver(
            self.store.profiles,
            self.store.store_id,
            lambda: self.spaces,
            memory_bytes=lambda: self.memory_bytes,
        )

    async def take(self, *events: AnyEvent, source: str = "website") -> list[str | None]:
        """Resolve and commit a step; the profile id of each event."""
        done = await self.step(events, source=source)
        return [one.profile_id for one in done.envelopes]

    async def step(self, events: Iterable[AnyEvent], *, source: str = "website") -> Resolved:
        """Resolve and commit a step."""
        done = await self.resolve(events, source=source)
        assert await self.commit(done)
        return done

    async def resolve(self, events: Iterable[AnyEvent], *, source: str = "website") -> Resolved:
        """Resolve a step without committing it."""
        facts = await self.store.facts()
        return await self.resolver.resolve([self.prepared(one, source) for one in events], facts.stream_next)

    async def commit(self, done: Resolved) -> bool:
        """Commit what was resolved."""
        facts = await self.store.facts()
        segment, first = None, facts.stream_next
        if done.envelopes:
            data = encode_segment(first, done.envelopes, store_id=self.store.store_id)
            segment = SegmentDraft(first, len(done.envelopes), data, b"".join(done.hashes), self.now)
        cursor = facts.inbox_cursor
        is_committed = await self.store.commit(
            Commit(cursor, cursor, segment, done.counts, profiles=done.changes)
        )
        self.resolver.committed()
        return is_committed

    def prepared(self, event: AnyEvent, source: str = "website") -> Prepared:
        event.json  # noqa: B018 - as enrichment does
        found = message_hash(self.store.store_id, "default", event.message_id)
        return Prepared(source, event, ABSENT, self.now, found)

    async def owner(
        self, value: str, type: str = "user_id", *, collection: Collection = "users", space: str = "default"
    ) -> Profile | None:
        return (await self.store.profiles.owners([Key(space, collection, type, value)]))[0]

    async def graph(self, space: str = "default", collection: Collection = "users") -> dict[str, set[str]]:
        """Every living profile with its identifiers as `type:value`."""
        found = await self.store.profiles.pages(space, collection, limit=10_000)
        return {one.id: {f"{id.type}:{id.value}" for id in one.identifiers} for one in found}

    async def shape(self, space: str = "default", collection: Collection = "users") -> set[frozenset[str]]:
        """The graph without the ids of profiles."""
        return {frozenset(one) for one in (await self.graph(space, collection)).values()}

    async def traits(self, value: str, type: str = "user_id", **more: Any) -> dict[str, Any]:
        """The traits of the profile that an identifier leads to."""
        owner = await self.owner(value, type, **more)
        assert owner is not None
        [traits] = await self.store.profiles.traits([owner.id])
        return {
            name: msgspec.json.decode(one.json) for name, one in traits.values.items() if one.json is not None
        }

    async def log(self, kind: str = "") -> list[Change]:
        """What followers were told."""
        return [one for one in await self.store.profiles.changes(0, 100_000) if kind in ("", one.kind)]


def shape(*profiles: str) -> set[frozenset[str]]:
    """`shape("u1 a1 e1")`: profiles as the specification's table writes them."""
    kinds = {"u": "user_id", "a": "anonymous_id", "e": "email", "x": "cross_domain_id"}
    return {frozenset(f"{kinds[word[0]]}:{word}" for word in one.split()) for one in profiles}


def told(data: bytes) -> Any:
    return msgspec.json.decode(data)
