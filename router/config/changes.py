"""What differs between two configurations, and what of it a running router can take over."""

from collections.abc import Iterable, Iterator

from msgspec import Struct
from msgspec.structs import replace

from router.config.model import Config, DestinationConfig, PlanConfig

_FIXED = ("host", "port")
"""Options of `[server]` that the open doors stand on."""


class Changes(Struct, frozen=True, kw_only=True):
    """Names of destinations by what happened to their sections, and whatever else changed."""

    added: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    """Including those that were renamed, under their new name."""
    unchanged: tuple[str, ...] = ()
    renamed: dict[str, str] = {}
    """The former name of each that was renamed."""
    sources: tuple[str, ...] = ()
    """Sources that were added, removed or changed, or whose plan was."""
    needs_restart: tuple[str, ...] = ()
    """Options that changed and that only a restart can apply."""


def changes(old: Config, new: Config) -> Changes:
    """Compare two configurations."""
    before, after = old.destinations, new.destinations
    renamed = {
        one.name: str(one.renamed_from)
        for one in after.values()
        if one.renamed_from in before and one.name not in before
    }
    gone = set(before) - set(after) - set(renamed.values())
    kept = {name for name in after if name in before and is_same(before[name], after[name])}
    fresh = set(after) - set(before) - set(renamed)
    return Changes(
        added=_ordered(after, fresh),
        removed=_ordered(before, gone),
        changed=_ordered(after, set(after) - kept - fresh),
        unchanged=_ordered(after, kept),
        renamed=renamed,
        sources=tuple(
            sorted(name for name in {*old.sources, *new.sources} if _source(old, name) != _source(new, name))
        ),
        needs_restart=tuple(_fixed(old, new)),
    )


def _plan_of(config: Config, source: str) -> PlanConfig | None:
    section = config.sources.get(source)
    return None if section is None or section.plan is None else config.plans.get(section.plan)


def is_same(one: DestinationConfig, other: DestinationConfig) -> bool:
    """Whether an actor that serves `one` serves `other` just as well."""
    return replace(one, renamed_from=None) == replace(other, renamed_from=None)


def without_fixed(old: Config, new: Config) -> Config:
    """The new configuration, as far as a router that runs with the old one can take it over."""
    fixed = {name: getattr(old.server, name) for name in _FIXED}
    return replace(new, server=replace(new.server, **fixed), storage=old.storage, logging=old.logging)


def _source(config: Config, name: str) -> object:
    """What is configured of a source, with its plan, the settings of its enrichments and the colours of its fields."""
    source = config.sources.get(name)
    if source is None:
        return None
    enrichments = [config.enrichments[kind].settings for kind in source.enrich]
    return source, _plan_of(config, name), enrichments, config.privacy if source.privacy else None


def _ordered(sections: Iterable[str], names: set[str]) -> tuple[str, ...]:
    return tuple(name for name in sections if name in names)


def _fixed(old: Config, new: Config) -> Iterator[str]:
    for name in _FIXED:
        if getattr(old.server, name) != getattr(new.server, name):
            yield f"[server] {name}"
    window = old.storage.dedupe_window
    if new.storage.dedupe_window > window:
        yield "a dedupe_window longer than every former one"
    if replace(new.storage, dedupe_window=window) != old.storage:
        yield "[storage]"
    if new.logging != old.logging:
        yield "[logging]"
