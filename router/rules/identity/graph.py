"""The graph at work: plans what an event means for it, then does that. Everything is in memory by then.

`plan` changes nothing and may raise; `carry_out` does what was planned. Between the two the caller reads the traits
that the plan lacks.
"""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from router.rules.identity.draft import Draft, Stamp
from router.rules.identity.extraction import BUILT_IN
from router.rules.identity.facts import Facts, Named
from router.rules.identity.matching import Match, match
from router.rules.identity.memory import Memory, Space
from router.rules.identity.node import Node
from router.rules.identity.traits import merge_traits, take_consent, take_traits
from router.storage.computed_state import ComputedState
from router.storage.profile import Collection, Identifier, Profile, Trait, Traits
from router.storage.profile_ids import numbered, profile_id

MOST_TYPES = 200
"""A space takes so many types of identifiers; more would be somebody's mistake, or malice."""


class Plan(Struct):
    """What an event means for the graph."""

    users: Match | None
    accounts: Match | None
    left_out: list[str]
    """Reasons why something of the event is not taken up."""

    def lacks(self, facts: Facts) -> list[Node]:
        """Profiles whose traits must be read first."""
        found: list[Node] = []
        for one, is_meant in (
            (self.users, bool(facts.traits and not facts.is_group) or facts.consent is not None),
            (self.accounts, bool(facts.traits and facts.is_group)),
        ):
            if one is not None and (is_meant or len(one.nodes) > 1):
                found += [node for node in one.nodes if node.lacks_traits]
        return found


