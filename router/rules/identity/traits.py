"""Which value of a trait holds: the newest, by the event's own time (identity 7)."""

import re
from collections.abc import Container, Mapping

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
    taken = Taken()
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
        if before != json or old is None:
            if not _has_room(values, name, len(json or b"") - len(before or b""), computed):
                taken.refused += 1
                continue
            if before != json:
                taken.changed.append(name)
        taken.newer += 1
        values[name] = Trait(json, at, received_at, message_id, source)
    return taken


def merge_traits(survivor: Traits, gone: Traits) -> Traits:
    """The traits of two profiles that become one: of each the newest; categories without a word are not allowed."""
    values = dict(survivor.values)
    apart = survivor.computed.keys() | gone.computed.keys()
    for name, trait in gone.values.items():
        old = values.get(name)
        is_newer = old is None or old.order < trait.order
        growth = len(trait.json or b"") - len((old.json if old else None) or b"")
        if is_newer and _has_room(values, name, growth, apart):
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


def _has_room(values: dict[str, Trait], name: str, growth: int, apart: Container[str]) -> bool:
    """Whether a value may come; the oldest removed trait makes room for a new name."""
    if name not in values:
        growth += len(name)
    if growth > 0:
        taken = sum([len(key) + len(one.json or b"") for key, one in values.items() if key not in apart])
        if taken + growth > MOST_BYTES:
            return False
    if name in values or len(values) < MOST_TRAITS:
        return True
    removed = [(trait.order, name) for name, trait in values.items() if trait.json is None]
    if removed:
        del values[min(removed)[1]]
    return bool(removed)
