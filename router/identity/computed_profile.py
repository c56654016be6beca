"""Computes the traits and audiences of one profile, and says what destinations are to be told of it."""

from collections import Counter
from collections.abc import Iterator, Sequence, Set

from msgspec import Struct

from router.events.calls import AnyEvent
from router.identity.announcing import Ids, Occasion, ids_of, source_of, told
from router.rules.identity.computed.audience import Audience
from router.rules.identity.computed.rules import ComputedRules
from router.rules.identity.computed.trait import ComputedTrait
from router.rules.identity.computed.windows import let_leave, next_at
from router.rules.identity.draft import Stamp
from router.rules.identity.graph import Graph
from router.rules.identity.memory import Space
from router.rules.identity.node import Node
from router.storage.computed_state import ComputedState
from router.storage.profile import Trait, Traits

LOOKED_AT_AGAIN = 86_400_000
"""So many milliseconds later a profile is looked at again of which nothing can be computed for the time being."""
Counts = Counter[tuple[str, ...]]
NOTHING: frozenset[str] = frozenset()


class Made(Struct, frozen=True):
    """An event that the router makes."""

    source: str
    event: AnyEvent
    reason: str
    space: Space
    user: Node | None
    """Whom it is about; None where it is of an account alone."""


class Task(Struct, frozen=True):
    """One profile that is looked at; its traits are in memory by then."""

    space: Space
    node: Node
    takers: Sequence[ComputedTrait] = ()
    """The traits that the event counts for."""
    changed: Set[str] = NOTHING
    """Names of traits that the event may have changed."""
    is_whole: bool = False
    """Whether everything is looked at: the profile is new, or two became one, or time has passed."""


