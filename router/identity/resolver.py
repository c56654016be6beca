"""Finds out whom the events of a step are about, and what that changes of the graph.

First all identifiers of the step that are not in memory are asked from the store at once. Then each event is planned
and carried out, in order. Most events need neither: their identifiers are known and lead to one profile.

An event that cannot be read, or planned for, becomes a dead letter and the others go on. If it fails half-way through
what it does to the graph, all of that is dropped, and the step begins again without the event.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec
from msgspec.structs import force_setattr

from router.events.calls import AnyEvent
from router.events.envelope import Envelope
from router.events.profile import attach
from router.events.step import PROCESSING_ERROR, TIME_SOURCE, Failure, Prepared
from router.identity.computed_profile import Made
from router.identity.computing import TIME_PASSED, Computing, profiles_named
from router.identity.resolved import Broken, Resolved, stamp_of
from router.rules.identity.facts import Facts
from router.rules.identity.graph import Graph, Plan
from router.rules.identity.memory import Memory, Space
from router.rules.identity.node import Node
from router.rules.identity.space_rules import SpaceRules
from router.storage.entry import Door, Entry
from router.storage.profile import Key
from router.storage.profile_changes import ProfileChanges
from router.storage.profiles import Profiles

SLICE_EVENTS = 128
"""Events that need work, between two moments in which others may use the loop."""
KEYS_AT_ONCE = 500
Spaces = Callable[[], Mapping[str, tuple[str, SpaceRules]]]
"""For each source the name of its space, and the rules of that."""


Met = Node | Facts | list[Node] | Failure | None
"""What is to be seen of an event: its profile, or what it says, or for whom time has passed, or why it cannot be read;
None for nobody's."""


