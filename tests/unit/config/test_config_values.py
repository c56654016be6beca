"""What a configuration becomes when nothing is wrong with it."""

import inspect
from pathlib import Path
from typing import Any

import msgspec
import pytest

from router.config import model
from router.config.load import load
from router.config.model import Config
from router.plugins.registry import Registry


def read(registry: Registry, environ: dict[str, str] | None = None, **data: Any) -> Config:
    return load(data, registry=registry, environ=environ or {})


def test_an_empty_configuration_is_the_default(registry: Registry) -> None:
    config = read(registry, storage={"kind": "memory"})

    assert (config.server.host, config.server.port, config.storage.path) == (
        "127.0.0.1",
        8080,
        "data/router.db",
    )


def test_a_source_has_its_name_and_its_defaults(registry: Registry) -> None:
    config = read(registry, storage={"kind": "memory"}, sources={"web": {"write_key": "wk", "rate_limit": 5}})

    source = config.sources["web"]
    assert (source.name, source.write_key, source.rate_limit, source.workspace) == ("web", "wk", 5, "default")


def test_the_store_remembers_message_ids_for_the_longest_window_of_a_source(registry: Registry) -> None:
    sources = {"a": {"write_key": "a", "dedupe_window": "48h"}, "b": {"write_key": "b"}}

    config = read(registry, storage={"kind": "memory"}, sources=sources)

    assert config.storage.dedupe_window == 48 * 3600


def hook(**keys: Any) -> dict[str, Any]:
    return {"crm": {"kind": "hook", "settings": {"url": "https://x.test"}, **keys}}


def test_a_destination_has_settings_of_its_plugin(registry: Registry) -> None:
    settings = {"url": "https://x.test", "wait": "500ms", "room": "1KiB", "tags": [1, 2]}

    config = read(registry, storage={"kind": "memory"}, destinations=hook(settings=settings))

    destination = config.destinations["crm"].destination()
    assert destination.settings.wait == 0.5
    assert destination.settings.tags == (1, 2)
    assert destination.name == "crm"


def test_a_destination_gets_the_events_of_all_sources_unless_it_names_some(registry: Registry) -> None:
    config = read(registry, storage={"kind": "memory"}, destinations=hook())

    assert config.destinations["crm"].sources is None


def test_a_destination_may_name_its_sources_and_embedded_calls(registry: Registry) -> None:
    config = read(
        registry,
        storage={"kind": "memory"},
        sources={"web": {"write_key": "a"}},
        destinations=hook(sources=["web", "embedded"]),
    )

    assert config.destinations["crm"].sources == {"web", "embedded"}


def test_a_policy_overrides_only_the_fields_that_it_sets(registry: Registry) -> None:
    config = read(registry, storage={"kind": "memory"}, destinations=hook(batching={"max_events": 7}))

    batching = config.destinations["crm"].policies.batching
    assert (batching.max_events, batching.max_wait) == (7, 2.0)


def test_a_policy_keeps_what_the_plugin_declares(registry: Registry) -> None:
    config = read(registry, storage={"kind": "memory"}, destinations=hook(rate={"per": "1m"}))

    rate = config.destinations["crm"].policies.rate
    assert rate is not None
    assert (rate.requests, rate.per) == (10, 60.0)


@pytest.mark.parametrize(
    ("variable", "value", "section", "field", "expected"),
    [
        ("ROUTER_HOST", "0.0.0.0", "server", "host", "0.0.0.0"),
        ("ROUTER_PORT", "9000", "server", "port", 9000),
        ("ROUTER_STRICT_WRITE_KEYS", "true", "server", "strict_write_keys", True),
        (
            "ROUTER_TRUSTED_PROXIES",
            "10.0.0.1, 10.1.0.0/16",
            "server",
            "trusted_proxies",
            ("10.0.0.1", "10.1.0.0/16"),
        ),
        ("ROUTER_EVENT_LIMIT", "64KiB", "server", "event_limit", 65536),
        ("ROUTER_STORAGE_PATH", "/tmp/x.db", "storage", "path", "/tmp/x.db"),
        ("ROUTER_STORAGE_FREE_FLOOR", "0", "storage", "free_floor", 0),
    ],
)
def test_the_environment_overrides_the_file(
    registry: Registry, variable: str, value: str, section: str, field: str, expected: object
) -> None:
    data = {"server": {"port": 1, "host": "h"}, "storage": {"kind": "memory", "path": "p"}}

    config = read(registry, {variable: value}, **data)

    assert getattr(getattr(config, section), field) == expected


def test_a_variable_that_makes_no_sense_is_named(registry: Registry) -> None:
    with pytest.raises(Exception, match=r"server\.port: environment variable ROUTER_PORT: .*; mend or unset"):
        read(registry, {"ROUTER_PORT": "http"}, storage={"kind": "memory"})


STRUCTS = [
    found
    for module in (model,)
    for found in vars(module).values()
    if inspect.isclass(found) and issubclass(found, msgspec.Struct) and found.__module__ == module.__name__
]


@pytest.mark.parametrize("struct", STRUCTS, ids=lambda struct: struct.__name__)
def test_every_field_is_explained_by_the_string_under_it(struct: type[msgspec.Struct]) -> None:
    lines = inspect.getsource(struct).splitlines()
    for index, line in enumerate(lines):
        name = line.strip().partition(":")[0]
        if name in struct.__annotations__ and line.startswith(f"    {name}:"):
            assert lines[index + 1].strip().startswith('"""'), f"{struct.__name__}.{name} is not explained"


def test_the_sample_names_every_key(registry: Registry) -> None:
    sample = (Path(__file__).parents[3] / "router.toml").read_text()
    sections = (model.ServerConfig, model.StorageConfig, model.SourceConfig, model.LoggingConfig)
    keys = {one.name for struct in sections for one in msgspec.structs.fields(struct)}
    keys -= {"name", "cls", "settings"}  # no keys, or a table

    for table in ("enforcement", "schema"):  # named by what is in them
        assert f"\n# {table}." in sample
        keys.remove(table)
    assert not {key for key in keys if f"{key} = " not in sample}
