"""Which value of a trait holds: the newest, by the event's own time (identity 7)."""

import re
from collections.abc import Container, Mapping
from heapq import heapify, heappop, heappush

from msgspec import Raw, Struct, field

from router.rules.identity.computed.merging import merge_computed
from router.storage.profile import Trait, Traits

MOST_TRAITS = 1000
MOST_BYTES = 64 << 10
"""A profile has at most so many traits, and bytes of names and values; it takes no new ones beyond."""
MOST_CATEGORIES = 100
"""So many categories of consent a profile knows; what it does not know is not allowed."""
_NULL = b"null"
_ZONELESS = re.compile(rb'"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"')


class Taken(Struct):
    """What became of new values."""

    changed: list[str] = field(default_factory=list)
    """Names whose value is another one now."""
    newer: int = 0
    """How many were newer, though their value may be the same."""
    refused: int = 0
    """How many found no room."""
    zoneless: int = 0
    """How many were a time without a zone: nobody can say when that is, so it is not taken."""


def take_traits(
    values: dict[str, Trait], new: Mapping[str, Raw], like: Trait, computed: Container[str] = ()
) -> Taken:
    """Put new values into `values` where they are newer; all are of the time and origin of `like`.

    Those that are `computed` take no room away from the others.
    """
    taken, room = Taken(), _Room(values, computed)
    order = like.order
    at, received_at, message_id, source = like.at, like.received_at, like.message_id, like.source
    for name, raw in new.items():
        json: bytes | None = bytes(raw)
        if json[5:6] == b"-" and _ZONELESS.fullmatch(json) is not None:  # type: ignore[index, arg-type]
            taken.zoneless += 1
            continue
        if json == _NULL:
            json = None
        old = values.get(name)
        if old is not None and old.at >= at and old.order >= order:
            continue
        before = None if old is None else old.json
        trait = Trait(json, at, received_at, message_id, source)
        if before != json or old is None:
            if not room.make(name, trait):
                taken.refused += 1
                continue
            if before != json:
                taken.changed.append(name)
        taken.newer += 1
        values[name] = trait
    return taken


def merge_traits(survivor: Traits, gone: Traits) -> Traits:
    """The traits of two profiles that become one: of each the newest; categories without a word are not allowed."""
    values = dict(survivor.values)
    room = _Room(values, survivor.computed.keys() | gone.computed.keys())
    for name, trait in gone.values.items():
        old = values.get(name)
        if (old is None or old.order < trait.order) and room.make(name, trait):
            values[name] = trait
    newest, other = (survivor, gone) if survivor.consent_at >= gone.consent_at else (gone, survivor)
    consent = {name: newest.consent.get(name, False) for name in {**newest.consent, **other.consent}}
    # a table of its own, also where it is empty: the step may go on to change it, and others still hold the survivor's
    computed = merge_computed(survivor, gone, values)
    return Traits(values, _within(consent), newest.consent_at, computed)


def take_consent(traits: Traits, consent: Mapping[str, bool], at: int) -> Traits:
    """The traits with a newer consent; categories that it does not name are not allowed."""
    if at < traits.consent_at:
        return traits
    taken = {**dict.fromkeys(traits.consent, False), **consent}
    return Traits(traits.values, _within(taken), at, traits.computed)


def _within(consent: dict[str, bool]) -> dict[str, bool]:
    """At most `MOST_CATEGORIES`: those first that are allowed, then those that are new."""
    if len(consent) <= MOST_CATEGORIES:
        return consent
    named_last = dict(reversed(consent.items()))
    return dict(sorted(named_last.items(), key=lambda one: not one[1])[:MOST_CATEGORIES])


class _Room:
    """What room there is in a table of traits: counted once for many new values, and only where it is asked for."""

    def __init__(self, values: dict[str, Trait], apart: Container[str]) -> None:
        """Those `apart` take no room."""
        self._values = values
        self._apart = apart
        self._taken: int | None = None
        self._removed: list[tuple[tuple[int, int, str], str]] | None = None

    def make(self, name: str, new: Trait) -> bool:
        """Whether a value may come, which the caller puts then; the oldest removed trait gives way to a new name."""
        old = self._values.get(name)
        growth = 0 if name in self._apart else _size(name, new) - (0 if old is None else _size(name, old))
        if growth > 0:
            if self._taken is None:
                self._taken = sum([_size(*one) for one in self._values.items() if one[0] not in self._apart])
            if self._taken + growth > MOST_BYTES:
                return False
        if old is None and len(self._values) >= MOST_TRAITS and not self._forget_one():
            return False
        if self._taken is not None:
            self._taken += growth
        if new.json is None and self._removed is not None:
            heappush(self._removed, (new.order, name))
        return True

    def _forget_one(self) -> bool:
        if self._removed is None:
            self._removed = [(one.order, name) for name, one in self._values.items() if one.json is None]
            heapify(self._removed)
        while self._removed:
            order, name = heappop(self._removed)
            trait = self._values.get(name)
            if trait is None or trait.json is not None:
                continue
            if trait.order != order:  # it was removed once more
                heappush(self._removed, (trait.order, name))
                continue
            del self._values[name]
            if self._taken is not None and name not in self._apart:
                self._taken -= _size(name, trait)
            return True
        return False


def _size(name: str, trait: Trait) -> int:
    return len(name) + len(trait.json or b"")