class Resolver:
    """Resolves step after step; the caller says what became of each."""

    def __init__(
        self, profiles: Profiles, store_id: bytes, spaces: Spaces, *, memory_bytes: Callable[[], int]
    ) -> None:
        self._profiles = profiles
        self._spaces_of = spaces
        self._known: Mapping[str, tuple[str, SpaceRules]] | None = None
        self.memory = Memory(memory_bytes)
        """What is known by heart."""
        self.graph = Graph(self.memory, store_id)
        """What is done to it."""
        self._spaces: dict[str, Space] = {}
        self._computing = Computing(self.graph, store_id, self.learn_traits)
        self._is_computing = False

    def committed(self) -> None:
        """The last step is in the store."""
        self.graph.committed()
        self._computing.forget()

    def drop(self) -> None:
        """The last step is void."""
        self.graph.drop()
        self._computing.forget()
        self._spaces.clear()

    async def resolve(self, events: Sequence[Prepared], first: int) -> Resolved:
        """The envelopes from position `first` on, and what is to be committed with them."""
        if not self._spaces_of():
            return _without_profiles(events, first)
        failures: list[Failure] = []
        while True:
            try:
                return await self._resolve(events, first, failures)
            except Broken as found:
                self.drop()
                failures.append(_failure(found.event, found.error))
                events = [one for one in events if one is not found.event]

    async def space(self, name: str, rules: SpaceRules) -> Space:
        """The space of that name, in memory."""
        if name not in self.memory.spaces:
            space = Space(name, rules)
            space.types.update(await self._profiles.types(name))
            self.memory.spaces[name] = space
        return self.memory.spaces[name]

    async def node(self, id: str) -> Node | None:
        """The profile with that id, or its survivor, in memory; None where there is none."""
        found = await self.nodes([id])
        return found[0] if found else None

    async def nodes(self, ids: Sequence[str]) -> list[Node]:
        """The profiles with these ids, or their survivors, in memory; without those that there are none for."""
        rules = {name: rules for name, rules in self._spaces_of().values()}
        found: dict[str, Node] = {}
        for profile in await self._profiles.read(ids):
            if profile is not None:
                await self.space(profile.space, rules.get(profile.space, SpaceRules()))
                found[profile.id] = self.memory.learn(profile)
        return list(found.values())

    async def learn(self, keys: Sequence[Key]) -> None:
        """Have the owners of identifiers in memory."""
        for start in range(0, len(keys), KEYS_AT_ONCE):
            for profile in await self._profiles.owners(keys[start : start + KEYS_AT_ONCE]):
                if profile is not None:
                    self.memory.learn(profile)

    async def learn_traits(self, nodes: Sequence[Node]) -> None:
        """Have the traits of profiles in memory."""
        ids = [node.profile.id for node in nodes]
        for node, traits in zip(nodes, await self._profiles.traits(ids), strict=True):
            if node.traits is None:
                node.traits = traits
                self.memory.weigh(node)

    async def changes(self) -> ProfileChanges | None:
        """What is to be committed; of the links only those that are new."""
        draft = self.graph.draft
        links = [link for link, _ in draft.links.values()]
        if links:
            for link, is_linked in zip(links, await self._profiles.linked(links), strict=True):
                if is_linked:
                    self.memory.links[link.user, link.account] = None
                    del draft.links[link.user, link.account]
        return draft.changes()

    async def _resolve(self, events: Sequence[Prepared], first: int, failures: Sequence[Failure]) -> Resolved:
        await self._look_at_rules()
        done = Resolved([], [], None, Counter(), list(failures))
        met = await self._meet(events)
        await self._prepare(events, met)
        for index, event in enumerate(events):  # now: later on, the step may have joined some of them
            if event.source == TIME_SOURCE:
                met[index] = await self.nodes(profiles_named(event.event))
        worked = 0
        for event, found in zip(events, met, strict=True):
            node: Node | None = None
            plan: Plan | None = None
            position = first + len(done.envelopes)
            if found.__class__ is Node:
                node = _met_again(found)
            elif isinstance(found, Facts):
                worked += 1
                if worked % SLICE_EVENTS == 0:
                    await asyncio.sleep(0)
                planned = self._plan(event, found)
                if isinstance(planned, Failure):
                    done.failures.append(planned)
                    continue
                plan = planned
                node = await self._carry_out(event, found, plan, position, done.counts)
            elif isinstance(found, Failure):
                done.failures.append(found)
                continue
            elif isinstance(found, list):
                nodes = list(dict.fromkeys(map(_met_again, found)))
                spaces = {one.name: one for one in self._spaces.values()}
                for one in await self._computing.pass_time(event, spaces, nodes, position, done.counts):
                    await self._add(one, event, first, done)
                continue
            made: Sequence[Made] = ()
            if self._is_computing and isinstance(found, Node | Facts):
                space = self._spaces[event.source]
                if plan is not None or space.rules.computed.perhaps(event.event):
                    made = await self._computing.after(event, space, found, plan, node, position, done.counts)
            if node is None:
                attach(event.event, None)
            else:
                if node.snapshot is None:
                    await self._take_snapshot(self._spaces[event.source], event, node, done.counts)
                force_setattr(event.event, "_profile", node.snapshot)
            done.envelopes.append(
                Envelope(position, event.source, event.event, event.received_at, event.metadata)
            )
            done.hashes.append(event.message_hash)
            for one in made:
                await self._add(one, event, first, done)
        for failure in done.failures:
            done.counts["successfully_received", failure.source] -= 1
            done.counts["failed_on_ingest", failure.source, PROCESSING_ERROR] += 1
        done.changes = await self.changes()
        return done

    async def _look_at_rules(self) -> None:
        known = self._spaces_of()
        if known is not self._known or not self._spaces:
            if known is not self._known:
                self.graph.drop()
            self._known = known
            self._spaces = {source: await self.space(name, rules) for source, (name, rules) in known.items()}
            self._is_computing = any(rules.computed for _, rules in known.values())

    async def _meet(self, events: Sequence[Prepared]) -> list[Met]:
        """Read the events, as far as that is needed."""
        spaces = self._spaces
        met: list[Met] = []
        for start in range(0, len(events), SLICE_EVENTS):
            for one in events[start : start + SLICE_EVENTS]:
                space = spaces.get(one.source)
                try:
                    met.append(None if space is None else _meet(space, one.event))
                except Exception as error:  # noqa: BLE001 - one bad event must not stop those behind it
                    met.append(_failure(one, error))
            await asyncio.sleep(0)
        return met

    async def _prepare(self, events: Sequence[Prepared], met: Sequence[Met]) -> None:
        """Ask the store what the step needs: the owners of identifiers, and the traits that will be changed."""
        firsts: dict[Key, None] = {}
        asking: list[tuple[Space, Facts]] = []
        needy: list[tuple[Space, Facts]] = []
        seen: dict[int, Node] = {}
        """Profiles that nothing happens to, but whose chosen traits are kept with the events."""
        for event, facts in zip(events, met, strict=True):
            if facts.__class__ is Node and facts.lacks_traits and self._spaces[event.source].chosen:
                seen[id(facts)] = facts
            if not isinstance(facts, Facts):
                continue
            space = self._spaces[event.source]
            first = next(space.missing(facts), None)
            if first is not None:
                firsts[first] = None
                asking.append((space, facts))
            if facts.traits or facts.consent is not None or len(facts.users) > 1 or space.chosen:
                needy.append((space, facts))
        await self.learn(list(firsts))
        # the first identifier mostly leads to a profile that owns the others too: only what is missing then is asked
        others = dict.fromkeys([key for space, facts in asking for key in space.missing(facts)])
        await self.learn([key for key in others if key not in firsts])
        nodes = seen | {id(node): node for space, facts in needy for node in space.lacking(facts)}
        if self._is_computing:
            for event, found in zip(events, met, strict=True):
                if isinstance(found, Facts) or (found.__class__ is Node and found.lacks_traits):
                    lacking = self._computing.needs(self._spaces[event.source], event.event, found)
                    nodes.update((id(node), node) for node in lacking)
        for start in range(0, len(nodes), KEYS_AT_ONCE):
            await self.learn_traits(list(nodes.values())[start : start + KEYS_AT_ONCE])

    def _plan(self, event: Prepared, facts: Facts) -> Plan | Failure:
        try:
            return self.graph.plan(self._spaces[event.source], facts, now=event.received_at)
        except Exception as error:  # noqa: BLE001 - one bad event must not stop those behind it
            return _failure(event, error)

    async def _carry_out(
        self, event: Prepared, facts: Facts, plan: Plan, position: int, counts: Counter[tuple[str, ...]]
    ) -> Node | None:
        if lacking := plan.lacks(facts):
            await self.learn_traits(lacking)
        try:
            stamp = stamp_of(event, position)
            node = self.graph.carry_out(self._spaces[event.source], facts, plan, stamp)
        except Exception as error:
            raise Broken(event, error) from error
        for reason in plan.left_out:
            counts["left_out_of_profiles", event.source, reason] += 1
        return node

    async def _add(self, made: Made, event: Prepared, first: int, done: Resolved) -> None:
        """Put an event that the router made into the stream, behind what is there."""
        if made.user is None:
            attach(made.event, None)
        else:
            if made.user.snapshot is None:
                await self._take_snapshot(made.space, event, made.user, done.counts)
            attach(made.event, made.user.snapshot)
        position = first + len(done.envelopes)
        done.envelopes.append(Envelope(position, made.source, made.event, event.received_at))
        done.hashes.append(self._computing.hash_of(made))
        done.counts["created_at_source", made.source, made.reason] += 1

    async def _take_snapshot(
        self, space: Space, event: Prepared, node: Node, counts: Counter[tuple[str, ...]]
    ) -> None:
        chosen = space.chosen
        if chosen and node.lacks_traits:
            await self.learn_traits([node])
        if left_out := chosen.take(node):
            counts["left_out_of_profiles", event.source, "snapshot"] += left_out
        if chosen:
            self.memory.weigh(node)


