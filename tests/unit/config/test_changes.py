"""What differs between two configurations."""

from typing import Any

from router.config.changes import changes, without_fixed
from router.config.load import load
from router.config.model import Config
from router.plugins.registry import Registry

REGISTRY = Registry.load()
CRM = {"kind": "webhook", "settings": {"url": "http://a"}}


def config(destinations: dict[str, Any] | None = None, **sections: Any) -> Config:
    sources = {"website": {"write_key": "wk"}}
    return load({"sources": sources, "destinations": destinations or {}, **sections}, registry=REGISTRY)


def test_the_same_configuration_has_no_changes() -> None:
    found = changes(config({"crm": CRM}), config({"crm": dict(CRM)}))

    assert (found.added, found.removed, found.changed, found.unchanged) == ((), (), (), ("crm",))
    assert (found.sources, found.needs_restart) == ((), ())


def test_sections_are_added_removed_and_changed() -> None:
    old = config({"a": CRM, "b": CRM})
    new = config({"b": {**CRM, "batching": {"max_events": 2}}, "c": CRM})

    found = changes(old, new)

    assert (found.added, found.removed, found.changed) == (("c",), ("a",), ("b",))


def test_a_secret_that_changes_is_a_change() -> None:
    one, other = ({**CRM, "settings": {"url": "http://a", "secret": word}} for word in ("one", "two"))

    assert changes(config({"crm": one}), config({"crm": other})).changed == ("crm",)


def test_a_renamed_one_is_neither_added_nor_removed() -> None:
    found = changes(config({"crm": CRM}), config({"sales": {**CRM, "renamed_from": "crm"}}))

    assert (found.added, found.removed, found.changed) == ((), (), ("sales",))
    assert found.renamed == {"sales": "crm"}


def test_a_line_about_a_former_name_changes_nothing_later() -> None:
    found = changes(config({"crm": CRM}), config({"crm": {**CRM, "renamed_from": "old"}}))

    assert found.unchanged == ("crm",)


def test_a_retirement_is_a_change() -> None:
    assert changes(config({"crm": CRM}), config({"crm": {**CRM, "retire": "drain"}})).changed == ("crm",)


def test_sources_that_differ_are_named() -> None:
    new = config(sources={"website": {"write_key": "wk", "enabled": False}, "app": {"write_key": "wk2"}})

    assert changes(config(), new).sources == ("app", "website")


def test_what_the_open_doors_and_the_store_stand_on_needs_a_restart() -> None:
    new = config(
        server={"host": "0.0.0.0", "port": 1, "region": "eu"},
        storage={"path": "x.db"},
        logging={"level": "error"},
    )

    assert changes(config(), new).needs_restart == (
        "[server] host",
        "[server] port",
        "[storage]",
        "[logging]",
    )


def test_a_longer_dedupe_window_needs_a_restart_and_a_shorter_one_does_not() -> None:
    longer, shorter = (
        config(sources={"website": {"write_key": "wk", "dedupe_window": window}}) for window in ("48h", "1h")
    )

    assert len(changes(config(), longer).needs_restart) == 1
    assert changes(config(), shorter).needs_restart == ()


def test_what_needs_a_restart_stays_as_it_was() -> None:
    new = config(server={"port": 1, "region": "eu"}, storage={"path": "x.db"})

    taken = without_fixed(config(), new)

    assert (taken.server.port, taken.server.region, taken.storage.path) == (8080, "eu", "data/router.db")
