"""Sections of sources with a plugin: what they say, and what is wrong with them."""

from collections.abc import Callable
from typing import Any

import pytest

from router import Accept, Duration, Secret, Settings, SourcePlugin, hookimpl
from router.config.load import load
from router.plugins.registry import Registry

Problems = Callable[..., list[str]]


class PollSettings(Settings, frozen=True):
    """Where."""

    table: str
    """The table."""
    password: Secret = Secret("")
    """The password."""

    def __post_init__(self) -> None:
        if self.table == "users":
            raise ValueError("table: users is private")


class Poll(SourcePlugin[PollSettings]):
    """Reads a table."""

    kind = "poll"

    def __init__(self, settings: PollSettings, *, name: str) -> None:
        super().__init__(settings, name=name)
        if settings.table == "broken":
            raise LookupError("no such table")

    async def run(self, accept: Accept) -> None:
        return None


class Plugin:
    @hookimpl
    def register_sources(self) -> list[type[SourcePlugin[Any]]]:
        return [Poll]


@pytest.fixture
def registry() -> Registry:
    return Registry.load(entry_points=False).with_plugin(Plugin())


def test_a_source_with_a_kind_needs_no_write_key(registry: Registry) -> None:
    section = {"kind": "poll", "interval": "5m", "settings": {"table": "orders", "password": "env:PASSWORD"}}

    config = load({"sources": {"shop": section}}, registry=registry, environ={"PASSWORD": "c4n4ry"})

    source = config.sources["shop"]
    assert (source.write_key, source.interval, source.cls) == ("", Duration(300), Poll)
    assert source.plugin().settings == PollSettings(table="orders", password=Secret("c4n4ry"))
    assert "c4n4ry" not in repr(source)
    assert config.without_secrets(source, "user c4n4ry") == "user ***"


def test_two_sources_without_a_write_key_share_none(registry: Registry) -> None:
    section = {"kind": "poll", "settings": {"table": "orders"}}

    assert len(load({"sources": {"a": section, "b": section}}, registry=registry, environ={}).sources) == 2


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("kind = 'pol'", 'kind: no plugin offers the source kind "pol"; did you mean "poll"?'),
        ("kind = 3", "kind: expected str | null, got int; write text in quotes"),
        (
            "kind = 'poll'\nwrite_key = ''\nsettings.table = 't'",
            "write_key: is empty; choose a key that is hard to guess",
        ),
        ("kind = 'poll'", "settings.table: is missing; add it under [sources.shop.settings]"),
        (
            "kind = 'poll'\nsettings = 3",
            "settings: must be a section, not a number; write [sources.shop.settings]",
        ),
        (
            "kind = 'poll'\nsettings.tabel = 't'\nsettings.table = 't'",
            'settings.tabel: is not a known key; did you mean "table"?',
        ),
        (
            "kind = 'poll'\ntable = 't'\nsettings.table = 't'",
            'table: is not a known key; write it as "settings.table"',
        ),
        (
            "kind = 'poll'\nsetings.table = 't'\nsettings.table = 't'",
            'setings: is not a known key; did you mean "settings"?',
        ),
        (
            "kind = 'poll'\nsettings.table = 'users'",
            "settings: table: users is private; mend the values in this section",
        ),
        (
            "kind = 'poll'\ninterval = '0s'\nsettings.table = 't'",
            'interval: must be above 0; write e.g. "10s", or leave it out',
        ),
        (
            "kind = 'poll'\nsettings.table = 't'\nsettings.password = 'env:NOT_HERE'",
            "settings.password: environment variable NOT_HERE is not set; set it, or write the value itself",
        ),
        ("write_key = 'wk'\ninterval = '1s'", "interval: is for a source with a kind"),
        (
            "write_key = 'wk'\nsettings.table = 't'",
            "settings: is for a source with a kind; say which plugin it is for",
        ),
        ("enabled = true", "write_key: is missing; add it under [sources.shop]"),
    ],
)
def test_a_problem_names_file_key_and_remedy(text: str, problem: str, problems: Problems) -> None:
    [found] = problems(f"[sources.shop]\n{text}\n")

    place, _, said = found.partition(": ")
    assert place.startswith("router.toml:")
    assert said.startswith(f"sources.shop.{problem}")


def test_a_plugin_that_does_not_like_its_settings_is_said(problems: Problems) -> None:
    [found] = problems("[sources.shop]\nkind = 'poll'\nsettings.table = 'broken'\n")

    assert "sources.shop: cannot be made: the plugin cannot be loaded: LookupError: no such table" in found


def test_a_section_that_is_none_is_said(problems: Problems) -> None:
    assert problems("[sources]\nshop = 3\n") == [
        "router.toml:2: sources.shop: must be a section, not a number; write [sources.shop]"
    ]
