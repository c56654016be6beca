"""The author's guide shows a plugin that loads as it stands there."""

from pathlib import Path

import pytest

from router.config.load import load
from router.errors import ConfigError
from tests.examples.blocks import block
from tests.house.tree import ROOT

PAGE = "plugins/README.md"


def test_the_example_of_the_guide_can_be_configured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "chat.py").write_text(block(PAGE, "python", "kind ="), encoding="utf-8")
    config = tmp_path / "router.toml"
    plugins = f"[plugins]\ndirectories = ['{tmp_path / 'mine'}']\n"
    config.write_text(plugins + block(PAGE, "toml", "destinations.chat"), encoding="utf-8")
    monkeypatch.setenv("CHAT_URL", "http://127.0.0.1:1/room")

    assert load(config).destinations["chat"].kind == "chat"

    monkeypatch.delenv("CHAT_URL")
    with pytest.raises(ConfigError, match="CHAT_URL"):
        load(config)


def test_the_destination_without_code_can_be_configured(tmp_path: Path) -> None:
    (tmp_path / "shop.toml").write_text(block(PAGE, "toml", "[[mappings]]"), encoding="utf-8")
    shop = {"kind": "shop", "settings": {"token": "k"}}

    config = load({"plugins": {"directories": [str(tmp_path)]}, "destinations": {"shop": shop}})

    assert config.destinations["shop"].policies.batching.max_events == 100


def test_the_guide_is_linked_from_the_readme() -> None:
    assert f"({PAGE})" in (ROOT / "README.md").read_text(encoding="utf-8")
