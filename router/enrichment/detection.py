"""Looks for personal data in events: into the first of each name, then into one in so many, and where a key is new."""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

from router.enrichment.findings import Finds
from router.enrichment.sightings import Key, Seen
from router.events.calls import AnyEvent
from router.events.found_field import FoundField
from router.rules.privacy.classified import Classified
from router.rules.privacy.controls import ROOTS
from router.rules.privacy.matchers import Detector
from router.rules.privacy.similarity import LONGEST

FIRST_LOOKS = 16
"""So many events of each name are looked at before it is only one in so many."""
MOST_NAMES = 4096
MOST_NODES = 1000
"""Fields of one event that are looked at."""
DEEPEST = 16
LONGEST_PATH = 500
"""What is longer is listed by its beginning."""
_LETTER, _DIGIT = re.compile(r"[^\W\d_]"), re.compile(r"\d")


class Detection:
    """Looks at the events of all sources with the same matchers."""

    def __init__(
        self, detector: Detector, classified: Classified, *, every: int, alerts: str | None = None
    ) -> None:
        """`alerts` is the source on which a new field is told."""
        self._detector = detector
        self._classified = classified
        self._every = every
        self.alerts = alerts
        self._began: dict[Key, int] = {}
        """How many events of a name had come when this one first looked."""

    def __call__(self, event: AnyEvent, seen: Seen, finds: Finds, *, source: str) -> list[FoundField]:
        """What is found in the event that was `seen` just now; nothing where it is not one to look at."""
        if len(self._began) >= MOST_NAMES and seen.key not in self._began:
            self._began.clear()
        since = seen.came - self._began.setdefault(seen.key, seen.came)
        if since < 0:  # so many names came that counting began anew
            self._began[seen.key], since = seen.came, 0
        if not (since < FIRST_LOOKS or since % self._every == 0 or seen.has_new_key):
            return []
        try:
            return self._found(event, finds, source, seen.last_at)
        except (msgspec.DecodeError, ValueError, RecursionError):
            return []  # what cannot be read holds nothing that could be found; the event goes on

    def _found(self, event: AnyEvent, finds: Finds, source: str, at: int) -> list[FoundField]:
        found: dict[str, FoundField] = {}
        detector = self._detector
        for path, key, value in fields_of(event):
            if finds.fields_left <= 0:
                break
            finds.fields_left -= 1
            if not detector.knows(key):
                if finds.letters_left <= 0:
                    continue
                finds.letters_left -= min(len(key), LONGEST)
            hit = detector.hit(key, value)
            if hit is None or path in found or self._classified.has(path, key):
                continue
            found[path] = FoundField(
                _text(path), hit.colour, hit.matcher, hit.how, looks_like(value), at, at, 1, {source},
                _text(key) if "." in key else "",
            )  # fmt: skip
        return list(found.values())


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
        return _text(_DIGIT.sub("9", _LETTER.sub("a", value[:40])))
    return {dict: "an object", list: "a list", bool: "true or false", type(None): "null"}.get(
        type(value), "a number"
    )


def _text(text: str) -> str:
    """Text that a store can keep: halves of characters, which JSON may hold, are none."""
    return text[:LONGEST_PATH].encode(errors="replace").decode()
