"""Puts together which source belongs to which space, and the rules of the spaces, from the whole configuration."""

import asyncio
from collections.abc import Mapping

from msgspec.structs import replace

from router.config.model import Config
from router.config.profile_reads import kept_traits
from router.events.source import EMBEDDED_SOURCE, Source
from router.rules.identity.computed.rules import ComputedRules
from router.rules.identity.space_rules import SpaceRules

Spaces = Mapping[str, tuple[str, SpaceRules]]


def spaces_of(config: Config) -> Spaces:
    """For each source its space, which is its workspace, and the rules of that; none where there are no profiles."""
    identity = config.identity
    if identity is None:
        return {}
    sources: Mapping[str, Source] = {
        EMBEDDED_SOURCE: Source(name=EMBEDDED_SOURCE, write_key=""), **config.sources,
    }  # fmt: skip
    kept = kept_traits(config)
    rules = {
        name: replace(identity.of(name).rules(), snapshot=kept)
        for name in {source.workspace for source in sources.values()}
        if identity.of(name).enabled
    }
    return {
        name: (source.workspace, rules[source.workspace])
        for name, source in sources.items()
        if source.workspace in rules
    }


class ComputedToday:
    """What is computed of profiles under the configuration of today."""

    def __init__(self) -> None:
        self.rules: Mapping[str, ComputedRules] = {}
        """By the name of the space."""
        self.is_any = asyncio.Event()
        """Set while anything is computed."""

    def follow(self, spaces: Mapping[str, tuple[str, SpaceRules]]) -> None:
        """Go by the rules of these spaces."""
        self.rules = computed_of(spaces)
        if self.rules:
            self.is_any.set()
        else:
            self.is_any.clear()


def computed_of(spaces: Spaces) -> Mapping[str, ComputedRules]:
    """What is computed of profiles, by the name of the space; only spaces where anything is."""
    return {name: rules.computed for name, rules in spaces.values() if rules.computed}


def with_traits_for(config: Config, spaces: Spaces) -> Spaces:
    """`spaces` with the traits that the rules of `config` name kept besides: before those rules look at them."""
    kept = kept_traits(config)
    if all(kept <= rules.snapshot for _, rules in spaces.values()):
        return spaces
    return {
        source: (space, replace(rules, snapshot=rules.snapshot | kept))
        for source, (space, rules) in spaces.items()
    }
