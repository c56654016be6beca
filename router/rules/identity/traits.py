"""Which value of a trait holds: the newest, by the event's own time (identity 7)."""

import re
from collections.abc import Mapping

from msgspec import Raw, Struct, field

from router.storage.profile import Trait, Traits

MOST_TRAITS = 1000
MOST_BYTES = 256 << 10
"""A profile has at most so many traits, and bytes of values; it takes no new ones beyond."""
_NULL = b"null"
_ZONELESS = re.compile(rb'"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d+)?)?"')


def stamped(json: Raw, like: Trait) -> Trait:
    """The value with the time and origin of `like`."""
    raw = bytes(json)
    return Trait(None if raw == _NULL else raw, like.at, like.received_at, like.message_id, like.source)


def is_zoneless(json: Raw) -> bool:
    """Whether a value is a time without a zone: nobody can say when that is, so it is not taken."""
    return len(json) <= 40 and _ZONELESS.fullmatch(json) is not None


class Taken(Struct):
    """What became of new values."""

    changed: list[str] = field(default_factory=list)
    """Names whose value is another one now."""
    newer: int = 0
    """How many were newer, though their value may be the same."""
    refused: int = 0
    """How many found no room."""


def take_traits(values: dict[str, Trait], new: Mapping[str, Trait]) -> Taken:
    """Put those of `new` that are newer into `values`."""
    taken = Taken()
    size = sum([len(one.json or b"") for one in values.values()])
    for name, trait in new.items():
        old = values.get(name)
        if old is not None and old.order >= trait.order:
            continue
        before = old.json if old is not None else None
        growth = len(trait.json or b"") - len(before or b"")
        if (growth > 0 and size + growth > MOST_BYTES) or (old is None and not _has_room(values)):
            taken.refused += 1
            continue
        size += growth
        values[name] = trait
        taken.newer += 1
        if before != trait.json:
            taken.changed.append(name)
    return taken


def merge_traits(survivor: Traits, gone: Traits) -> Traits:
    """The traits of two profiles that become one: of each the newest; categories without a word are not allowed."""
    values = dict(survivor.values)
    take_traits(values, gone.values)
    newest, other = (survivor, gone) if survivor.consent_at >= gone.consent_at else (gone, survivor)
    consent = {name: newest.consent.get(name, False) for name in {**newest.consent, **other.consent}}
    return Traits(values, consent, newest.consent_at)


def take_consent(traits: Traits, consent: Mapping[str, bool], at: int) -> Traits:
    """The traits with a newer consent; categories that it does not name are not allowed."""
    if at < traits.consent_at:
        return traits
    taken = {**dict.fromkeys(traits.consent, False), **consent}
    return Traits(traits.values, taken, at)


def _has_room(values: dict[str, Trait]) -> bool:
    """Whether another name may come; the oldest removed one makes room for it."""
    if len(values) < MOST_TRAITS:
        return True
    removed = [(trait.order, name) for name, trait in values.items() if trait.json is None]
    if removed:
        del values[min(removed)[1]]
    return bool(removed)
