"""The sections `[identity.traits.NAME]` and `[identity.audiences.NAME]`: what is computed of each profile."""

import re
from collections.abc import Container, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Literal

from msgspec import Struct

from router.config.problems import Path, Problems, did_you_mean
from router.plugins.settings import Duration
from router.rules.fql.filter import Filter, compile_filter
from router.rules.fql.refused import ExpressionRefused
from router.rules.identity.computed.audience import Audience
from router.rules.identity.computed.kinds import KINDS
from router.rules.identity.computed.rules import ComputedRules
from router.rules.identity.computed.trait import ComputedTrait
from router.storage.profile import Collection

KindName = Literal[
    "count", "sum", "average", "min", "max", "most_frequent", "first", "last", "unique", "unique_count"
]
Form = Literal["identify", "track"]
MOST_RULES = 100
SHORTEST_WINDOW, LONGEST_WINDOW = 60, 3660 * 86_400
RESERVED: Mapping[Collection, frozenset[str]] = {
    "users": frozenset(
        {
            "address", "age", "avatar", "birthday", "company", "created_at", "description", "email", "first_name",
            "gender", "id", "last_name", "name", "phone", "title", "username", "website",
        }
    ),
    "accounts": frozenset(
        {
            "address", "avatar", "created_at", "description", "email", "employees", "id", "industry", "name", "phone",
            "plan", "website",
        }
    ),
}  # fmt: skip
"""Traits that Segment's spec gives a meaning (identity 6, 7); what is computed needs a name of its own."""
_NAME = re.compile(r"[a-z][a-z0-9_]{0,99}")
_LIKE = 0.8
"""How alike two names must be for one to be taken for a slip of the other."""


class ComputedTraitConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[identity.traits.NAME]`: a trait that the router works out from the events of each profile."""

    kind: KindName
    """What of the events: "count", or of a property its "sum", "average", "min", "max", "most_frequent" (seen twice
    at least; of several the first in the alphabet), "first", "last", "unique" (all values) or "unique_count"."""
    event: str | None = None
    """Name of the track calls that count; by default every call that `where` matches."""
    where: str | None = None
    """FQL: only events for which it is true count, e.g. 'properties.total > 100'; `event`, this or both are there."""
    property: str | None = None
    """Which property is read, e.g. "total" or "cart.total"; every kind but "count" needs it."""
    window: Duration | None = None
    """Only events of this time count, e.g. "30d", by their own `timestamp`; by default all count for ever. An event may
    count for a 48th of the window too long."""
    collection: Collection = "users"
    """Whose trait: "users", or "accounts", for events with a groupId."""
    send: tuple[Form, ...] = ("identify",)
    """How destinations are told of a new value: by an "identify" call (of an account a group call), by a "track" call
    "Trait Computed", or, with [], not at all."""


class AudienceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[identity.audiences.NAME]`: profiles of whom a condition is true."""

    condition: str
    """FQL over the traits of the profile, e.g. 'traits.order_count >= 3 and traits.plan = "gold"'. Computed traits and
    other audiences are traits too. It is looked at when one of these traits changes."""
    collection: Collection = "users"
    """Of whom: "users" or "accounts"."""
    send: tuple[Form, ...] = ("track", "identify")
    """How destinations are told: by "track" calls "Audience Entered" and "Audience Exited", by "identify" calls (of an
    account group calls) with the trait true or false; by default by both, with [] not at all."""
    custom_traits: tuple[str, ...] = ()
    """Traits of your own in the condition that are named nearly like a computed one, and are no slip."""


def computed_rules(
    traits: Mapping[str, ComputedTraitConfig], audiences: Mapping[str, AudienceConfig]
) -> ComputedRules:
    """The rules of sections that were checked."""
    found = [
        ComputedTrait(
            name,
            one.kind,
            event=one.event or "",
            where=compile_filter(one.where) if one.where is not None else None,
            property=one.property or "",
            window=int((one.window or 0) * 1000),
            collection=one.collection,
            send=one.send,
        )
        for name, one in traits.items()
    ]
    judged = {
        name: Audience(name, compile_filter(one.condition), collection=one.collection, send=one.send)
        for name, one in audiences.items()
    }
    order: dict[str, None] = {}
    for name in judged:
        order.update(dict.fromkeys(_behind(name, judged)))
    return ComputedRules(found, [judged[name] for name in order])


def check_computed(
    traits: Mapping[str, ComputedTraitConfig],
    audiences: Mapping[str, AudienceConfig],
    path: Path,
    problems: Problems,
) -> None:
    """Note everything that is wrong with the sections of `path`."""
    collections: dict[str, Collection] = {name: one.collection for name, one in traits.items()}
    collections.update((name, one.collection) for name, one in audiences.items())
    for place in (*(("traits", name) for name in traits), *(("audiences", name) for name in audiences)):
        _check_name((*path, *place), collections[place[-1]], problems)
    for name in traits.keys() & audiences.keys():
        where = (*path, "audiences", name)
        problems.add(where, "is a computed trait too", "give each a name of its own")
    if len(collections) > MOST_RULES:
        what = f"has {len(collections)} computed traits and audiences"
        problems.add(path, what, f"{MOST_RULES} at most")
    for name, trait in traits.items():
        _check_trait(trait, (*path, "traits", name), problems)
    judged = {}
    for name, one in audiences.items():
        audience = _checked_audience(one, (*path, "audiences", name), collections, problems)
        if audience is not None:
            judged[name] = audience
    for name in judged:
        if name in _named(name, judged):
            what = "depends on itself" if name in judged[name].traits else "depends on itself through others"
            where = (*path, "audiences", name, "condition")
            problems.add(where, what, "take it out of one of the conditions")


def _check_name(path: Path, collection: Collection, problems: Problems) -> None:
    name = path[-1]
    if not _NAME.fullmatch(name):
        remedy = "use lower-case letters, digits and underscores, beginning with a letter"
        problems.add(path, f'"{name}" cannot be the name of a computed trait', remedy)
    elif name in RESERVED[collection]:
        what = f'"{name}" is a trait that sources send, by Segment\'s spec'
        problems.add(path, what, "choose another name")


def _check_trait(trait: ComputedTraitConfig, path: Path, problems: Problems) -> None:
    if not trait.event and trait.where is None:
        remedy = 'say which events count, e.g. event = "Order Completed", or where = \'type = "page"\''
        problems.add((*path, "event"), "is missing, and so is where", remedy)
    if trait.where is not None:
        _compiled(trait.where, (*path, "where"), problems)
    if KINDS[trait.kind].needs_property and not trait.property:
        remedy = 'name the property that it reads, e.g. property = "total"'
        problems.add((*path, "property"), f'is missing: "{trait.kind}" needs one', remedy)
    elif trait.property and not KINDS[trait.kind].needs_property:
        remedy = 'remove it, or write "unique_count" or where = …'
        problems.add((*path, "property"), f'means nothing to "{trait.kind}"', remedy)
    elif trait.property:
        try:
            ComputedTrait("", trait.kind, property=trait.property)
        except ExpressionRefused as error:
            what, _, remedy = str(error).partition("; ")
            remedy = remedy or "write e.g. total or cart.total"
            problems.add((*path, "property"), what, remedy, value=trait.property, at=error.place)
    if trait.window is not None and not SHORTEST_WINDOW <= trait.window <= LONGEST_WINDOW:
        problems.add((*path, "window"), "must be from a minute to ten years", 'write e.g. "30d"')
    _check_forms(trait.send, path, problems)


def _check_forms(send: Sequence[Form], path: Path, problems: Problems) -> None:
    if len(set(send)) < len(send):
        problems.add((*path, "send"), "names a form twice", "name each once")


def _checked_audience(
    section: AudienceConfig, path: Path, collections: Mapping[str, Collection], problems: Problems
) -> Audience | None:
    where = (*path, "condition")
    _check_forms(section.send, path, problems)
    condition = _compiled(section.condition, where, problems)
    if condition is None:
        return None
    try:
        audience = Audience(path[-1], condition, collection=section.collection)
    except ExpressionRefused as error:
        what, _, remedy = str(error).partition("; ")
        problems.add(where, what, remedy, value=section.condition, at=error.place)
        return None
    for trait, place in audience.traits.items():
        found = _problem_of(trait, section, collections)
        if found is not None:
            said = ExpressionRefused(found[0], text=section.condition, at=place)
            problems.add(where, str(said), found[1], value=section.condition, at=said.place)
    return audience


def _problem_of(
    trait: str, section: AudienceConfig, collections: Mapping[str, Collection]
) -> tuple[str, str] | None:
    """What is wrong, and the remedy. A trait that is not computed is one of a source's, unless it looks like a slip."""
    if trait in section.custom_traits:
        return None
    if trait in collections:
        if collections[trait] == section.collection:
            return None
        what = f"{trait} is computed of {collections[trait]}, not of {section.collection}"
        return what, f'write collection = "{collections[trait]}", or name another trait'
    own = [name for name, collection in collections.items() if collection == section.collection]
    if not get_close_matches(trait, own, n=1, cutoff=_LIKE):
        return None
    remedy = f'{did_you_mean(trait, own)} If sources send it, write custom_traits = ["{trait}"]'
    return f'there is no computed trait "{trait}"', remedy


def _compiled(text: str, path: Path, problems: Problems) -> Filter | None:
    try:
        return compile_filter(text)
    except ExpressionRefused as error:
        what, _, remedy = str(error).partition("; ")
        problems.add(path, f"is not FQL: {what}", remedy or "mend it", value=text, at=error.place)
        return None


def _named(name: str, audiences: Mapping[str, Audience]) -> Container[str]:
    """All audiences that one depends on, itself included where it goes round in a circle."""
    found: dict[str, None] = {}
    waiting = list(audiences[name].traits)
    while waiting:
        one = waiting.pop()
        if one in audiences and one not in found:
            found[one] = None
            waiting += audiences[one].traits
    return found


def _behind(name: str, audiences: Mapping[str, Audience]) -> Iterator[str]:
    """An audience behind all that it depends on; there is no circle."""
    for one in audiences[name].traits:
        if one in audiences:
            yield from _behind(one, audiences)
    yield name
