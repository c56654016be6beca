"""The printed curl command is one that a shell understands."""

import json
import shlex
import subprocess

import pytest

from router.cli.curl import CALL, curl, shown_key


def test_the_command_goes_over_several_lines_with_continuations() -> None:
    lines = curl("http://127.0.0.1:8080", "wk_demo").splitlines()

    assert len(lines) == 4
    assert all(line.endswith(" \\") for line in lines[:-1])
    assert not lines[-1].endswith("\\")


def test_a_flag_can_be_appended_to_the_command() -> None:
    words = shlex.split(curl("http://127.0.0.1:8080", "wk_demo") + " --fail")

    assert words[0] == "curl"
    assert words[-1] == "--fail"


def test_the_command_has_the_url_the_key_and_a_call() -> None:
    words = shlex.split(curl("http://127.0.0.1:8080", "wk_demo"))

    assert words[1] == "http://127.0.0.1:8080/v1/track"
    assert words[words.index("-u") + 1] == "wk_demo:"
    assert json.loads(words[words.index("-d") + 1]) == json.loads(CALL)


@pytest.mark.parametrize("key", ["a$b", "it's", "a`b`", "a;b"])
def test_a_key_with_signs_of_the_shell_is_quoted(key: str) -> None:
    assert f"{key}:" in shlex.split(curl("http://x", key))


def as_the_shell_sees(command: str, **environ: str) -> list[str]:
    script = f"curl() {{ printf '%s\\n' \"$@\"; }}\n{command}\n"
    done = subprocess.run(["/bin/sh", "-c", script], env=environ, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def test_a_key_from_the_environment_is_looked_up_by_the_shell() -> None:
    words = as_the_shell_sees(curl("http://x", "wk_secret", "env:WEB_KEY"), WEB_KEY="from the shell")

    assert words[2] == "from the shell:"


def test_a_key_that_was_a_reference_is_not_shown() -> None:
    for reference in ("env:WEB_KEY", "file:/run/key", "vault:web", "env:not a name"):
        assert "wk_secret" not in curl("http://x", "wk_secret", reference)
        assert shown_key("wk_secret", reference) == reference
