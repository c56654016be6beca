"""`enrich` of a source and `[enrichments.KIND]`: what is wrong is said with its place and the remedy."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from router.config.changes import changes
from router.config.load import load
from router.config.model import Config
from router.plugins.enricher import Enricher
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.settings import Secret, Settings


class WeatherSettings(Settings, frozen=True):
    station: str = "north"
    key: Secret = Secret("")


class Weather(Enricher[WeatherSettings]):
    kind = "weather"
    reads = ("ip",)
    adds = ("weather",)

    def __init__(self, settings: WeatherSettings) -> None:
        super().__init__(settings)
        if settings.station == "moon":
            raise ValueError('station: "moon" has no weather; choose one on earth')
        if settings.station == "sun":
            raise KeyError("sun")

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {}


class WeatherPlugin:
    @hookimpl
    def register_enrichments(self) -> list[type[Weather]]:
        return [Weather]


@pytest.fixture
def registry() -> Registry:
    return Registry.load(entry_points=False).with_plugin(WeatherPlugin())


@pytest.fixture
def read(registry: Registry) -> Callable[..., Config]:
    def read(enrich: list[str], **enrichments: Any) -> Config:
        sections = {"sources": {"web": {"write_key": "k", "enrich": enrich}}, "enrichments": enrichments}
        return load(sections, registry=registry, environ={"KEY": "s3cret"})

    return read


def test_nothing_is_enriched_by_default(registry: Registry) -> None:
    config = load({"sources": {"web": {"write_key": "k"}}}, registry=registry)

    assert (config.sources["web"].enrich, config.enrichments) == ((), {})


def test_a_kind_without_a_section_has_its_defaults(read: Callable[..., Config]) -> None:
    assert read(["weather"]).enrichments["weather"].enricher.settings == WeatherSettings()


def test_a_section_has_the_settings_and_shows_no_secret(read: Callable[..., Config]) -> None:
    found = read(["weather"], weather={"station": "south", "key": "env:KEY"}).enrichments["weather"]

    assert found.settings == WeatherSettings(station="south", key=Secret("s3cret"))
    assert "s3cret" not in repr(found)


SOURCE = '[sources.web]\nwrite_key = "k"\nenrich = {}\n'


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            SOURCE.format('["wether"]'),
            '3:12: sources.web.enrich: no plugin offers the enrichment "wether"; did you mean "weather"?',
        ),
        (
            SOURCE.format('["weather", "weather"]'),
            "3: sources.web.enrich: names an enrichment twice; name each once",
        ),
        (
            SOURCE.format('"weather"'),
            "3: sources.web.enrich: expected array, got str; write a list in brackets",
        ),
        (
            "[enrichments.wether]\n",
            '1: enrichments.wether: no plugin offers the enrichment "wether"; did you mean "weather"?',
        ),
        (
            '[enrichments.weather]\nstaton = "x"\n',
            '2: enrichments.weather.staton: is not a known key; did you mean "station"?',
        ),
        (
            "[enrichments.weather]\nstation = 7\n",
            "2: enrichments.weather.station: expected str, got int; write text in quotes",
        ),
        (
            '[enrichments.weather]\nstation = "moon"\n',
            '1: enrichments.weather: station: "moon" has no weather; choose one on earth',
        ),
        ("enrichments = 7\n", "1: enrichments: must be a table of sections; write [enrichments.NAME]"),
        (
            "[enrichments]\nweather = 7\n",
            "2: enrichments.weather: must be a section, not a number; write [enrichments.weather]",
        ),
    ],
)
def test_what_is_wrong_is_said(problems: Callable[..., list[str]], text: str, line: str) -> None:
    assert problems(text) == [f"router.toml:{line}"]


def test_a_plugin_that_breaks_is_named_with_its_line(problems: Callable[..., list[str]]) -> None:
    [line] = problems('[enrichments.weather]\nstation = "sun"\n')

    assert line.startswith(
        "router.toml:1: enrichments.weather: the plugin cannot be loaded: KeyError: 'sun' at "
    )


def test_other_settings_are_a_change_of_the_sources_that_have_it(read: Callable[..., Config]) -> None:
    old, new = read(["weather"]), read(["weather"], weather={"station": "south"})

    assert changes(old, new).sources == ("web",)
    assert changes(old, read(["weather"])).sources == ()