class ComputedProfiles:
    """Looks at profile after profile."""

    def __init__(self, graph: Graph) -> None:
        self._graph = graph
        self._own: dict[int, ComputedState] = {}
        """States that this step made: nobody else has them, so they are changed in place."""

    def forget(self) -> None:
        """The step is over; what it made is in other hands now."""
        self._own.clear()

    def compute(self, task: Task, occasion: Occasion, stamp: Stamp, counts: Counts) -> list[Made]:
        """Compute at the moment of `stamp`; the events that come of it."""
        node, rules, now = task.node, task.space.rules.computed, stamp.received_at
        traits = node.traits or Traits()
        work = _Work(traits, now)
        for rule in task.takers:
            state, is_new = self._state(rule, traits)
            has_left = let_leave(state, now)
            entries = state.entries
            refused = rule.take(state, occasion.event, (stamp.at, stamp.received_at, stamp.message_id), now)
            if refused:
                counts["left_out_of_profiles", stamp.source, f"computed_{refused}"] += 1
            if not refused or (has_left and not is_new):
                is_same = not (has_left or is_new or rule.may_have_changed(state, entries))
                self._note(work, rule, state, is_same=is_same)
        due = traits.due_at
        is_whole = task.is_whole or 0 < due <= now
        if is_whole:
            self._look_at_all(work, rules, node)
        changed = work.changed | task.changed
        for audience in rules.audiences_of[node.profile.collection]:
            if is_whole or not changed.isdisjoint(audience.traits):
                self._judge(work, audience)
                changed = changed | work.changed
        if not work.states:
            return []
        ids = ids_of(task.space, node, occasion)
        made = [] if ids is None else list(_told(work, rules, ids, task, occasion))
        self._graph.compute(node, work.states, work.values, self._like(node, stamp), stamp)
        return made

    def put_off(self, node: Node, stamp: Stamp) -> None:
        """Keep what a profile has as it is: its space is switched off, say, and may be switched on again."""
        states: dict[str, ComputedState | None] = {}
        for name, old in (node.traits or Traits()).computed.items():
            if 0 < old.due_at <= stamp.received_at:
                states[name] = state = old.copy()
                state.due_at = stamp.received_at + LOOKED_AT_AGAIN
        if states:
            self._graph.compute(node, states, {}, self._like(node, stamp), stamp)

    @staticmethod
    def _like(node: Node, stamp: Stamp) -> Trait:
        now = stamp.received_at
        return Trait(None, now, now, stamp.message_id, source_of(node.profile.space))

    def _state(self, rule: ComputedTrait | Audience, traits: Traits) -> tuple[ComputedState, bool]:
        """The state of a rule, to be changed in place, and whether it is a new one."""
        old = traits.computed.get(rule.name)
        is_new = old is None or old.rule != rule.fingerprint
        if old is not None and not is_new and id(old) in self._own:
            return old, False
        state = rule.begin() if old is None or is_new else old.copy()
        if old is not None:
            state.sent = old.sent  # whatever rule it came of, it is what destinations know
        self._own[id(state)] = state
        return state, is_new

    def _note(
        self, work: "_Work", rule: ComputedTrait, state: ComputedState, *, is_same: bool = False
    ) -> None:
        state.touched_at = work.now
        state.due_at = next_at(state)
        work.states[rule.name] = state
        if not is_same:
            work.put(rule.name, rule.result(state))

    def _look_at_all(self, work: "_Work", rules: ComputedRules, node: Node) -> None:
        """Let time pass for every computed trait; one whose rule is gone becomes a trait like others."""
        known = rules.by_name[node.profile.collection]
        for name, old in work.traits.computed.items():
            rule = known.get(name)
            if name in work.states or isinstance(rule, Audience):
                continue
            if rule is None:
                work.states[name] = None
            elif rule.fingerprint != old.rule:
                if old.due_at:
                    kept = old.copy()
                    kept.due_at = 0
                    work.states[name] = kept
            elif 0 < old.due_at <= work.now:
                state, _ = self._state(rule, work.traits)
                let_leave(state, work.now)
                self._note(work, rule, state)

    def _judge(self, work: "_Work", rule: Audience) -> None:
        old = work.traits.computed.get(rule.name)
        is_in = rule.has(work.value)
        if old is None and not is_in:
            return  # who never was in it is not told to have left
        json = b"true" if is_in else b"false"
        if (
            old is not None
            and old.rule == rule.fingerprint
            and not old.due_at
            and work.value(rule.name) == json
        ):
            return
        state, _ = self._state(rule, work.traits)
        state.touched_at, state.due_at = work.now, 0
        work.states[rule.name] = state
        work.put(rule.name, json)


class _Work:
    """What is computed of one profile."""

    def __init__(self, traits: Traits, now: int) -> None:
        self.traits = traits
        self.now = now
        self.states: dict[str, ComputedState | None] = {}
        self.values: dict[str, bytes | None] = {}
        """Those that differ from what the profile has."""
        self.changed: Set[str] = frozenset()

    def value(self, name: str) -> bytes | None:
        """A trait as it is by now."""
        if name in self.values:
            return self.values[name]
        trait = self.traits.values.get(name)
        return None if trait is None else trait.json

    def put(self, name: str, json: bytes | None) -> None:
        """A trait has come to a value."""
        if self.value(name) != json:
            self.values[name] = json
            self.changed = self.changed | {name}


def _told(work: _Work, rules: ComputedRules, ids: Ids, task: Task, occasion: Occasion) -> Iterator[Made]:
    """The events for what destinations do not know yet."""
    node, known = task.node, rules.by_name[task.node.profile.collection]
    source = source_of(task.space.name)
    about = node if node.profile.collection == "users" else occasion.user
    for name, state in work.states.items():
        rule = known.get(name)
        if rule is None or state is None or state.rule != rule.fingerprint:
            continue
        json = work.value(name)
        if json == state.sent or not rule.send:
            continue
        state.sent = json
        for form in rule.send:
            yield Made(source, told(rule, json, form, ids, node, occasion), rule.kind_name, task.space, about)
