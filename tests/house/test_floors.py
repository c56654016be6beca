"""Imports point down the floors of the house."""

from tests.house.floors import (
    climbing_imports,
    floor_of,
    imports_between_stages,
    plugins_behind_the_door,
    strangers,
)
from tests.house.problems import assert_none
from tests.house.tree import Module, modules


def test_imports_point_down() -> None:
    assert_none(climbing_imports(modules("router")))


def test_stages_do_not_import_each_other() -> None:
    assert_none(imports_between_stages(modules("router")))


def test_outside_packages_are_imported_by_their_owners_only() -> None:
    assert_none(strangers(modules("router", "plugins")))


def test_bundled_plugins_import_only_the_public_door() -> None:
    assert_none(plugins_behind_the_door(modules("plugins")))


def test_the_longest_name_decides_the_floor() -> None:
    assert floor_of("router.storage.store") == 1
    assert floor_of("router.storage.sqlite.schema") == 3
    assert floor_of("router.telemetry.signals") == 0
    assert floor_of("router.telemetry.metrics") == 3
    assert floor_of("router") == 4
    assert floor_of("router.cellar") is None
    assert floor_of("json") is None


def test_a_climbing_import_is_found() -> None:
    bad = [
        Module.of("from router.storage import sqlite\n", path="router/rules/schema.py"),
        Module.of("", path="router/storage/sqlite/__init__.py"),
        Module.of("def f():\n    import router.app\n", path="router/api/doors.py"),
        Module.of("from ..app import Router\n", path="router/delivery/actor.py"),
        Module.of("from router import Track\n", path="router/events/step.py"),
        Module.of("", path="router/cellar.py"),
    ]

    found = list(climbing_imports(bad))

    assert [line.split(": ")[0] for line in found] == [
        "router/rules/schema.py:1",
        "router/api/doors.py:2",
        "router/delivery/actor.py:1",
        "router/events/step.py:1",
        "router/cellar.py",
    ]


def test_a_stage_that_knows_another_is_found() -> None:
    bad = Module.of("from router.delivery.clock import Clock\n", path="router/ingestion/actor.py")

    assert len(list(imports_between_stages([bad]))) == 1


def test_a_stranger_is_found() -> None:
    bad = Module.of("import sqlite3\nfrom aiohttp.web import Request\n", path="router/ingestion/actor.py")
    good = Module.of("import sqlite3\n", path="router/storage/sqlite/schema.py")

    assert len(list(strangers([bad]))) == 2
    assert list(strangers([good])) == []


def test_a_plugin_that_goes_deeper_is_found() -> None:
    bad = Module.of("from router.events.calls import Track\n", path="plugins/destinations/bad.py")
    good = Module.of("from router import Track\n", path="plugins/destinations/good.py")

    assert len(list(plugins_behind_the_door([bad]))) == 1
    assert list(plugins_behind_the_door([good])) == []
