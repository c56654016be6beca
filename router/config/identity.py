"""The sections `[identity]` and `[identity.spaces.NAME]`: whether there are profiles, and the rules of their graphs."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from msgspec import Struct, field
from msgspec.structs import replace

from router.config.computed import AudienceConfig, ComputedTraitConfig, check_computed, computed_rules
from router.config.convert import Converter
from router.config.problems import Path, Problems, did_you_mean
from router.identity.announcing import source_of
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


class SpaceRulesConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[identity.spaces.NAME]`: rules of one workspace. What it does not say is as `[identity]` has it;
    so are limits and blocked values of types that it does not name, and computed traits and audiences."""

    enabled: bool = True
    """Whether events are resolved to profiles; false keeps what there is and changes nothing of it."""
    alias_merges: bool = True
    """Whether an alias call joins its two identities, within the limits. Otherwise it is only handed on."""
    custom_types: tuple[str, ...] = ()
    """Types of identifiers of your own that are looked for in traits and properties, e.g. ["shopify_id"]. With
    "cross_domain_id" that is also the id that analytics.js shares between domains (`context.traits.crossDomainId`)."""
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
    limits: Mapping[str, Limit] = field(default_factory=dict)
    """How many values of a type a profile may have, e.g. { anonymous_id = { count = 5, per = "weekly" } }. By default 1
    `user_id` and 1 `group_id`, and 5 of every other type."""
    blocked: Mapping[str, BlockedConfig] = field(default_factory=dict)
    """Values by type that are nobody's identifier; under "*" those for every type."""
    traits: Mapping[str, ComputedTraitConfig] = field(default_factory=dict)
    """Traits that are computed of the events of each profile, by name."""
    audiences: Mapping[str, AudienceConfig] = field(default_factory=dict)
    """Profiles of whom a condition is true, by the name of the trait that says so."""

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
            computed=computed_rules(self.traits, self.audiences),
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


class IdentityConfig(SpaceRulesConfig, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The section `[identity]`: profiles, one space for each workspace of the sources. Without it there are none."""

    snapshot: tuple[str, ...] = ()
    """Traits that are kept with each event, e.g. ["plan"], so that plugins find them in `event.profile.traits`. Those
    that filters, mappings and transformations name (`profile.traits.plan`) are kept anyway."""
    memory: Size = Size(32 * 2**20)
    """Memory for the profiles that were met last, so that their events do not ask the store."""
    spaces: Mapping[str, SpaceRulesConfig] = field(default_factory=dict)
    """Rules of their own for some workspaces, in `[identity.spaces.NAME]`; by default all have the same."""

    def of(self, space: str) -> SpaceRulesConfig:
        """The rules of a space."""
        return self.spaces.get(space, self)


_TABLES: Mapping[str, type[Struct]] = {
    "limits": Limit,
    "blocked": BlockedConfig,
    "traits": ComputedTraitConfig,
    "audiences": AudienceConfig,
}
"""Tables of sections by name, and what a section is."""


def read_identity(data: object, problems: Problems) -> IdentityConfig | None:
    """The section, or None where there is none or something of it is wrong."""
    if data is None:
        return None
    path = ("identity",)
    own, tables = _with_tables(data, path, problems)
    spaces = own.pop("spaces", {}) if isinstance(own, dict) else {}
    left_out = (*tables, "spaces")
    section: IdentityConfig | None = Converter(problems).section(
        IdentityConfig, own, path, left_out=left_out, **tables
    )
    if section is None:
        return None
    _check(section, path, problems)
    if "" in section.snapshot:
        problems.add((*path, "snapshot"), "names a trait without a name", "take the empty text out")
    if section.memory < 1 << 20:
        problems.add((*path, "memory"), "leaves no room for profiles", 'the default is "32MiB"')
    return replace(section, spaces=_read_spaces(spaces, section, (*path, "spaces"), problems))


def check_spaces(identity: IdentityConfig | None, workspaces: Iterable[str], problems: Problems) -> None:
    """Each space with rules of its own is the workspace of a source."""
    known = set(workspaces)
    for name in () if identity is None else identity.spaces:
        if name not in known:
            path = ("identity", "spaces", name)
            problems.add(path, "is the workspace of no source", did_you_mean(name, known))


def computed_sources(
    section: IdentityConfig | None, workspaces: Iterable[str], sources: Iterable[str], problems: Problems
) -> list[str]:
    """Names of the sources that events about computed traits and audiences are of; no other may have them."""
    rules = {} if section is None else {name: section.of(name) for name in workspaces}
    found = sorted(source_of(name) for name, one in rules.items() if one.traits or one.audiences)
    for name in set(found).intersection(sources):
        what = "is the name of the source that computed traits and audiences are sent from"
        problems.add(("sources", name), what, "choose another name")
    return found


def _read_spaces(
    data: object, common: IdentityConfig, path: Path, problems: Problems
) -> dict[str, SpaceRulesConfig]:
    if not isinstance(data, Mapping):
        problems.add(path, "must be sections", f"write [{'.'.join(path)}.NAME]")
        return {}
    found: dict[str, SpaceRulesConfig] = {}
    before = SpaceRulesConfig(**{name: getattr(common, name) for name in SpaceRulesConfig.__struct_fields__})
    is_good = not problems
    for name, section in data.items():
        place = (*path, str(name))
        own, tables = _with_tables(section, place, problems)
        merged = {key: {**getattr(before, key), **table} for key, table in tables.items()}
        space = Converter(problems).section(
            SpaceRulesConfig, own, place, default=before, left_out=tuple(tables), **merged
        )
        if space is None:
            continue
        found[str(name)] = space
        if is_good:  # otherwise what is wrong may be what all have in common, and is said there
            _check(space, place, problems, types=common.custom_types)
    return found


def _with_tables(data: object, path: Path, problems: Problems) -> tuple[Any, dict[str, Any]]:
    """The section without its tables by type, and those."""
    tables: dict[str, Any] = {}
    if not isinstance(data, Mapping):
        return data, tables
    for name, kind in _TABLES.items():
        if name in data:
            tables[name] = _table(kind, data[name], (*path, name), problems)
    return {key: value for key, value in data.items() if key not in tables}, tables


def _table(kind: type[Struct], data: object, path: Path, problems: Problems) -> dict[str, Struct]:
    """A table of sections, by type of identifier or by name."""
    if not isinstance(data, Mapping):
        problems.add(path, "must be a section", f"write [{'.'.join(path)}]")
        return {}
    found = {
        str(type): Converter(problems).section(kind, one, (*path, str(type))) for type, one in data.items()
    }
    return {type: one for type, one in found.items() if one is not None}


def _check(section: SpaceRulesConfig, path: Path, problems: Problems, *, types: Iterable[str] = ()) -> None:
    """Check the rules; `types` are those that are known besides."""
    known = BUILT_IN.union(section.custom_types, types)
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
    _check_filters(section.filters, (*path, "filters"), problems)
    check_computed(section.traits, section.audiences, path, problems)


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
