"""What is wrong with the file of a declarative destination is said with file, key and remedy, all in one go."""

from pathlib import Path

import pytest

from router.errors import PluginError
from router.events.calls import Identify, Track
from router.plugins.declarative.reading import read_destination
from router.plugins.policies import Batching, Rate
from router.plugins.registry import PluginsConfig, Registry
from router.plugins.settings import Duration, Secret
from tests.unit.plugins.declarative.defining import TOML, defined


def problem(toml: str) -> str:
    with pytest.raises(PluginError) as caught:
        defined(toml)
    return str(caught.value)


def test_a_file_makes_a_class_like_any_other() -> None:
    more = 'events = ["track", "identify"]\nbatching = { max_events = 9, max_wait = "2s" }\nrate = { requests = 3 }\n'

    cls = defined(more + TOML)

    assert (cls.kind, (cls.__doc__ or "").splitlines()[0]) == ("shop", "Send to the shop.")
    assert cls.event_types() == (Track, Identify)
    assert cls.batching == Batching(9, max_wait=Duration(2))
    assert cls.rate == Rate(3)
    assert cls.sample == 'settings.host = "host"\nsettings.token = "env:TOKEN"\n'
    assert cls.settings_type()(host="h", token=Secret("x")).tag == "none"  # type: ignore[call-arg, attr-defined]


def test_a_file_may_say_what_events_call_its_destination() -> None:
    more = 'display_name = "My Shop"\nother_names = ["Shop"]\ndefault_enabled = false\n'

    assert defined(more + TOML).integration_names() == ("My Shop", "Shop")
    assert not defined(more + TOML).default_enabled
    assert defined().integration_names() == ("Shop",)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("[settings.tag]", "[setings.tag]", 'setings is not a known key; did you mean "settings"?'),
        ("secret = true", "secrt = true", 'settings.token.secrt is not a known key; did you mean "secret"?'),
        ("trigger =", "triger =", 'mappings.0.triger is not a known key; did you mean "trigger"?'),
        ("[request]\n", '[request]\nverb = "GET"\n', "request.verb is not a known key"),
        ("[request]\n", '[request]\nmethod = "SEND"\n', "request.method: invalid enum value 'SEND'"),
        (
            'description = "Send',
            'batching = { max = 1 }\ndescription = "Send',
            "batching.max is not a known key",
        ),
        (
            'description = "Send',
            "rate = { requests = 'x' }\ndescription = \"Send",
            "rate.requests: expected int, got str",
        ),
        (
            'url = "https',
            '# url = "https',
            "mappings.orders.request.url is missing; add it there or under [request]",
        ),
        (
            "{{settings.host}}",
            "{{payload.host}}",
            "mappings.orders.request.url lets an event choose the host",
        ),
        (
            "{{settings.host}}",
            "x.{{payload.host}}",
            "mappings.orders.request.url lets an event choose the host",
        ),
        ("{{settings.host}}", "{{settings.hots}}", 'there is no setting "hots"; did you mean "host"?'),
        ("{{payload.user}}", "{{user}}", "{{user}} is nothing; write {{settings.…}} or {{payload.…}}"),
        ('type = "track" and', "type = track and", "mappings.orders.trigger: column"),
        (
            '"@path" = "$.userId"',
            '"@pth" = "$.userId"',
            "mappings.orders.payload/user/@pth is not a directive",
        ),
        (
            "[request]\n",
            "[request]\nbody = { a = { '@x' = 1 } }\n",
            "mappings.orders.request/body/a/@x is not a directive",
        ),
        ("[request]\n", '[request]\nbatch = "object"\n', 'batch = "object" and envelope go together'),
        ("Authorization =", '"Bad Header" =', "'Bad Header' is not the name of a header"),
        ('default = "none"', "default = 5", "settings.tag.default is not of the type text"),
        (
            "secret = true",
            'secret = true\ndefault = "x"',
            "settings.token.default would be a secret that everybody knows",
        ),
        (
            "secret = true",
            'secret = true\npattern = "("',
            "settings.token.pattern is not a regular expression",
        ),
        ("secret = true", 'secret = true\ntype = "whole"', "settings.token: only text can be secret"),
        ("[settings.tag]", "[settings.Tag-1]", "settings.Tag-1 is not a name"),
    ],
)
def test_a_problem_names_file_key_and_remedy(old: str, new: str, message: str) -> None:
    assert old in TOML

    said = problem(TOML.replace(old, new, 1))

    assert said.startswith("shop.toml: ")
    assert message in said


def test_every_problem_is_said_in_one_go() -> None:
    said = problem(
        TOML.replace('"$.userId"', "5")
        .replace('"track"', "track")
        .replace("{{settings.token", "{{settings.tokn")
    )

    assert len(said.splitlines()) == 3


def test_there_must_be_a_mapping_and_names_are_unique() -> None:
    orders = TOML[TOML.index("[[mappings]]") :]

    assert "mappings is empty" in problem("mappings = []\n" + TOML.replace(orders, ""))
    assert 'mappings: "orders" is there twice' in problem(TOML + orders)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not"),
        (b"a = ", "is not TOML"),
        (b"\xff", "is not UTF-8 text"),
        (b"a = " + b"[" * 100_000, "is not TOML"),
        (b"#" * (1 << 20) + b"#", "is larger than"),
        (b"[server]\nport = 1\n", "server is not a known key"),
    ],
)
def test_a_file_that_is_no_destination_is_refused(tmp_path: Path, content: bytes, message: str) -> None:
    file = tmp_path / "x.toml"
    file.write_bytes(content)

    with pytest.raises(PluginError) as caught:
        read_destination(file)

    assert str(file) in str(caught.value)
    assert message in str(caught.value) or not content


def test_a_file_in_a_folder_is_a_plugin_and_is_read_again_when_it_changed(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text(TOML, encoding="utf-8")
    config = PluginsConfig(directories=(str(tmp_path),))
    before = Registry.load(config, entry_points=False, built_in=False)

    same = before.again(config)
    file.write_text(TOML.replace("Send to", "Sell in"), encoding="utf-8")
    changed = before.again(config)

    assert [(one.kind, one.origin) for one in before.offers if one.what == "destination"] == [
        ("shop", str(file))
    ]
    assert same.destinations["shop"] is before.destinations["shop"]
    assert str(changed.destinations["shop"].__doc__).startswith("Sell in the shop.\n")
