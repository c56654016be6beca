"""Fields that probably hold personal data and that nobody has classified: what people are shown, to decide on.

It is kept in memory, bounded, for seven days; no value is kept, only what it looks like. An event that is prepared
again after a failed commit is looked at again: the numbers say how much, not how many exactly.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Literal

from msgspec import Struct, field

from router.enrichment.processing import Aside
from router.events.calls import AnyEvent
from router.rules.privacy.controls import ROOTS, is_path
from router.rules.privacy.matchers import Colour, Detector

MOST_FIELDS = 2000
"""Fields that are kept; the one that was not seen for longest goes first."""
KEPT_MILLISECONDS = 7 * 86_400_000
FIRST_LOOKS = 16
"""So many events of each name are looked at before it is only one in so many."""
MOST_NAMES = 4096
MOST_NODES = 1000
"""Fields of one event that are looked at."""
DEEPEST = 16
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")


class FoundField(Struct):
    """One field, wherever it was seen; lists have no index in its path."""

    path: str
    colour: Colour
    """What is recommended."""
    matcher: str
    how: Literal["name", "similar name", "value"]
    looks_like: str
    """A value with its letters as `a` and its digits as `9`."""
    first_at: int
    last_at: int
    events: int = 0
    """Of those that were looked at."""
    sources: set[str] = field(default_factory=set)


class Findings:
    """What was found so far."""

    def __init__(self) -> None:
        self._fields: dict[str, FoundField] = {}

    def note(self, found: FoundField, source: str) -> None:
        """Note that a field was seen."""
        known = self._fields.pop(found.path, found)
        known.colour, known.matcher, known.how = found.colour, found.matcher, found.how
        known.last_at = found.last_at
        known.events += 1
        known.sources.add(source)
        self._fields[found.path] = known  # behind all others
        if len(self._fields) > MOST_FIELDS:
            del self._fields[next(iter(self._fields))]

    def unclassified(self, classified: "Classified", now: int) -> list[FoundField]:
        """Red before yellow, then the most frequent; what has a colour by now is left out."""
        for path, one in tuple(self._fields.items()):
            if one.last_at < now - KEPT_MILLISECONDS or classified.has(path):
                del self._fields[path]
        return sorted(self._fields.values(), key=lambda one: (one.colour != "red", -one.events, one.path))


class Classified:
    """The fields that people have given a colour, by name or by path."""

    def __init__(self, fields: Iterable[str]) -> None:
        found = tuple(fields)
        self._names = frozenset(one for one in found if not is_path(one))
        self._paths = frozenset(one for one in found if is_path(one))

    def has(self, path: str) -> bool:
        """Whether the field at this path has a colour."""
        return path in self._paths or path.rpartition(".")[2] in self._names


class Detection:
    """The step that looks: at the first events of each name, and then at one in so many."""

    def __init__(self, findings: Findings, detector: Detector, classified: Classified, *, every: int) -> None:
        self._findings = findings
        self._detector = detector
        self._classified = classified
        self._every = every
        self._seen: dict[tuple[str, str, str | None], int] = {}

    def __call__(self, event: AnyEvent, aside: Aside) -> AnyEvent:
        """The same event."""
        name = (aside.source, event.type, getattr(event, "event", None))
        seen = self._seen.get(name, 0)
        if seen == 0 and len(self._seen) >= MOST_NAMES:
            self._seen.clear()
        self._seen[name] = seen + 1
        if seen < FIRST_LOOKS or seen % self._every == 0:
            self._look(event, aside)
        return event

    def _look(self, event: AnyEvent, aside: Aside) -> None:
        seen: set[str] = set()
        for path, key, value in fields_of(event):
            if path in seen or self._classified.has(path):
                continue
            hit = self._detector.hit(key, value)
            if hit is not None:
                seen.add(path)
                at = aside.received_at
                one = FoundField(path, hit.colour, hit.matcher, hit.how, looks_like(value), at, at)
                self._findings.note(one, aside.source)


def fields_of(event: AnyEvent) -> Iterator[tuple[str, str, Any]]:
    """Every field below the open objects of an event: its path, its key, its value; not more than are looked at."""
    waiting: list[tuple[str, Any, int]] = [(root, getattr(event, root, None), 0) for root in ROOTS]
    left = MOST_NODES
    while waiting and left:
        path, value, depth = waiting.pop()
        if isinstance(value, dict):
            for key, member in value.items():
                left -= 1
                if left < 0:
                    return
                below = f"{path}.{key}"
                yield below, key, member
                if isinstance(member, (dict, list)) and depth < DEEPEST:
                    waiting.append((below, member, depth + 1))
        elif isinstance(value, list):
            left = max(0, left - len(value))
            if depth < DEEPEST:
                waiting += [(path, one, depth + 1) for one in value if isinstance(one, (dict, list))]


def looks_like(value: Any) -> str:
    """What a value looks like, without saying it."""
    if isinstance(value, str):
        return _DIGIT.sub("9", _LETTER.sub("a", value[:40]))
    return {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}.get(
        type(value), "a number"
    )
