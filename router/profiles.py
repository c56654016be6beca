"""Puts together which source belongs to which space, and the rules of the spaces, from the whole configuration."""

from collections.abc import Mapping

from msgspec.structs import replace

from router.config.model import Config
from router.config.profile_reads import kept_traits
from router.events.source import EMBEDDED_SOURCE, Source
from router.rules.identity.space_rules import SpaceRules


def spaces_of(config: Config) -> Mapping[str, tuple[str, SpaceRules]]:
    """For each source its space, which is its workspace, and the rules; empty where there are no profiles."""
    if config.identity is None or not config.identity.enabled:
        return {}
    rules = replace(config.identity.rules(), snapshot=kept_traits(config))
    sources: Mapping[str, Source] = {
        EMBEDDED_SOURCE: Source(name=EMBEDDED_SOURCE, write_key=""), **config.sources,
    }  # fmt: skip
    return {name: (source.workspace, rules) for name, source in sources.items()}
