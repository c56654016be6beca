"""Puts together which source belongs to which space, and the rules of the spaces, from the whole configuration."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from router.config.model import Config
from router.events.source import EMBEDDED_SOURCE, Source
from router.identity.editing import Editor
from router.identity.edits import Edit, Edited
from router.identity.resolver import Resolver
from router.rules.identity.space_rules import SpaceRules
from router.telemetry.happenings import ProfileEdited

if TYPE_CHECKING:
    from router.app import Router


def spaces_of(config: Config) -> Mapping[str, tuple[str, SpaceRules]]:
    """For each source its space, which is its workspace, and the rules; empty where there are no profiles."""
    if config.identity is None or not config.identity.enabled:
        return {}
    rules = config.identity.rules()
    sources: Mapping[str, Source] = {
        EMBEDDED_SOURCE: Source(name=EMBEDDED_SOURCE, write_key=""), **config.sources,
    }  # fmt: skip
    return {name: (source.workspace, rules) for name, source in sources.items()}


async def edit_profile(router: "Router", edit: Edit, *, by: str) -> Edited:
    """Change the graph of a running router by hand, and tell of it. Raises EditRefused or StorageError."""
    config, storage = router.config.identity, router.storage
    done: list[Edited] = []

    async def act(resolver: Resolver) -> None:
        editor = Editor(
            resolver,
            storage.profiles,
            storage.store_id,
            rules=lambda space: config.rules() if config is not None else SpaceRules(),
            now=router.clock.now(),
        )
        done.append(await editor.carry_out(edit))

    await router.identity.change(act)
    [told] = done
    router.signals.emit(
        ProfileEdited(
            str(type(edit).__struct_config__.tag),
            told.space,
            by,
            told.profile,
            told.made or told.gone,
            told.identifiers,
            told.types,
        )
    )
    return told
