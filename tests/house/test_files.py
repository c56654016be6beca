"""Locks name no host, no file names one machine, the README's commands exist, and a wheel holds everything."""

import json
import re
import tomllib

import pytest

from tests.house.files import (
    hosts_in_lock,
    machine_paths,
    make_commands,
    make_targets,
    packages_listed,
    unhashed,
)
from tests.house.problems import assert_none
from tests.house.tree import ROOT, import_name, is_source

LOCKS = ("requirements.lock", "requirements-dev.lock")
NODE_LOCK = "tests/compat/node/package-lock.json"
SHOWN = {".py", ".toml", ".md", ".yml", ".json", ".sql", ".lock", ".mjs", ""}
STANDARD = {
    "CHANGELOG.md",
    "LICENSE",
    "Makefile",
    "README.md",
    "plugins",
    "pyproject.toml",
    "requirements-dev.lock",
    "requirements.lock",
    "router",
    "router.toml",
    "tests",
}
MADE = {"bench.json", "build", "data", "dist", "pointsman.egg-info", "uv.lock", "node_modules"}


def read(path: str) -> str:
    """The text of a file of the project."""
    return (ROOT / path).read_text(encoding="utf-8")


def source_files() -> dict[str, str]:
    """Every text file that is neither a test nor a lock nor made by a tool."""
    tops = [ROOT / name for name in sorted(STANDARD - {"tests"})] + [ROOT / ".ci", ROOT / ".github"]
    paths = [path for top in tops for path in ([top] if top.is_file() else top.rglob("*")) if path.is_file()]
    return {
        path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
        for path in paths
        if path.suffix in SHOWN and "__pycache__" not in path.parts
    }


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_names_no_host_and_no_folder(lock: str) -> None:
    assert_none(hosts_in_lock(read(lock)))


@pytest.mark.parametrize("lock", LOCKS)
def test_every_locked_package_has_a_hash(lock: str) -> None:
    assert_none(unhashed(read(lock)))


def test_the_dev_lock_holds_the_same_versions_as_the_core_lock() -> None:
    core, dev = (set(re.findall(r"^\S+==\S+", read(lock), re.MULTILINE)) for lock in LOCKS)

    assert core - dev == set()


def test_the_node_lock_names_no_registry_and_hashes_every_package() -> None:
    packages = json.loads(read(NODE_LOCK))["packages"]

    assert "resolved" not in read(NODE_LOCK)
    assert [name for name, package in packages.items() if name and "integrity" not in package] == []


def test_no_file_names_a_folder_of_one_machine() -> None:
    assert_none(machine_paths(source_files()))


@pytest.mark.parametrize("page", ["README.md", "plugins/README.md", "tests/README.md", "CHANGELOG.md"])
def test_the_make_commands_of_a_page_exist(page: str) -> None:
    assert make_commands(read(page)) <= make_targets(read("Makefile"))


def test_nothing_else_stands_at_the_top() -> None:
    top = {path.name for path in ROOT.iterdir() if not path.name.startswith(".")}

    assert top - MADE <= STANDARD


def test_a_wheel_holds_every_package() -> None:
    written = {
        import_name(path.relative_to(ROOT).parent.as_posix())
        for folder in ("router", "plugins")
        for path in (ROOT / folder).rglob("*.py")
        if is_source(path)
    }

    assert packages_listed(tomllib.loads(read("pyproject.toml"))) == written


def test_a_wheel_claims_no_generic_name() -> None:
    tops = {name.split(".")[0] for name in packages_listed(tomllib.loads(read("pyproject.toml")))}

    assert tops == {"router", "router_plugins"}


def test_hosts_in_a_lock_are_found() -> None:
    bad = "--find-links wheels\na==1 \\\n    --hash=sha256:0\nb @ file:x\nc @ https://index.test/c\n"

    assert len(list(hosts_in_lock(bad))) == 3
    assert list(unhashed(bad)) == ["--find-links wheels", "b @ file:x", "c @ https://index.test/c"]


def test_a_folder_of_one_machine_is_found() -> None:
    bad = {"a.py": "open('/tmp/x')\nopen('/home/me/y')\n", "b.toml": 'path = "/home/me/data"'}
    good = {"c.py": "path = folder / 'tmp/x'\n", "d.md": "see ../tmp/x and https://x.test/work/y\n"}

    assert len(list(machine_paths(bad))) == 3
    assert list(machine_paths(good)) == []


def test_commands_and_targets_are_read() -> None:
    assert make_commands("run `make run`\n\n    $ make test\nmake check\nThey make money.\n") == {
        "run",
        "test",
        "check",
    } - {"test"}
    assert make_targets("run: install ## x\nA := 1\n.PHONY: y\n") == {"run"}
