"""What the README shows of enrichments, privacy and profiles can be used as it stands there."""

import tomllib

import pytest

from router.assembly.profiles import computed_of, spaces_of
from router.config.load import load
from router.config.profile_reads import kept_traits
from tests.examples.blocks import block, blocks

ENVIRONMENT = {"WEBSITE_WRITE_KEY": "wk_website", "PRIVACY_SECRET": "s3cret"}


SHOWN = [one.text for one in blocks("README.md") if one.language == "toml" and "website" in one.text]


@pytest.mark.parametrize("text", SHOWN, ids=lambda text: text.splitlines()[0])
def test_a_piece_of_configuration_loads(text: str) -> None:
    config = load(tomllib.loads(text), environ=ENVIRONMENT)

    assert config.sources["website"].enrich or config.sources["website"].privacy


def test_a_rule_that_looks_at_profiles_loads() -> None:
    config = load(tomllib.loads(block("README.md", "toml", "[identity]")), environ=ENVIRONMENT)

    assert kept_traits(config) == {"plan"}


def test_what_is_computed_loads() -> None:
    config = load(tomllib.loads(block("README.md", "toml", "[identity.audiences")), environ=ENVIRONMENT)

    rules = computed_of(spaces_of(config))["default"]
    assert sorted(rules.by_name["users"]) == ["orders_30d", "regulars"]
