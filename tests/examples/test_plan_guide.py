"""The configuration in the page about tracking plans is taken as it stands there."""

from pathlib import Path

import pytest

from router.config.load import load
from tests.examples.blocks import block
from tests.unit.plan.drafting import RIDE, text

PAGE = "router/rules/plan/README.md"


def test_the_sample_of_the_page_is_a_configuration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "plans").mkdir()
    (tmp_path / "plans" / "shop.json").write_bytes(text(RIDE))
    (tmp_path / "router.toml").write_text(block(PAGE, "toml", "plans.shop"), encoding="utf-8")
    keys = {"WEBSITE_WRITE_KEY": "wk_1", "QUALITY_WRITE_KEY": "wk_2"}

    config = load("router.toml", environ=keys)

    assert config.sources["website"].plan == "shop"
    assert config.sources["website"].enforcement.forward_violations_to == "quality"
