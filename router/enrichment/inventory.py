"""Keeps the inventory: learns what each committed step saw, and writes what changed every few seconds.

    step prepared ─▶ Sightings ─▶ committed ─▶ rows in memory ─▶ every 5 s, what changed, whole rows

It is a write of its own and not of the commit, which would pay for it with every step. A crash loses the counts of
the last seconds, and no event is ever counted twice: rows are written whole, and a step that fails leaves nothing.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable, Set

from router.actors.actor import Actor
from router.enrichment.findings import Findings
from router.enrichment.sightings import Key, Seen, Sightings
from router.errors import StorageError
from router.events.calls import Event
from router.rules.observing import MOST_PATHS, names_in
from router.storage.inventory import HOUR, OTHERS, WEEK_HOURS, SeenEvent, SeenProperty, SeenViolation
from router.storage.store import Storage

EVERY_SECONDS = 5.0
MOST_EVENTS = 4000
"""Names of a source that are listed; what comes above is counted together."""
MOST_PROPERTIES = 40_000
"""Properties of a source that are listed, of all its events together."""
MOST_VIOLATIONS = 50
"""Ways to break the plan that are kept for an event, the latest."""

_Row = tuple[str, str, str]


class Inventory(Actor):
    """The inventory of a running router."""

    name = "inventory"

    def __init__(self, storage: Storage, *, sleep: Callable[[float], Awaitable[None]]) -> None:
        self._storage = storage
        self._sleep = sleep
        self.findings = Findings()
        """Which of the fields probably hold personal data."""
        self._steps: deque[Sightings] = deque()
        self._came: Counter[Key] = Counter()
        self._keys: dict[Key, set[str]] = {}
        self._rows: dict[_Row, SeenEvent] = {}
        self._names: Counter[str] = Counter()
        self._properties: Counter[str] = Counter()
        self._changed: set[_Row] = set()
        self._writing = asyncio.Lock()

    async def open(self) -> None:
        """Read what is known."""
        for row in await self._storage.inventory.read():
            self._add_row(row)
        self.findings.load(await self._storage.inventory.findings.read())

    async def run(self) -> None:
        """Write what changed, wait, and again."""
        while True:
            await self._sleep(EVERY_SECONDS)
            await self._write()

    async def stop(self) -> None:
        """Write what is not written yet."""
        await self._write()

    def rows(self) -> list[SeenEvent]:
        """All that is known, by source, type and name."""
        return [self._rows[key] for key in sorted(self._rows)]

    def step(self) -> Sightings:
        """What the next step adds."""
        made = Sightings(self._came.__getitem__, self._known_keys, self.findings.step())
        self._steps.append(made)
        return made

    def committed(self) -> None:
        """The oldest step is durable, so what it saw counts."""
        if len(self._came) > 2 * MOST_EVENTS:
            self._came.clear()  # names without end; those that come often are soon known again
            self._keys.clear()
        for key, seen in self._steps.popleft().found.items():
            source, kind, name = key
            self._came[key] += seen.count
            self._learn(source, _tag(kind), name, seen)
            if seen.own:
                self._keys.pop((source, kind, name), None)  # more are known by now
        self.findings.committed()

    async def catch_up(self) -> None:
        """Find out whether a step that seemed to fail is in the store: a field in it is not new any more."""
        if self.findings.is_doubtful:
            self.findings.catch_up(await self._storage.inventory.findings.read())

    def forget(self) -> None:
        """Drop what is not durable: it is prepared again."""
        self._steps.clear()
        self.findings.forget()

    def _known_keys(self, key: Key) -> Set[str] | None:
        known = self._keys.get(key)
        if known is None:
            source, kind, name = key
            row = self._rows.get((source, _tag(kind), name))
            if row is None or row.is_full:
                return None
            known = self._keys[key] = {"", *(names_in(path)[0] for path in row.properties)}
        return known

    def _learn(self, source: str, kind: str, name: str, seen: Seen) -> None:
        row = self._rows.get((source, kind, name))
        if row is None and name and self._names[source] >= MOST_EVENTS:
            kind, name = OTHERS, ""
            seen.paths, seen.violations = [], []
            row = self._rows.get((source, kind, name))
        if row is None:
            row = self._add_row(SeenEvent(source, kind, name, first_at=seen.last_at))
        row.count += seen.count
        row.last_at = seen.last_at
        for reason, count in seen.blocked.items():
            row.blocked[reason] = row.blocked.get(reason, 0) + count
        for paths in seen.paths:
            self._learn_paths(row, paths, seen.last_at)
        if seen.violations:
            _learn_violations(row, seen)
        self._changed.add((row.source, row.type, row.name))

    def _learn_paths(self, row: SeenEvent, paths: dict[str, int], at: int) -> None:
        row.looked += 1
        for path, types in paths.items():
            known = row.properties.get(path)
            if known is not None:
                known.types |= types
                known.count += 1
                known.last_at = at
            elif len(row.properties) >= MOST_PATHS or self._properties[row.source] >= MOST_PROPERTIES:
                row.is_full = True
            else:
                row.properties[path] = SeenProperty(types, 1, at, at)
                self._properties[row.source] += 1

    def _add_row(self, row: SeenEvent) -> SeenEvent:
        self._rows[row.source, row.type, row.name] = row
        self._names[row.source] += 1
        self._properties[row.source] += len(row.properties)
        return row

    async def _write(self) -> None:
        async with (
            self._writing
        ):  # the last write waits for one that is under way, which is then not cut short
            changed, self._changed = self._changed, set()
            found, gone = self.findings.take()
            try:
                await self._storage.inventory.keep([self._rows[key] for key in sorted(changed)])
                await self._storage.inventory.findings.keep(found, gone)
            except StorageError:
                # the store is in trouble and says so itself; rows are whole, so nothing is lost
                self._changed |= changed
                self.findings.give_back(found, gone)


def _tag(kind: type[Event]) -> str:
    return str(kind.__struct_config__.tag)


def _learn_violations(row: SeenEvent, seen: Seen) -> None:
    known = {(one.type, one.field): one for one in row.violations}
    for violation, at, message_id in seen.violations:
        one = known.get((violation.type, violation.field))
        if one is None:
            one = known[violation.type, violation.field] = SeenViolation(
                violation.type, violation.field, 0, ""
            )
        hour = at // HOUR
        one.hours[hour] = one.hours.get(hour, 0) + 1
        one.last_at, one.message_id = at, message_id
    oldest = seen.last_at // HOUR - WEEK_HOURS
    for one in known.values():
        one.hours = {hour: count for hour, count in one.hours.items() if hour > oldest}
    latest = sorted((one for one in known.values() if one.hours), key=lambda one: -one.last_at)
    row.violations = latest[:MOST_VIOLATIONS]
