"""Commands without a running router: exit codes, messages, tables."""

import json
import subprocess
import sys
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result
from msgspec import Raw

from router.admin.tap import Line
from router.cli import output
from router.cli.main import _COMMANDS, main
from router.cli.tap import worded
from router.config.load import load

GOOD = "[sources.web]\nwrite_key = 'wk_x'\n[destinations.out]\nkind = 'console'\n"


def router(*arguments: str, config: Path | None = None, environ: dict[str, str] | None = None) -> Result:
    place = ["--config", str(config)] if config else []
    return CliRunner().invoke(main, [*arguments, *place], env=environ)


@pytest.fixture
def good(tmp_path: Path) -> Path:
    file = tmp_path / "router.toml"
    file.write_text(f"{GOOD}[storage]\npath = '{tmp_path}/router.db'\n")
    return file


@pytest.fixture
def bad(tmp_path: Path) -> Path:
    file = tmp_path / "router.toml"
    file.write_text("[server]\nprot = 1\n[sources.web]\nwrite_key = 'env:NOT_HERE'\n")
    return file


def test_check_exits_with_0_when_nothing_is_wrong(good: Path) -> None:
    result = router("check", config=good)

    assert result.exit_code == 0
    assert "no problems" in result.output


def test_check_lists_sources_and_destinations_without_the_write_key(good: Path) -> None:
    text = router("check", config=good).output

    assert "web" in text
    assert "console" in text
    assert "wk_x" not in text


def test_check_lists_transformations(good: Path) -> None:
    section = (
        "[transformations.privacy]\nkind = 'redact'\nsources = ['web']\nsettings.fields = ['traits.email']\n"
    )
    good.write_text(good.read_text() + section)

    assert "kept events of web" in router("check", config=good).output


def test_check_shows_the_traits_that_are_kept_and_that_older_events_lack_them(good: Path) -> None:
    assert "older" not in router("check", config=good).output
    with good.open("a") as file:
        file.write("[identity]\nsnapshot = ['plan', 'city']\n")

    text = router("check", config=good).output

    assert ["plan", "identity.snapshot"] in [line.split() for line in text.splitlines()]
    assert "processed before a trait was named do not have it" in text


def test_check_says_what_events_call_a_destination_and_who_needs_consent(good: Path) -> None:
    name = next(iter(load(good).destinations))
    with good.open("a") as file:
        file.write(f'[consent.categories.ads]\nname = "Advertising"\ndestinations = ["{name}"]\n')
        file.write("[consent.categories.old]\nenabled = false\n")

    text = router("check", config=good).output

    assert "events call it" in text
    assert ["ads", "Advertising", name] in [line.split() for line in text.splitlines()]
    assert "nobody: it is switched off" in text


def test_check_exits_with_78_and_every_problem(bad: Path) -> None:
    result = router("check", config=bad)

    assert result.exit_code == 78
    assert "2 problems in the configuration:" in result.stderr
    assert f"{bad}:2: server.prot" in result.stderr
    assert "NOT_HERE" in result.stderr


def test_check_of_a_missing_file_exits_with_78(tmp_path: Path) -> None:
    assert router("check", config=tmp_path / "none.toml").exit_code == 78


def test_check_exits_with_78_as_a_process(bad: Path) -> None:
    command = [sys.executable, "-m", "router.cli.main", "check", "--config", str(bad)]

    ended = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)

    assert ended.returncode == 78
    assert "server.prot" in ended.stderr
    assert ended.stdout == ""


def test_the_sample_configuration_has_no_problems() -> None:
    assert router("check", config=Path(__file__).parents[3] / "router.toml").exit_code == 0


@pytest.mark.parametrize("name", list(_COMMANDS))
def test_the_list_of_commands_says_what_each_command_says_of_itself(name: str) -> None:
    command = main.get_command(click.Context(main), name)

    assert command is not None
    assert (command.help or "").partition("\n")[0] == _COMMANDS[name]


def test_help_does_not_load_the_engine() -> None:
    code = (
        "import sys\nfrom router.cli.main import main\n"
        "main(['--help'], standalone_mode=False)\n"
        "assert not {'aiohttp', 'rich', 'msgspec', 'asyncio'} & set(sys.modules), 'slow'\n"
    )

    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, timeout=30)


def test_an_unknown_command_is_refused() -> None:
    assert router("rnu").exit_code == 2


def test_plugins_names_each_kind_and_where_it_came_from(good: Path) -> None:
    text = router("plugins", config=good).output

    assert "webhook" in text
    assert "pointsman" in text
    assert "built in" in text


def test_plugins_works_although_the_configuration_has_problems(bad: Path) -> None:
    assert router("plugins", config=bad).exit_code == 0


