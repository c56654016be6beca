"""Everything that is wrong with a configuration is said at once, each with its line and what to do."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from router.config.load import load, load_plugins, load_storage
from router.errors import ConfigError
from router.plugins.registry import Registry

Problems = Callable[..., list[str]]


def test_all_problems_are_reported_at_once_in_the_order_of_the_file(problems: Problems) -> None:
    found = problems(
        "[server]\nhots = 'x'\nport = 99999\n\n[sources.web]\nwrite_key = 7\n\n[destinations.crm]\nkind = 'hok'\n"
        "[logging]\nlevel = 'loud'\n"
    )

    assert [line.split(" ")[0] for line in found] == [
        "router.toml:2:",
        "router.toml:3:",
        "router.toml:6:",
        "router.toml:9:",
        "router.toml:11:10:",
    ]


def test_an_unknown_key_is_answered_with_the_nearest_one(problems: Problems) -> None:
    [problem] = problems("[server]\nprot = 80\n")

    assert problem == 'router.toml:2: server.prot: is not a known key; did you mean "port"?'


def test_an_unknown_section_is_answered_with_the_nearest_one(problems: Problems) -> None:
    [problem] = problems("[source.web]\nwrite_key = 'a'\n")

    assert problem == 'router.toml:1: source: is not a known section; did you mean "sources"?'


def test_a_filter_that_is_no_fql_is_refused_with_the_column(problems: Problems) -> None:
    found = problems('[destinations.a]\nkind = "hook"\nfilter = "type = "\nsettings.url = "u"\n')

    assert found == [
        'router.toml:3:18: destinations.a.filter: is not FQL: expected a value after "="; mend the filter'
    ]


def test_a_filter_must_be_text(problems: Problems) -> None:
    found = problems('[destinations.a]\nkind = "hook"\nfilter = 1\nsettings.url = "u"\n')

    assert found == [
        "router.toml:3: destinations.a.filter: must be text; write FQL in quotes, e.g. 'type = \"track\"'"
    ]


def test_an_unknown_kind_is_answered_with_the_nearest_one(problems: Problems) -> None:
    [problem] = problems("[destinations.a]\nkind = 'hoook'\n")

    assert problem.endswith('no plugin offers the destination kind "hoook"; did you mean "hook"?')


def test_an_unknown_store_is_answered_with_the_nearest_one(problems: Problems) -> None:
    [problem] = problems("[storage]\nkind = 'memry'\n")

    assert problem == (
        'router.toml:2: storage.kind: no plugin offers the store kind "memry"; did you mean "memory"?'
    )


def test_a_destination_of_an_unknown_source_is_a_problem(problems: Problems) -> None:
    [problem] = problems(
        "[sources.website]\nwrite_key='a'\n[destinations.a]\nkind='hook'\nsources=['websit']\nsettings.url='u'\n"
    )

    assert problem == (
        'router.toml:5:11: destinations.a.sources: there is no source "websit"; did you mean "website"?'
    )


def test_two_sources_with_one_write_key_are_a_problem_that_does_not_show_it(problems: Problems) -> None:
    [problem] = problems("[sources.a]\nwrite_key = 'wk_canary'\n[sources.b]\nwrite_key = 'wk_canary'\n")

    assert "sources.b.write_key: is the write key of source a too" in problem
    assert "canary" not in problem


def test_a_missing_setting_is_asked_for_where_it_belongs(problems: Problems) -> None:
    [problem] = problems("[destinations.a]\nkind = 'hook'\n")

    assert problem == (
        "router.toml:1: destinations.a.settings.url: is missing; add it under [destinations.a.settings]"
    )


def test_a_setting_outside_of_settings_is_sent_home(problems: Problems) -> None:
    found = problems("[destinations.a]\nkind = 'hook'\nurl = 'u'\n")

    assert 'router.toml:3: destinations.a.url: is not a known key; write it as "settings.url"' in found


def test_every_wrong_setting_of_a_destination_is_named(problems: Problems) -> None:
    found = problems(
        "[destinations.a]\nkind = 'hook'\nsettings.url = 3\nsettings.mode = 'fst'\nsettings.wait = '5 parsecs'\n"
        "settings.room = 'big'\nsettings.tags = [1, 'x']\n"
    )

    assert found == [
        "router.toml:3: destinations.a.settings.url: expected str, got int; write text in quotes",
        'router.toml:4:18: destinations.a.settings.mode: cannot be "fst"; did you mean "fast"?',
        'router.toml:5: destinations.a.settings.wait: cannot be "5 parsecs"; '
        'write a duration such as "500ms", "5s", "10m" or "24h"',
        'router.toml:6: destinations.a.settings.room: cannot be "big"; write a size such as "64KiB" or "1MiB"',
        "router.toml:7: destinations.a.settings.tags: [1] expected int, got str; write a list in brackets",
    ]


@pytest.mark.parametrize(
    ("policy", "said"),
    [
        ("batching = { max_events = 0 }", "batching.max_events: must be 1 or more"),
        ("batching = { max_bytes = 0 }", "batching.max_bytes: must be above 0"),
        ("batching = { max_wait = -1 }", "batching.max_wait: cannot be -1"),
        ("batching = 5", "batching: expected object, got int"),
        ("rate = { requests = 0 }", "rate.requests: must be 1 or more"),
        ("rate = { per = '0s' }", "rate.per: must be above 0"),
        ("concurrency = { initial = 0 }", "concurrency.initial: must be 1 or more"),
        ("concurrency = { initial = 9 }", "concurrency.max: is below concurrency.initial"),
        ("retry = { first = '5m' }", "retry.max: is below retry.first"),
        ("retry = { timeout = 0 }", "retry.timeout: must be above 0"),
        ("retry = { give_up = 0 }", "retry.give_up: must be above 0"),
        ("retry = { giveup = 1 }", 'retry.giveup: is not a known key; did you mean "give_up"?'),
        ("ordering = 'per_usr'", 'ordering: cannot be "per_usr"; did you mean "per_user"?'),
    ],
)
def test_a_policy_that_makes_no_sense_is_a_problem(problems: Problems, policy: str, said: str) -> None:
    [problem] = problems(f"[destinations.a]\nkind = 'hook'\nsettings.url = 'u'\n{policy}\n")

    assert re.sub(r":4(:\d+)?:", ":4:", problem).startswith(f"router.toml:4: destinations.a.{said}")


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("port = -1", "server.port: -1 is not a port"),
        ("port = '80'", "server.port: expected int, got str; write a whole number"),
        ("host = ''", "server.host: is empty"),
        ("region = 'mars'", 'server.region: cannot be "mars"; known are eu, us'),
        ("public_url = 'ftp://x'", "server.public_url: is not the URL of a website"),
        ("public_url = 'http://[x'", "server.public_url: is not the URL of a website"),
        (
            "trusted_proxies = ['10.0.0.0/8', 'me']",
            'server.trusted_proxies: "me" is neither an address nor a network',
        ),
        ("event_limit = 10", "server.event_limit: leaves no room for an event"),
        ("batch_limit = '1KiB'", "server.batch_limit: is below event_limit"),
        ("request_timeout = 0", "server.request_timeout: must be above 0"),
        ("strict_write_keys = 1", "server.strict_write_keys: expected bool, got int; write true or false"),
    ],
)
def test_a_door_that_cannot_be_is_a_problem(problems: Problems, key: str, said: str) -> None:
    [problem] = problems(f"[server]\n{key}\n")

    assert re.sub(r":2(:\d+)?:", ":2:", problem).startswith(f"router.toml:2: {said}")


@pytest.mark.parametrize(
    ("section", "said"),
    [
        ("[storage]\npath = ''", "storage.path: is empty"),
        ("[storage]\ninbox_budget = 1", "storage.inbox_budget: leaves no room to work"),
        (
            "[sources.embedded]\nwrite_key = 'a'",
            "sources.embedded.write_key: is not for the calls that an embedding",
        ),
        (
            "[sources.embedded]\nkind = 'file_lines'",
            "sources.embedded.kind: is not for the calls that an embedding",
        ),
        ("[sources.embedded]\nplam = 'a'", 'sources.embedded.plam: is not a known key; did you mean "plan"?'),
        ("[sources.'a b']\nwrite_key = 'a'", 'sources."a b": is not a name'),
        ("[sources.a]\nwrite_key = ''", "sources.a.write_key: is empty"),
        ("[sources.a]\nwrite_key = 'a b'", "sources.a.write_key: has characters that clients cannot send"),
        ("[sources.a]\nwrite_key = 'a'\nrate_limit = -1", "sources.a.rate_limit: must not be negative"),
        ("[sources.a]\nwrite_key = 'a'\ndedupe_window = '1s'", "sources.a.dedupe_window: is too short"),
        ("[sources.a]\nwrite_key = 'a'\nregion = 'mars'", 'sources.a.region: cannot be "mars"'),
        ("[sources.a]\nwrite_key = 'a'\nname = 'b'", "sources.a.name: is not a known key"),
        ("[sources]\na = 1", "sources.a: must be a section, not a number"),
        ("[destinations.a]\nsources = []", "destinations.a.sources: is empty"),
        ("[destinations.a]\nkind = 1", "destinations.a.kind: must be text"),
        (
            "[destinations.a]\nkind = 'hook'\nsettings = 'u'",
            "destinations.a.settings: must be a section, not text",
        ),
        (
            "[destinations.a]\nkind = 'hook'\nsources = 'web'",
            "destinations.a.sources: must be a list of names",
        ),
        ("[destinations]\na = 'hook'", "destinations.a: must be a section"),
        ("destinations = 1", "destinations: must be a table of sections"),
        ("server = 1", "server: must be a section, not a number"),
        ("[storage]\ndedupe_window = '48h'", "storage.dedupe_window: is not a known key"),
    ],
)
def test_a_section_that_cannot_be_is_a_problem(problems: Problems, section: str, said: str) -> None:
    assert any(said in problem for problem in problems(section + "\n"))


def test_a_file_that_is_no_toml_is_named_with_the_place(problems: Problems) -> None:
    [problem] = problems("[server\n")

    assert problem.startswith("router.toml: is not TOML: ")
    assert "line 1" in problem


def test_a_file_that_is_missing_is_named() -> None:
    with pytest.raises(
        ConfigError, match=r"nowhere\.toml: there is no such file; name another one with --config"
    ):
        load("nowhere.toml")


def test_a_file_that_is_no_text_is_named(tmp_path: Path) -> None:
    (tmp_path / "router.toml").write_bytes(b"\xff\xfe")

    with pytest.raises(ConfigError, match="is not UTF-8 text"):
        load(tmp_path / "router.toml")


def test_a_folder_in_the_place_of_the_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        load(tmp_path)


def test_a_dictionary_has_key_paths_instead_of_lines(registry: Registry) -> None:
    with pytest.raises(ConfigError) as caught:
        load({"server": {"port": 70000}}, registry=registry, environ={})

    assert caught.value.problems == (
        "server.port: 70000 is not a port; choose one from 1 to 65535, or 0 for any free one",
    )


def test_a_broken_plugin_is_reported_beside_the_other_problems(tmp_path: Path) -> None:
    (tmp_path / "slack.py").write_text("import nowhere_to_be_found\n")
    data = {
        "plugins": {"directories": [str(tmp_path)]},
        "server": {"port": -1},
        "destinations": {"a": {"kind": "slack"}},
    }

    with pytest.raises(ConfigError) as caught:
        load(data, environ={})

    port, plugin = caught.value.problems
    assert "server.port" in port
    assert "slack.py" in plugin


def test_the_store_can_be_found_in_a_configuration_whose_secrets_are_missing(tmp_path: Path) -> None:
    (tmp_path / "router.toml").write_text(
        "[storage]\npath = 'here.db'\n[sources.a]\nwrite_key = 'env:NOT_HERE'\n"
    )

    assert load_storage(tmp_path / "router.toml", environ={}).path == "here.db"


def test_the_plugins_of_a_missing_configuration_are_those_that_are_installed(tmp_path: Path) -> None:
    assert load_plugins(tmp_path / "router.toml").directories == ()


def test_a_section_that_is_asked_for_alone_has_its_problems(tmp_path: Path) -> None:
    (tmp_path / "router.toml").write_text("[plugins]\ndirectory = 'x'\n")

    with pytest.raises(ConfigError, match='did you mean "directories"'):
        load_plugins(tmp_path / "router.toml")
