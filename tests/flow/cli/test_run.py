"""`router run` as a process: what it prints works as printed, and a signal ends it."""

import os
import shlex
import signal
import subprocess
import sys
import threading
import time
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 30


class Running:
    """`router run` with a source `website` and a file destination."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "router.toml"
        self.config.write_text(
            "[server]\nport = 0\n"
            f"[storage]\npath = '{folder}/router.db'\nfree_floor = 0\nballast = 0\n"
            "[sources.website]\nwrite_key = 'wk_demo'\n"
            "[sources.app]\nwrite_key = 'env:APP_KEY'\n"
            "[destinations.terminal]\nkind = 'console'\n"
            f"[destinations.events]\nkind = 'file'\nsettings.path = '{folder}/events.jsonl'\n"
        )
        self.process = subprocess.Popen(
            [sys.executable, "-m", "router.cli.main", "run", "--config", str(self.config)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "APP_KEY": "wk_c4n4ry"},
        )
        self.printed = self._greeting()

    def _greeting(self) -> str:
        """Everything up to the end of the curl command."""
        assert self.process.stdout is not None
        lines: list[str] = []
        for line in self.process.stdout:
            lines.append(line)
            if line.strip().startswith("-d "):
                return "".join(lines)
        raise AssertionError(f"router run ended: {self.process.communicate()}")

    @property
    def curl(self) -> str:
        """The command as it would be copied."""
        return self.printed[self.printed.index("curl ") :].strip()

    def command(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Another command of the router on the same configuration."""
        return subprocess.run(
            [sys.executable, "-m", "router.cli.main", *arguments, "--config", str(self.config)],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
            env={**os.environ, "APP_KEY": "wk_c4n4ry"},
        )

    def send_the_printed_call(self) -> int:
        """What the printed curl does, done by hand; returns the status."""
        words = shlex.split(self.curl)
        user, call = words[words.index("-u") + 1], words[words.index("-d") + 1]
        headers = {
            "Content-Type": "application/json",
            "Authorization": "Basic " + b64encode(user.encode()).decode(),
        }
        with urllib.request.urlopen(
            urllib.request.Request(words[1], data=call.encode(), headers=headers), timeout=SECONDS
        ) as answer:
            status: int = answer.status
            return status

    def first_line_of_the_file(self) -> str:
        """Wait for the file destination."""
        file = self.folder / "events.jsonl"
        deadline = time.monotonic() + SECONDS
        pause = threading.Event()
        while time.monotonic() < deadline and not pause.wait(0.02):
            if file.exists() and file.read_text().endswith("\n"):
                return file.read_text().splitlines()[0]
        raise TimeoutError(f"nothing came to {file}")

    def stop(self, number: int = signal.SIGTERM) -> tuple[int, str]:
        """Stop it; returns the exit code and what it logged."""
        self.process.send_signal(number)
        _, logged = self.process.communicate(timeout=SECONDS)
        return self.process.returncode, logged


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    running = Running(tmp_path)
    yield running
    if running.process.poll() is None:
        running.process.kill()
        running.process.communicate()


def test_the_printed_call_reaches_the_terminal_and_the_file(running: Running) -> None:
    assert running.send_the_printed_call() == 200
    assert running.process.stdout is not None
    shown = next(line for line in running.process.stdout if "track" in line)

    assert "Order Completed" in shown
    assert "Order Completed" in running.first_line_of_the_file()


def test_the_printed_command_is_plain_and_stands_alone_on_its_lines(running: Running) -> None:
    lines = running.curl.splitlines()

    assert lines[0].startswith("curl http://127.0.0.1:")
    assert [line.endswith(" \\") for line in lines] == [True, True, True, False]
    assert "\x1b" not in running.curl


def test_the_write_key_of_each_source_is_printed_but_no_secret(running: Running) -> None:
    _, logged = running.stop()

    assert "wk_demo" in running.printed
    assert "env:APP_KEY" in running.printed
    assert "c4n4ry" not in running.printed + logged


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_the_router_in_order(running: Running, number: int) -> None:
    code, logged = running.stop(number)

    assert code == 0
    assert "router_stopping" in logged
    assert not Path(f"{running.folder}/router.db.sock").exists()


def test_tap_shows_a_call_and_doctor_is_content(running: Running) -> None:
    tap = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "router.cli.main",
            "tap",
            "--json",
            "--count",
            "1",
            "--config",
            str(running.config),
        ],
        stdout=subprocess.PIPE,
        text=True,
    )
    seen = ""
    while not seen and tap.poll() is None:  # a tap shows what comes after it; send until it is there
        running.send_the_printed_call()
        try:
            seen, _ = tap.communicate(timeout=0.2)
        except subprocess.TimeoutExpired:
            continue
    doctor = running.command("doctor")

    assert "Order Completed" in seen
    assert "a router runs at http://127.0.0.1:" in doctor.stdout
    assert "BAD" not in doctor.stdout


def test_a_second_router_on_the_same_store_is_refused(running: Running) -> None:
    second = running.command("run")

    assert second.returncode == 74
    assert "the store cannot be used" in second.stderr


def test_a_port_that_is_taken_is_named(running: Running) -> None:
    port = shlex.split(running.curl)[1].split(":")[2].split("/")[0]
    other = running.folder / "other.toml"
    other.write_text(
        running.config.read_text().replace("port = 0", f"port = {port}").replace("router.db", "o.db")
    )
    running.config = other

    second = running.command("run")

    assert second.returncode == 69
    assert f"cannot listen on 127.0.0.1:{port}" in second.stderr