def test_plugins_says_which_file_is_broken(tmp_path: Path) -> None:
    (tmp_path / "slack.py").write_text("import nowhere_to_be_found\n")
    (tmp_path / "router.toml").write_text(f"[plugins]\ndirectories = ['{tmp_path}']\n")

    result = router("plugins", config=tmp_path / "router.toml")

    assert result.exit_code == 78
    assert "slack.py" in result.stderr


def test_tap_says_when_no_router_runs(good: Path) -> None:
    result = router("tap", config=good)

    assert result.exit_code == 69
    assert "start one with `router run`" in result.stderr


def test_tap_needs_no_secret(bad: Path) -> None:
    bad.write_text(bad.read_text().replace("prot", "port") + f"[storage]\npath = '{bad.parent}/x.db'\n")

    assert router("tap", config=bad).exit_code == 69


def test_doctor_is_content_before_the_first_run(good: Path) -> None:
    result = router("doctor", config=good)

    assert result.exit_code == 0
    assert "there is no store" in result.output


def test_doctor_says_what_is_wrong_with_the_configuration(good: Path) -> None:
    good.write_text(good.read_text() + "[server]\nport = -1\n")

    result = router("doctor", config=good)

    assert result.exit_code == 1
    assert "server.port: -1 is not a port" in result.output


def test_doctor_says_what_a_destination_finds_wrong_without_its_secrets(good: Path) -> None:
    (good.parent / "shy.py").write_text(
        "from router import AnyEvent, Destination, Secret, Settings, hookimpl\n"
        "class ShySettings(Settings, frozen=True):\n    key: Secret\n"
        "class Shy(Destination[ShySettings, AnyEvent]):\n    kind = 'shy'\n"
        "    def requests(self, events):\n        return []\n"
        "    async def check(self):\n        raise ValueError('no luck with ' + self.settings.key.reveal())\n"
        "@hookimpl\ndef register_destinations():\n    return [Shy]\n"
    )
    good.write_text(
        good.read_text()
        + f"[plugins]\ndirectories = ['{good.parent}']\n[destinations.crm]\nkind = 'shy'\nsettings.key = 'c4n4ry'\n"
    )

    result = router("doctor", config=good)

    assert result.exit_code == 1
    assert "destination crm: ValueError: no luck with ***; mend its settings" in result.output


def test_send_needs_somebody_who_did_it(good: Path) -> None:
    result = router("send", "track", config=good)

    assert result.exit_code == 2
    assert "--user-id or --anonymous-id" in result.stderr


def test_send_refuses_properties_that_are_no_object(good: Path) -> None:
    result = router("send", "track", "--user-id", "u1", "--properties", "[1]", config=good)

    assert result.exit_code == 2
    assert "must be an object" in result.stderr


def test_send_refuses_properties_that_are_no_json(good: Path) -> None:
    assert (
        "is not JSON" in router("send", "track", "--user-id", "u1", "--properties", "{", config=good).stderr
    )


def test_send_names_a_source_that_is_not_there(good: Path) -> None:
    result = router("send", "track", "--user-id", "u1", "--source", "nope", config=good)

    assert result.exit_code == 78
    assert "there is no source 'nope'" in result.stderr


def test_send_says_when_no_router_answers(good: Path) -> None:
    arguments = ("send", "track", "--user-id", "u1", "--url", "http://127.0.0.1:1", "--write-key", "k")

    result = router(*arguments, config=good)

    assert result.exit_code == 69
    assert "no router answers at http://127.0.0.1:1" in result.stderr


def test_an_event_cannot_move_the_cursor_of_the_terminal() -> None:
    line = Line(
        "event", source="web", type="track", name="a\x1b[2Jb\u202ec", user="u", position=3, body=Raw(b"{}")
    )

    assert worded(line).isprintable()


@pytest.mark.parametrize(
    ("line", "part"),
    [
        (Line("missed", count=7), "7 lines"),
        (Line("refused", source="web", reason="id_required", index=2), "refused   id_required  web  #2"),
        (Line("destination", destination="crm", type="DestinationPaused"), "crm  DestinationPaused"),
        (Line("event", type="page", source="web", user="u1", position=9), "9 page"),
    ],
)
def test_each_kind_of_line_has_its_words(line: Line, part: str) -> None:
    assert part in worded(line)


def test_a_long_event_is_cut() -> None:
    body = Raw(json.dumps({"x": "y" * 500}).encode())

    assert worded(Line("event", position=1, body=body)).endswith("…")


def test_a_table_in_a_pipe_is_not_cut(capsys: pytest.CaptureFixture[str]) -> None:
    output.table(("name",), [("x" * 150,)])

    assert "x" * 150 in capsys.readouterr().out
