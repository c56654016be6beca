"""Reads `[privacy]`, its matchers, and the controls of the sources."""

import base64
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from msgspec import Struct
from msgspec.structs import replace

from router.config.convert import Converter
from router.config.model import PrivacyConfig, SourceConfig
from router.config.problems import Path, Problems, did_you_mean
from router.config.secrets import References
from router.events.source import EMBEDDED_SOURCE
from router.rules.expressions import searching
from router.rules.privacy.controls import ROOTS, is_path
from router.rules.privacy.matchers import MOST_MATCHERS, Colour, Matcher

_KEY_BYTES = 32
_COLOURS = ("red", "yellow")


class MatcherConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A section `[privacy.matchers.NAME]`: fields of your own that hold personal data."""

    colour: Colour
    """What is recommended: "red" or "yellow"."""
    on: Literal["key", "value"] = "key"
    """Whether the names of fields are looked at, the name of the section and its synonyms, or their values."""
    match: Literal["similar", "exact"] = "similar"
    """Whether names that are alike will do."""
    synonyms: tuple[str, ...] = ()
    """Other names of the same."""
    pattern: str = ""
    """For values: what to search for, in RE2's syntax, e.g. "^MB-[0-9]{6}$"."""


def read_privacy(data: object, references: References, problems: Problems) -> PrivacyConfig | None:
    """The section; None where there is none, and then nothing is looked for."""
    if data is None:
        return None
    path = ("privacy",)
    section = (
        {key: value for key, value in data.items() if key != "matchers"}
        if isinstance(data, Mapping)
        else data
    )
    config = Converter(problems, references).section(PrivacyConfig, section, path, left_out=("matchers",))
    if config is None or not isinstance(data, Mapping):
        return None
    if config.key and not _is_key(config.key.reveal()):
        problems.add(
            (*path, "key"), "is not base64 of 32 bytes", "make one, e.g. with openssl rand -base64 32"
        )
    if config.look_every < 1:
        problems.add((*path, "look_every"), "must be 1 or more", "1 looks at every event")
    colours: dict[str, str] = {}
    for colour in ("red", "yellow", "green"):
        for field in getattr(config, colour):
            other = colours.setdefault(field, colour)
            if other != colour:
                what = f'"{field}" is {other} too'
                problems.add((*path, colour), what, "give each field one colour", value=field)
    return replace(config, matchers=tuple(_matchers(data.get("matchers", {}), problems)))


def check_controls(source: SourceConfig, privacy: PrivacyConfig | None, problems: Problems) -> None:
    """Check what a source does with personal data."""
    path = ("sources", source.name, "privacy")
    for field, action in source.privacy.items():
        if field not in _COLOURS and not is_path(field):
            what = "is neither a class nor a path"
            remedy = f'write red, yellow, or a path below {", ".join(ROOTS)}: "traits.email"'
            problems.add((*path, field), what, remedy, value=field)
        if action == "hash" and not (privacy and privacy.secret):
            remedy = 'set [privacy] secret = "env:PRIVACY_SECRET"'
            problems.add((*path, field), "needs a secret", remedy, value=field)
        if action == "encrypt" and not (privacy and privacy.key):
            remedy = 'set [privacy] key = "env:PRIVACY_KEY"'
            problems.add((*path, field), "needs a key", remedy, value=field)


def check_alerts(privacy: PrivacyConfig | None, sources: Iterable[str], problems: Problems) -> None:
    """Check that the source on which alerts appear is there."""
    known = {*sources, EMBEDDED_SOURCE}
    if privacy is not None and privacy.alerts is not None and privacy.alerts not in known:
        what = f'there is no source "{privacy.alerts}"'
        problems.add(("privacy", "alerts"), what, did_you_mean(privacy.alerts, known), value=privacy.alerts)


def colours_in(data: object) -> Mapping[str, str] | None:
    """The colour of each field in a section that may be wrong in other places; None where there is none."""
    if not isinstance(data, Mapping):
        return None
    found: dict[str, str] = {}
    for colour in ("red", "yellow", "green"):
        fields = data.get(colour, [])
        if isinstance(fields, list):
            found.update({field: colour for field in fields if isinstance(field, str)})
    return found


def _matchers(sections: Any, problems: Problems) -> list[Matcher]:
    path = ("privacy", "matchers")
    if not isinstance(sections, Mapping):
        problems.add(path, "must be a table of sections", "write [privacy.matchers.NAME]")
        return []
    if len(sections) > MOST_MATCHERS:
        problems.add(path, f"are {len(sections)}; {MOST_MATCHERS} at most", "remove some, or use synonyms")
    found = [_matcher(name, section, (*path, name), problems) for name, section in sections.items()]
    return [one for one in found if one is not None]


def _matcher(name: str, section: object, path: Path, problems: Problems) -> Matcher | None:
    config = Converter(problems).section(MatcherConfig, section, path)
    if config is None:
        return None
    if (config.on == "value") != bool(config.pattern):
        problems.add((*path, "pattern"), 'goes with on = "value"', "write both, or neither")
        return None
    try:
        pattern = searching(config.pattern) if config.pattern else None
    except ValueError as error:
        what, _, remedy = str(error).partition("; ")
        problems.add((*path, "pattern"), what, remedy, value=config.pattern)
        return None
    return Matcher(name, config.colour, config.synonyms, config.match == "exact", config.on == "key", pattern)


def _is_key(text: str) -> bool:
    try:
        return len(base64.b64decode(text, validate=True)) == _KEY_BYTES
    except ValueError:
        return False
