"""The sections `[spaces.NAME]`: a workspace, its tokens, and what they may do."""

from collections.abc import Callable, Mapping
from typing import Any

import pytest

from router.config.load import load
from router.config.model import Config
from router.plugins.registry import Registry

Problems = Callable[..., list[str]]
SOURCE = "[identity]\n[sources.web]\nwrite_key = 'a'\nworkspace = 'shop'\n"


def config_with(registry: Registry, spaces: Mapping[str, Any]) -> Config:
    data = {"sources": {"web": {"write_key": "a", "workspace": "shop"}}, "spaces": spaces, "identity": {}}
    return load(data, registry=registry, environ={"OLD": "c4n4ry-1", "NEW": "c4n4ry-2"})


def test_several_tokens_are_good_at_once(registry: Registry) -> None:
    config = config_with(registry, {"shop": {"tokens": ["env:OLD", "env:NEW"]}})

    assert [one.reveal() for one in config.spaces["shop"].tokens] == ["c4n4ry-1", "c4n4ry-2"]


def test_a_token_is_in_no_repr(registry: Registry) -> None:
    config = config_with(registry, {"shop": {"tokens": ["env:OLD"]}})

    assert "c4n4ry" not in repr(config)


def test_a_space_has_no_token_and_deletes_nothing_by_default(registry: Registry) -> None:
    space = config_with(registry, {"shop": {}}).spaces["shop"]

    assert (space.tokens, space.delete_identifiers) == ((), False)


def test_the_default_workspace_is_always_there(registry: Registry) -> None:
    assert "default" in config_with(registry, {"default": {"tokens": ["env:OLD"]}}).spaces


def test_a_space_without_a_source_is_answered_with_the_nearest_workspace(problems: Problems) -> None:
    assert problems(SOURCE + "[spaces.shopp]\n") == [
        'router.toml:5: spaces.shopp: is the workspace of no source; did you mean "shop"?'
    ]


def test_spaces_without_profiles_are_refused(problems: Problems) -> None:
    assert problems("[spaces.default]\n") == [
        "router.toml:1: spaces: have no profiles: there is no section [identity]; add [identity]"
    ]


@pytest.mark.parametrize(
    ("tokens", "what"),
    [
        ("['']", "has an empty one; choose one that is hard to guess"),
        ("['a b']", "has characters that clients cannot send; use letters, digits and signs other than spaces and :"),
        ("['a:b']", "has characters that clients cannot send; use letters, digits and signs other than spaces and :"),
        ("'abc'", "expected array, got str; write a list in brackets"),
        ("[7]", "[0] expected text; write a list in brackets"),
    ],
)  # fmt: skip
def test_a_token_that_no_client_could_send_is_refused(problems: Problems, tokens: str, what: str) -> None:
    found = problems(SOURCE + f"[spaces.shop]\ntokens = {tokens}\n")

    assert found == [f"router.toml:6: spaces.shop.tokens: {what}"]


def test_an_unset_variable_is_named(problems: Problems) -> None:
    found = problems(SOURCE + "[spaces.shop]\ntokens = ['env:NOT_THERE']\n")

    assert len(found) == 1
    assert "environment variable NOT_THERE is not set" in found[0]