class Graph:
    """Changes the profiles in memory, and notes the changes in a draft."""

    def __init__(self, memory: Memory, store_id: bytes) -> None:
        self._memory = memory
        self._store_id = store_id
        self.draft = Draft()
        """What changed since the last commit."""

    def plan(self, space: Space, facts: Facts, *, now: int) -> Plan:
        """Decide whom an event is about."""
        plan = Plan(None, None, list(facts.left_out))
        users = list(facts.users)
        if facts.previous is not None:
            self._add_previous(space, facts.previous, users, plan)
        plan.users = self._match(space, "users", users, plan, now)
        plan.accounts = self._match(space, "accounts", facts.accounts, plan, now)
        if facts.previous is not None and plan.users is not None and plan.users.demoted:
            plan.left_out.append("alias_conflict")
        return plan

    def carry_out(self, space: Space, facts: Facts, plan: Plan, stamp: Stamp) -> Node | None:
        """Do what was planned; the user's profile, if there is one."""
        user = account = None
        if plan.users is not None:
            user = self._settle(space, "users", plan.users, stamp)
        if plan.accounts is not None:
            account = self._settle(space, "accounts", plan.accounts, stamp)
        owner = account if facts.is_group else user
        if owner is not None and facts.traits:
            self._set_traits(owner, facts, plan, stamp)
        if user is not None and facts.consent is not None:
            self._set_consent(user, facts.consent, stamp)
        if facts.is_group and user is not None and account is not None:
            self._link(user, account, stamp)
        return user

    def committed(self) -> None:
        """The draft is in the store."""
        weighed = self.draft.weighed
        for node in self.draft.with_traits.values():
            node.is_fresh = False
        for id, node in (self.draft.changed | self.draft.with_traits).items():
            if id not in weighed:
                self._memory.weigh(node)
        for pair in self.draft.links:
            self._memory.links[pair] = None
        self.draft = Draft()
        self._memory.shrink()

    def drop(self) -> None:
        """The draft is void, and with it all that is in memory."""
        self.draft = Draft()
        self._memory.clear()

    def compute(
        self,
        node: Node,
        states: Mapping[str, ComputedState | None],
        values: Mapping[str, bytes | None],
        like: Trait,
        stamp: Stamp,
    ) -> None:
        """Put new states and values of computed traits; None forgets a state, and removes a value."""
        traits = self._own_traits(node)
        for name, state in states.items():
            if state is not None:
                traits.computed[name] = state
            else:
                traits.computed.pop(name, None)
        for name, json in values.items():
            traits.values[name] = Trait(json, like.at, like.received_at, like.message_id, like.source)
        self._put_traits(node, traits)
        if values:
            self.draft.touched(node, stamp)
            self.draft.traits_changed(node, values, traits, stamp)
        self._memory.weigh(node)  # here, where others get their turn in between
        self.draft.weighed.add(node.profile.id)

    # --- what an operator does ------------------------------------------------------------------------

    def merge(self, nodes: Sequence[Node], stamp: Stamp) -> Node:
        """Make one profile of several, whatever the limits say; their traits must be read."""
        survivor, *gone = sorted(nodes, key=lambda node: (node.profile.created_at, node.profile.id))
        self._absorb(survivor, gone, stamp)
        self.draft.touched(survivor, stamp)
        return survivor

    def split(self, space: Space, node: Node, identifiers: Sequence[Named], stamp: Stamp) -> Node:
        """Give identifiers of a profile to a new one; traits and links stay where they are."""
        moved = [one for one in node.profile.identifiers if (one.type, one.value) in identifiers]
        self.unmap(space, node, identifiers, stamp)
        return self._create(space, node.profile.collection, [(one.type, one.value) for one in moved], stamp)

    def unmap(self, space: Space, node: Node, identifiers: Sequence[Named], stamp: Stamp) -> None:
        """Take identifiers from a profile."""
        kept = tuple(one for one in node.profile.identifiers if (one.type, one.value) not in identifiers)
        self._memory.disown(node, list(identifiers))
        self.draft.lost(space, node, identifiers, stamp)
        node.profile = replace(node.profile, identifiers=kept)
        self.draft.touched(node, stamp)

    def delete(self, space: Space, node: Node, stamp: Stamp) -> None:
        """Let a profile go with all that belongs to it."""
        self.draft.lost(space, node, [(one.type, one.value) for one in node.profile.identifiers], stamp)
        self._memory.drop(node)
        self.draft.deleted(node, stamp)

    # --- the parts ------------------------------------------------------------------------------------

    def _add_previous(self, space: Space, previous: str, users: list[Named], plan: Plan) -> None:
        """An alias's former id is a user's if there is such a user, else an anonymous one."""
        type = "user_id" if space.owner("users", ("user_id", previous)) is not None else "anonymous_id"
        if space.rules.is_blocked(type, previous):
            plan.left_out.append("blocked_identifier")
        else:
            users.append((type, previous))
            users.sort(key=lambda one: space.rules.rank(one[0]))

    def _match(
        self, space: Space, collection: Collection, ids: list[Named], plan: Plan, now: int
    ) -> Match | None:
        known = space.types
        if len(known) >= MOST_TYPES:
            kept = [one for one in ids if one[0] in BUILT_IN or (collection, one[0]) in known]
            plan.left_out += ["type"] * (len(ids) - len(kept))
            ids = kept
        if not ids:
            return None
        found = match(ids, lambda named: space.owner(collection, named), space.rules, now=now)
        plan.left_out += found.left_out
        plan.left_out += ["demoted"] * found.demoted
        return found

    def _settle(self, space: Space, collection: Collection, found: Match, stamp: Stamp) -> Node:
        if not found.nodes:
            return self._create(space, collection, found.add, stamp)
        survivor, *gone = found.nodes
        survivor.is_used = True
        if gone:
            self._absorb(survivor, gone, stamp)
        if found.add:
            self._map(space, survivor, found.add, stamp)
        if gone or found.add:
            self.draft.touched(survivor, stamp)
        return survivor

    def _create(self, space: Space, collection: Collection, ids: Sequence[Named], stamp: Stamp) -> Node:
        node = Node(
            Profile(
                id=profile_id(self._store_id, numbered(stamp.position, collection)),
                space=space.name,
                collection=collection,
                created_at=stamp.received_at,
                updated_at=stamp.received_at,
                first_message_id=stamp.message_id,
                first_source=stamp.source,
                last_message_id=stamp.message_id,
                last_source=stamp.source,
            )
        )
        self._memory.add(node)
        self.draft.created(node, stamp)
        self._map(space, node, ids, stamp)
        return node

    def _map(self, space: Space, node: Node, ids: Sequence[Named], stamp: Stamp) -> None:
        new = [Identifier(*one, stamp.received_at, stamp.source, stamp.message_id) for one in ids]
        node.profile = replace(node.profile, identifiers=(*node.profile.identifiers, *new))
        self._memory.own(node, list(ids))
        self.draft.gained(space, node, ids, stamp)

    def _link(self, user: Node, account: Node, stamp: Stamp) -> None:
        if (user.profile.id, account.profile.id) not in self._memory.links:
            self.draft.linked(user, account, stamp)

    def _absorb(self, survivor: Node, gone: Sequence[Node], stamp: Stamp) -> None:
        for node in gone:
            profile = node.profile
            if node.profile.has_traits:
                self._merge_traits(survivor, node, stamp)
            self.draft.merged(node, survivor, stamp)
            self._memory.drop(node)
            survivor.profile = replace(
                survivor.profile,
                identifiers=(*survivor.profile.identifiers, *profile.identifiers),
                absorbed=(*survivor.profile.absorbed, profile.id, *profile.absorbed),
            )
            self._memory.own(survivor, [(one.type, one.value) for one in profile.identifiers])
            node.survivor = survivor

    def _merge_traits(self, survivor: Node, node: Node, stamp: Stamp) -> None:
        before, other = survivor.traits or Traits(), node.traits or Traits()
        merged = merge_traits(before, other)
        changed = [
            name
            for name, one in merged.values.items()
            if one.json != (before.values[name].json if name in before.values else None)
        ]
        self._put_traits(survivor, merged)
        if changed:
            self.draft.traits_changed(survivor, changed, merged, stamp)

    def _set_traits(self, node: Node, facts: Facts, plan: Plan, stamp: Stamp) -> None:
        like = Trait(None, stamp.at, stamp.received_at, stamp.message_id, stamp.source)
        traits = self._own_traits(node)
        taken = take_traits(traits.values, facts.traits, like, traits.computed)
        plan.left_out += ["trait"] * taken.refused + ["time_without_zone"] * taken.zoneless
        if taken.newer:
            self._put_traits(node, traits)
        if taken.changed:
            self.draft.touched(node, stamp)
            self.draft.traits_changed(node, taken.changed, traits, stamp)

    def _set_consent(self, node: Node, consent: dict[str, bool], stamp: Stamp) -> None:
        self._put_traits(node, take_consent(self._own_traits(node), consent, stamp.at))

    def _own_traits(self, node: Node) -> Traits:
        """The traits of a profile as a copy that this step may change."""
        traits = node.traits or Traits()
        if node.is_fresh:
            return traits
        return Traits(dict(traits.values), traits.consent, traits.consent_at, dict(traits.computed))

    def _put_traits(self, node: Node, traits: Traits) -> None:
        self.draft.weighed.discard(node.profile.id)
        node.traits = traits
        node.snapshot = None
        node.is_fresh = True
        self.draft.with_traits[node.profile.id] = node
        if not node.profile.has_traits:
            node.profile = replace(node.profile, has_traits=True)
            self.draft.changed[node.profile.id] = node
