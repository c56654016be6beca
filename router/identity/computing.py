"""Computed traits and audiences at work: which profiles an event, or time, makes the router look at.

An event that counts for no rule, and changes no trait, costs a look at its name. What is computed is a part of the
traits of the profile, so it is read, committed, merged and deleted with them. Events that are made here stand right
behind the event that they come of, in the same commit, and are not computed upon again.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence

from msgspec.structs import replace

from router.events.calls import AnyEvent, Track
from router.events.step import TIME_SOURCE, Prepared
from router.identity.announcing import Occasion, source_of
from router.identity.computed_profile import NOTHING, ComputedProfiles, Counts, Made, Task
from router.identity.resolved import Broken, stamp_of
from router.rules.identity.draft import Stamp
from router.rules.identity.facts import Facts
from router.rules.identity.graph import Graph, Plan
from router.rules.identity.memory import Space
from router.rules.identity.node import Node
from router.storage.hashing import message_hash

TIME_PASSED = "time_passed"
"""What such an entry is counted under: it is in the sum of what was received, and not in the stream."""
PAUSE_SECONDS = 0.002
"""Others may use the loop after so long."""


class Computing:
    """Computes event after event."""

    def __init__(
        self, graph: Graph, store_id: bytes, learn: Callable[[Sequence[Node]], Awaitable[None]]
    ) -> None:
        """`learn` reads the traits of profiles."""
        self._profiles = ComputedProfiles(graph)
        self._store_id = store_id
        self._learn = learn
        self._paused_at = 0.0

    def forget(self) -> None:
        """The step is over."""
        self._profiles.forget()

    def needs(self, space: Space, event: AnyEvent, found: Node | Facts) -> Iterator[Node]:
        """Profiles whose traits will be asked for, of those that are in memory without them."""
        rules = space.rules.computed
        if isinstance(found, Node):
            if rules.perhaps(event):
                yield found
        elif rules and (found.traits or rules.perhaps(event)):
            yield from space.lacking(found)

    async def after(
        self,
        event: Prepared,
        space: Space,
        found: Node | Facts,
        plan: Plan | None,
        user: Node | None,
        position: int,
        counts: Counts,
    ) -> list[Made]:
        """Compute after the event at `position`; the events that come of it."""
        call = event.event
        tasks = _tasks(space, call, found, plan, user)
        if not tasks:
            return []
        occasion = Occasion(call, f"{event.source}\0{call.message_id}", user)
        return await self._carry_out(tasks, occasion, event, stamp_of(event, position), counts)

    async def pass_time(
        self,
        event: Prepared,
        spaces: Mapping[str, Space],
        nodes: Sequence[Node],
        position: int,
        counts: Counts,
    ) -> list[Made]:
        """Compute as time has passed for some profiles; the events that come of it, from `position` on.

        The entry that says so is no event of the stream. `spaces` are those of today, by name.
        """
        stamp = stamp_of(event, position)
        if lacking := [node for node in nodes if node.lacks_traits]:
            await self._learn(lacking)
        made: list[Made] = []
        for node in nodes:
            space = spaces.get(node.profile.space)
            if space is None:
                self._profiles.put_off(node, stamp)
                continue
            user = node if node.profile.collection == "users" else None
            occasion = Occasion(event.event, f"{event.event.message_id}\0{node.profile.id}", user)
            task = Task(space, node, is_whole=True)
            own = replace(
                stamp, source=source_of(node.profile.space)
            )  # people see it as what changed the profile
            try:
                made += await self._carry_out([task], occasion, event, own, counts)
            except Broken:  # it must not keep time from the others, whom the same entry names
                self._profiles.put_off(node, stamp)
                counts["left_out_of_profiles", own.source, "computed_error"] += 1
        counts["filtered_at_source", TIME_SOURCE, TIME_PASSED] += 1
        return made

    async def _carry_out(
        self, tasks: Sequence[Task], occasion: Occasion, event: Prepared, stamp: Stamp, counts: Counts
    ) -> list[Made]:
        if lacking := [task.node for task in tasks if task.node.lacks_traits]:
            await self._learn(lacking)
        made: list[Made] = []
        for task in tasks:
            try:
                made += self._profiles.compute(task, occasion, stamp, counts)
            except Exception as error:
                raise Broken(event, error) from error
        now = time.perf_counter()
        if now - self._paused_at > PAUSE_SECONDS:
            await asyncio.sleep(0)
            self._paused_at = time.perf_counter()
        return made

    def hash_of(self, made: Made) -> bytes:
        """What the message id of an event is remembered by."""
        return message_hash(self._store_id, made.space.name, made.event.message_id)


def _tasks(
    space: Space, event: AnyEvent, found: Node | Facts, plan: Plan | None, user: Node | None
) -> list[Task]:
    """What is to be looked at after an event."""
    takers = space.rules.computed.of(event)
    if not isinstance(found, Facts) or plan is None:  # it is of this user, and changes no trait
        own = [one for one in takers if one.collection == "users"]
        return [Task(space, user, own)] if own and user is not None else []
    tasks = []
    account = space.owner("accounts", found.accounts[0]) if found.accounts else None
    for node, match, is_owner in (
        (user, plan.users, not found.is_group),
        (account, plan.accounts, found.is_group),
    ):
        if node is not None and match is not None:
            own = [one for one in takers if one.collection == node.profile.collection]
            changed = found.traits.keys() if is_owner else NOTHING
            is_whole = len(match.nodes) != 1
            if own or changed or is_whole:
                tasks.append(Task(space, node, own, changed, is_whole))
    return tasks


def profiles_named(event: AnyEvent) -> list[str]:
    """The ids in an entry that says that time has passed."""
    found = event.properties.get("profiles") if isinstance(event, Track) else None
    return [one for one in found if isinstance(one, str)] if isinstance(found, list) else []


def time_passed(ids: Sequence[str]) -> Mapping[str, object]:
    """The call that says that time has passed for these profiles."""
    return {
        "type": "track",
        "event": "Time Passed",
        "anonymousId": "time",
        "properties": {"profiles": list(ids)},
    }