def _without_profiles(events: Sequence[Prepared], first: int) -> Resolved:
    kept = [one for one in events if one.source != TIME_SOURCE]
    envelopes = [
        Envelope(first + offset, one.source, one.event, one.received_at, one.metadata)
        for offset, one in enumerate(kept)
    ]
    counts: Counter[tuple[str, ...]] = Counter()
    if len(kept) < len(events):
        counts["filtered_at_source", TIME_SOURCE, TIME_PASSED] += len(events) - len(kept)
    return Resolved(envelopes, [one.message_hash for one in kept], None, counts)


def _meet(space: Space, event: AnyEvent) -> Met:
    if not space.extraction.is_plain(event):
        return space.extraction.facts(event)
    node = space.plain_owner(event.user_id, event.anonymous_id)
    return space.extraction.plain_facts(event) if node is None else node


def _met_again(node: Node) -> Node:
    """A profile that was met, or the one that it became since."""
    while node.survivor is not None:
        node = node.survivor
    node.is_used = True
    return node


def _failure(event: Prepared, error: Exception) -> Failure:
    detail, entry = f"{type(error).__name__}: {error}", b""
    try:
        # its time is corrected already, so it is not to be corrected by `sentAt` once more
        again = b'{"batch":[' + event.event.replace(sent_at=None).json + b"]}"
        entry = msgspec.msgpack.encode(Entry(event.source, Door.BATCH, event.received_at, 1, again))
    except Exception as other:  # noqa: BLE001 - an event that nobody can read must not stop those behind it
        detail = f"{detail}; it cannot be sent in again: {type(other).__name__}: {other}"
    return Failure(
        source=event.source,
        message_id=event.event.message_id,
        received_at=event.received_at,
        call=event.event.json,
        error=detail,
        entry=entry,
    )
