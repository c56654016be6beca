"""The suite finds each promise that an enricher breaks, and nothing wrong with those that keep them."""

import itertools
from collections.abc import Mapping
from typing import Any

import pytest

from router.errors import ConfigError, PluginError
from router.plugins.enricher import Enricher
from router.plugins.registry import Registry
from router.plugins.settings import Settings
from router.testing import enriched, enricher, track
from router.testing.conformance.enrichers import ENRICHER_PROMISES, broken_enricher_promises

NUMBERS = itertools.count()


class Explained(Settings, frozen=True):
    word: str
    """What is added."""


class Silent(Settings, frozen=True):
    word: str = "x"


class Good(Enricher[Explained]):
    kind = "good"
    reads = ("locale",)
    adds = ("word",)
    sample = 'word = "hello"'

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"word": self.settings.word}


class NoSample(Good):
    kind = "loads_its_sample"
    sample = ""


class SilentAboutSettings(Enricher[Silent]):
    kind = "explains_its_settings"
    reads = ("locale",)
    adds = ("word",)

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"word": self.settings.word}


class Trusting(Good):
    kind = "survives_hostile_events"

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"word": given["locale"].lower()}


class Counting(Good):
    kind = "says_the_same_twice"

    def add(self, given: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"word": next(NUMBERS)}


class Meddling(Good):
    kind = "adds_and_changes_nothing"

    def add(self, given: Any) -> Mapping[str, Any]:
        return {"word": str(given.pop("locale"))}


BAD = (NoSample, SilentAboutSettings, Trusting, Counting, Meddling)


@pytest.mark.parametrize("cls", [Good, *Registry.load().enrichments.values()], ids=lambda cls: cls.kind)
def test_a_good_enricher_keeps_every_promise(cls: type[Enricher[Any]]) -> None:
    assert broken_enricher_promises(cls) == {}


@pytest.mark.parametrize("cls", BAD, ids=lambda cls: cls.kind)
def test_a_bad_one_fails_its_check(cls: type[Enricher[Any]]) -> None:
    broken = broken_enricher_promises(cls)

    assert cls.kind in broken
    assert broken[cls.kind].startswith(f"enrichment '{cls.kind}' does not ")


def test_every_promise_has_an_enricher_that_breaks_it() -> None:
    assert [cls.kind for cls in BAD] == [one.name for one in ENRICHER_PROMISES]


def test_enriched_raises_what_a_router_would_count() -> None:
    with pytest.raises(PluginError, match="enrichment 'survives_hostile_events' AttributeError at "):
        enriched(Trusting, track("A", context={"locale": 7}))


def test_an_enricher_gets_settings_as_from_the_file() -> None:
    assert enricher(Good, word="bye").settings.word == "bye"
    with pytest.raises(ConfigError, match="did you mean"):
        enricher(Good, wort="bye")
