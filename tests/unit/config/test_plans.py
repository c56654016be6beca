"""What a configuration says of tracking plans is checked, down to the place of a fault in a plan's file."""

import json
from pathlib import Path
from typing import Any

import pytest

from router.config.load import load
from router.errors import ConfigError
from tests.unit.plan.drafting import RIDE, rule, text


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "plan.json"


@pytest.mark.parametrize(("change", "said"), [
    ({"plan": "shpo"}, 'sources.website.plan: there is no plan "shpo"; did you mean "shop"?'),
    ({"plan": "shop", "enforcement": {"forward_blocked_to": "qualty"}},
     'enforcement.forward_blocked_to: there is no source "qualty"; did you mean "quality"?'),
    ({"plan": "shop", "enforcement": {"forward_violations_to": "website"}}, "is the source itself"),
    ({"plan": "shop", "schema": {"block_events": ["A"]}}, "stands beside a plan"),
    ({"enforcement": {"track": {"violations": "omit"}}}, "enforces nothing: the source has no plan"),
    ({"plan": "shop", "enforcement": {"track": {"violations": "omitt"}}},
     'enforcement.track.violations: cannot be "omitt"; did you mean "omit"?'),
    ({"plan": "shop", "enforcement": {"track": {"unplanned": "block"}}}, "did you mean"),
])  # fmt: skip
def test_what_a_source_says_of_its_plan_is_checked(file: Path, change: dict[str, Any], said: str) -> None:
    file.write_bytes(text(RIDE))
    sources = {"website": {"write_key": "k", **change}, "quality": {"write_key": "q"}}

    with pytest.raises(ConfigError) as refused:
        load({"plans": {"shop": {"file": str(file)}}, "sources": sources})

    assert said in str(refused.value)


def test_a_broken_plan_is_refused_with_the_place_of_the_fault(file: Path) -> None:
    file.write_text(json.dumps({"rules": [rule(properties={"km": {"type": "numbr"}})]}))

    with pytest.raises(ConfigError) as refused:
        load({"plans": {"shop": {"file": str(file)}}, "sources": {"a": {"write_key": "k"}}})

    assert (
        f'plans.shop.file: {file}:1:155: TRACK "Ride Ended" version 1 /properties/properties/properties/km'
        in str(refused.value)
    )


def test_a_plan_that_is_not_there_is_refused(file: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load({"plans": {"shop": {"file": str(file)}}, "sources": {"a": {"write_key": "k"}}})
