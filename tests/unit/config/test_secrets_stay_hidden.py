"""Secrets are references, and what they stand for is in no error, no repr and no log."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from router.config.load import load
from router.config.model import Config
from router.errors import ConfigError
from router.plugins.auth import BearerAuth
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.settings import Secret

CANARY = "c4n4ry-value"
Problems = Callable[..., list[str]]


def config_with(registry: Registry, settings: Mapping[str, Any], key: str = "env:KEY") -> Config:
    data = {
        "storage": {"kind": "memory"},
        "sources": {"web": {"write_key": key}},
        "destinations": {"crm": {"kind": "hook", "settings": settings}},
    }
    return load(data, registry=registry, environ={"KEY": "wk-" + CANARY, "VALUE": CANARY})


def test_a_reference_to_a_variable_becomes_its_value(registry: Registry) -> None:
    config = config_with(registry, {"url": "u", "secret": "env:VALUE"})

    assert config.sources["web"].write_key == "wk-" + CANARY
    assert config.destinations["crm"].settings.secret.reveal() == CANARY  # type: ignore[attr-defined]


def test_a_reference_to_a_file_becomes_its_text_without_the_last_line_end(
    registry: Registry, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_text(CANARY + "\n")

    config = config_with(registry, {"url": f"file:{tmp_path}/secret"})

    assert config.destinations["crm"].settings.url == CANARY  # type: ignore[attr-defined]


def test_a_reference_deep_in_a_setting_is_resolved(registry: Registry) -> None:
    config = config_with(registry, {"url": "u", "headers": {"X-Token": "env:VALUE"}})

    assert config.destinations["crm"].settings.headers == {"X-Token": CANARY}  # type: ignore[attr-defined]


def test_the_places_of_references_are_remembered(registry: Registry) -> None:
    config = config_with(registry, {"url": "env:VALUE"})

    assert config.references == {
        "sources.web.write_key": "env:KEY",
        "destinations.crm.settings.url": "env:VALUE",
    }


def test_a_plugin_may_resolve_references_of_its_own_form(registry: Registry) -> None:
    class Vault:
        @hookimpl
        def resolve_secret(self, reference: str) -> str | None:
            return CANARY if reference == "vault:crm" else None

    config = config_with(registry.with_plugin(Vault()), {"url": "vault:crm"})

    assert config.destinations["crm"].settings.url == CANARY  # type: ignore[attr-defined]


def test_a_url_of_a_file_is_no_reference(registry: Registry) -> None:
    config = config_with(registry, {"url": "file:///tmp/x"})

    assert config.destinations["crm"].settings.url == "file:///tmp/x"  # type: ignore[attr-defined]


def test_a_missing_variable_is_named(problems: Problems) -> None:
    [problem] = problems("[sources.a]\nwrite_key = 'env:NOT_HERE'\n")

    assert problem == (
        "router.toml:2: sources.a.write_key: environment variable NOT_HERE is not set; "
        "set it, or write the value itself"
    )


def test_every_missing_variable_is_named(problems: Problems) -> None:
    found = problems(
        "[destinations.a]\nkind = 'hook'\nsettings.url = 'env:ONE'\n"
        "settings.headers = { a = 'env:TWO', b = 'env:THREE' }\n"
    )

    assert [line.split("variable ")[1].split()[0] for line in found] == ["ONE", "TWO", "THREE"]


def test_a_missing_file_is_named(problems: Problems) -> None:
    [problem] = problems("[sources.a]\nwrite_key = 'file:/nowhere/key'\n")

    assert "file /nowhere/key cannot be read (No such file or directory)" in problem


def test_a_file_of_bytes_is_not_shown(problems: Problems, tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"\xff" + CANARY.encode())

    [problem] = problems(f"[sources.a]\nwrite_key = 'file:{tmp_path}/key'\n")

    assert "it is not UTF-8 text" in problem
    assert CANARY not in problem


def test_a_repr_of_the_configuration_shows_no_secret(registry: Registry) -> None:
    config = config_with(registry, {"url": "env:VALUE", "secret": CANARY})

    assert CANARY not in repr(config)
    assert CANARY not in repr(config.sources["web"])
    assert CANARY not in repr(config.destinations["crm"])


SETTINGS = "[destinations.a]\nkind = 'hook'\nsettings.url = 'u'\n"


@pytest.mark.parametrize(
    "text",
    [
        f"{SETTINGS}settings.mode = 'env:VALUE'",
        f"{SETTINGS}settings.wait = 'env:VALUE'",
        f"{SETTINGS}settings.room = 'env:VALUE'",
        f"{SETTINGS}settings.tags = ['env:VALUE']",
        f"{SETTINGS}settings.headers = 'env:VALUE'",
        f"{SETTINGS}settings.secret = ['{CANARY}']",
        f"{SETTINGS}settings.secrets = '{CANARY}'",
        f"[destinations.a]\nkind = 'hook'\nurl = '{CANARY}'",
        "[sources.a]\nwrite_key = 'env:SPACED'",
        f"[sources.a]\nwrite_key = 'a {CANARY}'",
        f"[sources.a]\nwrite_key = ['{CANARY}']",
        "[sources.a]\nwrite_key = 'a'\nenabled = 'env:VALUE'",
        f"[sources.a]\nwrite_kee = '{CANARY}'",
        f"[sources.a]\nwrite_key = {CANARY}",
        f"[sources.a]\nwrite_key = '{CANARY}",
        f"[sources.a]\nwrite_key = '{CANARY}'\nwrite_key = '{CANARY}'",
        f"[sources]\na = '{CANARY}'",
    ],
)
def test_no_error_shows_a_secret(problems: Problems, text: str) -> None:
    found = problems(text + "\n", {"VALUE": CANARY, "SPACED": "a " + CANARY})

    assert found
    assert not any(CANARY in problem for problem in found)


def test_text_about_a_destination_is_rid_of_its_secrets(registry: Registry) -> None:
    config = config_with(
        registry, {"url": "env:VALUE", "secret": "s3cr3t", "headers": {"A": "env:KEY"}, "mode": "fast"}
    )

    text = config.without_secrets(config.destinations["crm"], f"no {CANARY}, s3cr3t, wk-{CANARY} in fast")

    assert text == "no ***, ***, *** in fast"


def test_an_error_has_no_cause_that_shows_a_secret(registry: Registry) -> None:
    data = {"destinations": {"a": {"kind": "hook", "settings": {"url": "u", "wait": "env:VALUE"}}}}

    with pytest.raises(ConfigError) as caught:
        load(data, registry=registry, environ={"VALUE": CANARY})

    assert caught.value.__cause__ is None
    assert caught.value.__context__ is None


def test_credentials_may_be_references_and_are_hidden_from_what_is_said(registry: Registry) -> None:
    auth = {"kind": "bearer", "token": "env:VALUE"}
    hook = {"kind": "hook", "settings": {"url": "u"}, "auth": auth}
    config = load(
        {"storage": {"kind": "memory"}, "destinations": {"crm": hook}},
        registry=registry,
        environ={"VALUE": CANARY},
    )

    crm = config.destinations["crm"]
    assert crm.auth == BearerAuth(token=Secret(CANARY))
    assert CANARY not in repr(crm) + repr(config)
    assert config.without_secrets(crm, f"no {CANARY}") == "no ***"


@pytest.mark.parametrize(
    ("auth", "said"),
    [
        ("token", "must be a section"),
        ({}, "auth.kind: is missing"),
        ({"kind": "bearr"}, 'did you mean "bearer"'),
        ({"kind": "bearer"}, "auth.token: is missing"),
        ({"kind": "bearer", "tokn": "x", "token": "y"}, "auth.tokn"),
        ({"kind": "hmac", "secret": "x", "algorithm": "md5"}, 'cannot be "md5"'),
        ({"kind": "bearer", "token": "env:NONE"}, "NONE is not set"),
    ],
)
def test_what_is_wrong_with_credentials_is_said_with_its_key(
    registry: Registry, auth: object, said: str
) -> None:
    hook = {"kind": "hook", "settings": {"url": "u"}, "auth": auth}

    with pytest.raises(ConfigError) as caught:
        load({"storage": {"kind": "memory"}, "destinations": {"crm": hook}}, registry=registry, environ={})

    assert said in str(caught.value)
