"""The sections `[spaces.NAME]`: who may ask for the profiles of a workspace."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from router.api.profiles.space import Space
from router.config.convert import Converter
from router.config.problems import Problems, did_you_mean
from router.config.secrets import References
from router.plugins.settings import Secret

_TOKEN = re.compile(r"[!-9;-~]+")
"""What fits into the user name of a Basic header: no blanks and no colon."""


class SpaceConfig(Space, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[spaces.NAME]`: the door to the profiles of one workspace."""

    name: str
    """The word after `spaces.`: the workspace of the sources whose events make the profiles; not a key of its own."""
    tokens: tuple[Secret, ...] = ()
    """What the Profile API takes as the user name of a request, e.g. ["env:PROFILES_TOKEN"]. Any of them is good, so
    that one can be changed without a gap. By default none is, and the API is closed."""
    delete_identifiers: bool = False
    """Whether the Profile API may take an identifier from a profile. By default it answers 403."""
    list_profiles: bool = False
    """Whether the Profile API lists all profiles, at `collections/users/profiles`; Segment's does not. By default
    there is nothing at that path."""


def read_spaces(
    data: Mapping[str, Any], workspaces: Iterable[str], references: References, problems: Problems
) -> dict[str, SpaceConfig]:
    """The sections `[spaces.NAME]`; each names a workspace that a source has."""
    known = set(workspaces)
    found: dict[str, SpaceConfig] = {}
    for name, section in data.items():
        path = ("spaces", name)
        if name not in known:
            problems.add(path, "is the workspace of no source", did_you_mean(name, known))
        space = Converter(problems, references).section(
            SpaceConfig, section, path, left_out=("name",), name=name
        )
        if space is None:
            continue
        found[name] = space
        for token in space.tokens:
            if not token:
                problems.add((*path, "tokens"), "has an empty one", "choose one that is hard to guess")
            elif not _TOKEN.fullmatch(token.reveal()):
                remedy = "use letters, digits and signs other than spaces and :"
                problems.add((*path, "tokens"), "has characters that clients cannot send", remedy)
    return found
