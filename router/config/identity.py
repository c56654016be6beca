"""The section `[identity]`: whether there are profiles, and the rules of the identity graph."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field

from router.config.convert import Converter
from router.config.problems import Path, Problems, did_you_mean
from router.plugins.settings import Size
from router.rules.fql.filter import Filter, compile_filter
from router.rules.fql.refused import ExpressionRefused
from router.rules.identity.blocked import EVERY, SUGGESTED_VALUES, Blocked
from router.rules.identity.extraction import BUILT_IN
from router.rules.identity.limit import Limit
from router.rules.identity.space_rules import DEFAULT_LIMITS, DEFAULT_PRIORITIES, SpaceRules

MOST_FILTERS = 10
_TYPE = re.compile(r"[a-z][a-z0-9_.]{0,99}")


class BlockedConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A table under `[identity.blocked]`: values of one type that are nobody's identifier."""

    values: tuple[str, ...] = ()
    """Exact values, compared without regard to case, e.g. ["void", "test"]."""
    patterns: tuple[str, ...] = ()
    """Regular expressions (RE2) that are looked for in the value, e.g. ["^tmp-"]."""


class IdentityConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[identity]`: profiles, one space for each workspace of the sources. Without it there are none."""

    enabled: bool = True
    """Whether events are resolved to profiles; false keeps what there is and changes nothing of it."""
    alias_merges: bool = True
    """Whether an alias call joins its two identities, within the limits. Otherwise it is only handed on."""
    custom_types: tuple[str, ...] = ()
    """Types of identifiers of your own that are looked for in traits and properties, e.g. ["shopify_id"]."""
    priorities: tuple[str, ...] = DEFAULT_PRIORITIES
    """Types, the strongest first. The weakest of an event gives way when a limit is broken; others are alphabetical."""
    email_from_properties: bool = False
    """Whether `properties.email` is an identifier too; by default only `traits.email` is."""
    context_traits_to_profile: bool = False
    """Whether `context.traits` of any call become traits of the profile; by default only those of identify calls do."""
    suggested_blocks: bool = True
    """Whether zeroes and dashes, "-1", "null" and "anonymous" are blocked for every type; by default they are."""
    filters: tuple[str, ...] = ()
    """Up to 10 conditions in FQL: an event that matches one stays out of the profiles; destinations get it as ever."""
    snapshot: tuple[str, ...] = ()
    """Traits that are kept with each event, e.g. ["plan"], so that plugins find them in `event.profile.traits`. Those
    that filters, mappings and transformations name (`profile.traits.plan`) are kept anyway."""
    memory: Size = Size(32 * 2**20)
    """Memory for the profiles that were met last, so that their events do not ask the store."""
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """How many values of a type a profile may have, e.g. { anonymous_id = { count = 5, per = "weekly" } }. By default 1
    `user_id` and 1 `group_id`, and 5 of every other type."""
    blocked: Mapping[str, BlockedConfig] = field(default_factory=dict)
    """Values by type that are nobody's identifier; under "*" those for every type."""

    def rules(self) -> SpaceRules:
        """The rules as the graph goes by them."""
        return SpaceRules(
            limits={**DEFAULT_LIMITS, **self.limits},
            priorities=self.priorities,
            custom_types=self.custom_types,
            blocked=self._blocked(),
            filters=tuple(compile_filter(one) for one in self.filters),
            alias_merges=self.alias_merges,
            email_from_properties=self.email_from_properties,
            context_traits=self.context_traits_to_profile,
        )

    def _blocked(self) -> Mapping[str, Blocked]:
        own = {EVERY: BlockedConfig(), **self.blocked}
        if not self.suggested_blocks:
            return {type: Blocked(one.values, one.patterns) for type, one in own.items()}
        every = own.pop(EVERY)
        return {
            EVERY: Blocked((*SUGGESTED_VALUES, *every.values), every.patterns, zeroes=True),
            **{type: Blocked(one.values, one.patterns) for type, one in own.items()},
        }


def read_identity(data: object, problems: Problems) -> IdentityConfig | None:
    """The section, or None where there is none or something of it is wrong."""
    if data is None:
        return None
    path = ("identity",)
    tables: dict[str, Any] = {}
    if isinstance(data, Mapping):
        for name, kind in (("limits", Limit), ("blocked", BlockedConfig)):
            if name in data:
                tables[name] = _table(kind, data[name], (*path, name), problems)
        data = {key: value for key, value in data.items() if key not in tables}
    section = Converter(problems).section(IdentityConfig, data, path, left_out=tuple(tables), **tables)
    if section is not None:
        _check(section, path, problems)
    return section


def _table(kind: type[Struct], data: object, path: Path, problems: Problems) -> dict[str, Struct]:
    """A table of sections by type of identifier."""
    if not isinstance(data, Mapping):
        problems.add(path, "must be a section", f"write [{'.'.join(path)}]")
        return {}
    found = {
        str(type): Converter(problems).section(kind, one, (*path, str(type))) for type, one in data.items()
    }
    return {type: one for type, one in found.items() if one is not None}


def _check(section: IdentityConfig, path: Path, problems: Problems) -> None:
    known = BUILT_IN.union(section.custom_types)
    for type in section.custom_types:
        if not _TYPE.fullmatch(type):
            remedy = "use lower-case letters, digits, underscores and dots, beginning with a letter"
            problems.add((*path, "custom_types"), f'"{type}" is not a type of identifiers', remedy)
        elif type in BUILT_IN:
            problems.add((*path, "custom_types"), f'"{type}" is a type already', "remove it from the list")
    _check_types(section.priorities, known, (*path, "priorities"), problems)
    if len(set(section.priorities)) < len(section.priorities):
        problems.add((*path, "priorities"), "names a type twice", "give each type one place")
    _check_types(section.blocked, known | {EVERY}, (*path, "blocked"), problems)
    for type, limit in section.limits.items():
        _check_types([type], known, (*path, "limits"), problems)
        if limit.count < 1:
            remedy = 'write 1 or more; blocked = { patterns = ["."] } leaves a type out'
            problems.add((*path, "limits", type, "count"), "must be 1 or more", remedy)
    for type, blocked in section.blocked.items():
        for pattern in blocked.patterns:
            try:
                Blocked(patterns=[pattern])
            except ValueError as error:
                what = f'"{pattern}" {error}'
                problems.add((*path, "blocked", type, "patterns"), what, "mend the pattern")
    if "" in section.snapshot:
        problems.add((*path, "snapshot"), "names a trait without a name", "take the empty text out")
    _check_filters(section.filters, (*path, "filters"), problems)
    if section.memory < 1 << 20:
        problems.add((*path, "memory"), "leaves no room for profiles", 'the default is "32MiB"')


def _check_types(types: Iterable[str], known: Iterable[str], path: Path, problems: Problems) -> None:
    """A type that nobody declared is mostly a slip; one that only `context.externalIds` bring is declared too."""
    for type in types:
        if type not in known:
            remedy = f"{did_you_mean(type, known)} A type of your own stands in custom_types"
            problems.add(path, f'there is no type "{type}"', remedy)


def _check_filters(filters: Iterable[str], path: Path, problems: Problems) -> list[Filter]:
    found: list[Filter] = []
    for text in filters:
        try:
            found.append(compile_filter(text))
        except ExpressionRefused as error:
            what, _, remedy = str(error).partition("; ")
            said = f'"{text}" is not FQL: {what}'
            problems.add(path, said, remedy or "mend the filter", value=text, at=error.place)
    if len(found) > MOST_FILTERS:
        problems.add(path, f"has {len(found)} filters", f"{MOST_FILTERS} at most; join some with `or`")
    return found
