"""What commands say of sources that a plugin brings in."""

from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.admin.overview import Overview
from router.cli.diagnosis import Finding, look_at_sources
from router.cli.main import main
from router.cli.run import greet
from router.config.load import load
from router.storage.books import Books

ORDERS = "[sources.orders]\nkind = 'file_lines'\nsettings.path = 'orders.jsonl'\n"
WEBSITE = "[sources.website]\nwrite_key = 'wk_x'\n"


def router(*arguments: str, config: Path) -> Result:
    return CliRunner().invoke(main, [*arguments, "--config", str(config)])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "router.toml"
    path.write_text(ORDERS)
    return path


def test_check_shows_the_kind_and_that_there_is_no_write_key(file: Path) -> None:
    result = router("check", config=file)

    assert result.exit_code == 0, result.output
    [row] = [line.split() for line in result.output.splitlines() if line.startswith("orders")]
    assert (row[1], row[-1]) == ("none", "file_lines")


def test_send_passes_over_a_source_without_a_write_key(file: Path) -> None:
    file.write_text(f"[server]\nport = 1\n{ORDERS}{WEBSITE}")

    assert "no router answers at" in router("send", "track", "--user-id", "u1", config=file).stderr


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ([], "no source with a write key is enabled"),
        (["--source", "orders"], "there is no source 'orders' with a write key"),
    ],
)
def test_send_says_when_no_source_has_a_write_key(options: list[str], words: str, file: Path) -> None:
    result = router("send", "track", "--user-id", "u1", *options, config=file)

    assert (result.exit_code, words in result.stderr) == (78, True)


def test_the_greeting_offers_no_command_for_a_source_without_a_write_key(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    greet(load(file), "http://127.0.0.1:8080")

    printed = capsys.readouterr().out
    assert "none: file_lines brings its calls in" in printed
    assert "curl" not in printed


def test_the_greeting_says_whose_the_embedded_source_is(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text("[sources.embedded]")

    greet(load(file), "http://127.0.0.1:8080")

    assert "none: for the calls of a program itself" in capsys.readouterr().out


def test_the_greeting_offers_the_first_write_key_behind_it(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file.write_text(ORDERS + WEBSITE)

    greet(load(file), "http://127.0.0.1:8080")

    assert "-u wk_x:" in capsys.readouterr().out


def test_plugins_lists_kinds_of_sources(file: Path) -> None:
    output = router("plugins", config=file).output

    assert [line.split()[:2] for line in output.splitlines() if "file_lines" in line] == [
        ["source", "file_lines"]
    ]


def test_the_doctor_names_a_source_that_does_not_read() -> None:
    trouble = {"orders": "FileNotFoundError: orders.jsonl; tried again in 8 s"}
    seen = Overview("", None, [], [], Books(0, 0, 0, (), ()), trouble)  # type: ignore[arg-type]

    text = "source orders: FileNotFoundError: orders.jsonl; tried again in 8 s"
    assert list(look_at_sources(seen)) == [Finding("bad", text)]
