"""`router new` writes a package, refuses what it must not write, and says what to do."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.cli.main import main

WHATS = ("destination", "enrichment", "source", "transformation")


def new(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["new", *arguments])


@pytest.fixture(autouse=True)
def _here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize("what", WHATS)
def test_a_package_is_written_and_the_next_steps_are_said(what: str) -> None:
    result = new(what, "my-thing")

    assert result.exit_code == 0, result.output
    assert "cd pointsman-my-thing && make test" in result.output
    names = {
        path.relative_to("pointsman-my-thing").as_posix() for path in Path("pointsman-my-thing").rglob("*")
    }
    assert names == {
        "pyproject.toml",
        "Makefile",
        "README.md",
        ".gitignore",
        "pointsman_my_thing.py",
        "tests",
        "tests/test_pointsman_my_thing.py",
    }


@pytest.mark.parametrize("what", WHATS)
def test_the_package_registers_its_plugin(what: str) -> None:
    new(what, "my-thing")

    project = tomllib.loads(Path("pointsman-my-thing/pyproject.toml").read_text())

    assert project["project"]["entry-points"]["router.plugins"] == {
        "pointsman_my_thing": "pointsman_my_thing"
    }


@pytest.mark.parametrize("what", WHATS)
def test_the_plugin_has_under_40_lines_and_its_test_under_20(what: str) -> None:
    new(what, "my-thing")
    folder = Path("pointsman-my-thing")

    assert len((folder / "pointsman_my_thing.py").read_text().splitlines()) < 40
    assert len((folder / "tests/test_pointsman_my_thing.py").read_text().splitlines()) < 20


@pytest.mark.parametrize("name", ["", "Chat", "9lives", "a b", "../up", "a/b", "-x", "x-", "é", "a--b"])
def test_a_name_that_cannot_be_a_kind_is_refused(name: str) -> None:
    result = new("destination", "--", name)

    assert result.exit_code == 1
    assert "is not a name; use lower case" in result.output
    assert list(Path().iterdir()) == []


def test_a_kind_that_exists_is_refused_with_who_has_it() -> None:
    result = new("destination", "webhook")

    assert result.exit_code == 1
    assert "there is a destination 'webhook' already, from pointsman" in result.output


def test_a_folder_that_exists_is_left_alone() -> None:
    Path("pointsman-chat").mkdir()

    result = new("destination", "chat")

    assert result.exit_code == 1
    assert "pointsman-chat exists already; remove it, or name another place with --folder" in result.output
    assert list(Path("pointsman-chat").iterdir()) == []


def test_another_folder_can_be_named() -> None:
    assert new("destination", "chat", "--folder", "deep/down").exit_code == 0
    assert Path("deep/down/pyproject.toml").is_file()


def test_a_folder_that_cannot_be_made_is_said() -> None:
    Path("file").write_text("")

    result = new("destination", "chat", "--folder", "file/below")

    assert result.exit_code == 1
    assert "file/below cannot be written (Not a directory)" in result.output
