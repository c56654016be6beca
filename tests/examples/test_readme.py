"""What the README tells the reader to do works as it stands there; only the port and the folder are others."""

import asyncio
import json
import os
import shlex
import shutil
import sys
import urllib.request
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

import router.testing.threaded
from router.cli.curl import curl
from tests.compat.process import ROUTER, RouterProcess, free_port
from tests.examples.blocks import block, blocks
from tests.house.files import make_targets
from tests.house.tree import ROOT

PAGE = "README.md"
SECONDS = 30.0

pytest_plugins = ["pytester"]
pytestmark = pytest.mark.slow


@pytest.fixture
async def router(tmp_path: Path) -> AsyncIterator[RouterProcess]:
    """`make run` in a folder of its own: the sample configuration on a free port."""
    shutil.copy(ROOT / "router.toml", tmp_path)
    process = RouterProcess(tmp_path, free_port())
    await process.start(ROUTER_PORT=str(process.port))
    try:
        yield process
    finally:
        await process.stop()


async def shell(command: str, folder: Path, **environment: str) -> str:
    """Run a command of the README; it must end well. Returns what it printed."""
    process = await asyncio.create_subprocess_shell(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, f"{command}\n{out.decode()}\n{err.decode()}"
    return out.decode()


async def eventually(read: Callable[[], str], word: str) -> str:
    """What a file says, once `word` stands in it; a file cannot be waited for, so it is read again and again."""
    text = ""
    try:
        async with asyncio.timeout(SECONDS):
            while word not in text:
                await asyncio.sleep(0.02)
                text = read()
    except TimeoutError:
        raise AssertionError(f"{word!r} did not appear in:\n{text}") from None
    return text


def lines_of(path: Path) -> str:
    """The text of a file, or nothing while it is not there."""
    return path.read_text(encoding="utf-8") if path.exists() else ""


def test_every_make_command_has_a_target() -> None:
    commands = [one.text.strip() for one in blocks(PAGE) if one.text.startswith("make ")]

    targets = make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert commands == ["make run", "make test"]
    assert {command.split()[1] for command in commands} <= targets


async def test_the_curl_command_shows_an_event_in_the_terminal_and_in_the_file(router: RouterProcess) -> None:
    command = block(PAGE, "sh", "curl").replace("http://127.0.0.1:8080", router.url)

    assert json.loads(await shell(f"{command.rstrip()} --silent", router.folder)) == {"success": True}

    await eventually(lambda: router.log, "Order Completed  ")
    file = router.folder / "data" / "events.jsonl"
    (line,) = (await eventually(lambda: lines_of(file), "\n")).splitlines()
    event = json.loads(line)
    assert (event["event"], event["userId"], event["properties"]) == (
        "Order Completed",
        "u1",
        {"total": 12.5},
    )


def test_the_curl_command_is_the_one_that_the_router_prints() -> None:
    assert block(PAGE, "sh", "curl").strip() == curl("http://127.0.0.1:8080", "wk_demo")


async def test_the_sdk_example_reaches_the_router(router: RouterProcess) -> None:
    script = block(PAGE, "python", 'Client("wk_demo"').replace("http://127.0.0.1:8080", router.url)

    await shell(f"{sys.executable} -c {shlex.quote(script)}", router.folder)

    await eventually(lambda: lines_of(router.folder / "data" / "events.jsonl"), "analytics-python")


async def test_the_embedding_example_keeps_and_delivers_an_event(tmp_path: Path) -> None:
    shutil.copy(ROOT / "router.toml", tmp_path)
    script = block(PAGE, "python", "asyncio.run(main())")

    await shell(f"{sys.executable} -c {shlex.quote(script)}", tmp_path, ROUTER_PORT="0")

    assert '"Signed Up"' in lines_of(tmp_path / "data" / "events.jsonl")


async def test_the_destination_example_passes_the_check(tmp_path: Path) -> None:
    sample = lines_of(ROOT / "router.toml")
    (tmp_path / "router.toml").write_text(sample + block(PAGE, "toml", "destinations.crm"), encoding="utf-8")

    assert "crm" in await shell(f"{ROUTER} check", tmp_path)


async def test_the_commands_about_another_configuration_work(router: RouterProcess) -> None:
    environment = {"ROUTER_PORT": str(router.port)}
    shutil.copy(router.folder / "router.toml", router.folder / "new.toml")
    send = "send track --user-id u1 --event Tried"
    await shell(f"{ROUTER} {send}", router.folder, **environment)

    said = [
        await shell(
            line.split("  #")[0].replace(".venv/bin/router", str(ROUTER)), router.folder, **environment
        )
        for line in block(PAGE, "sh", "router reload").splitlines()
    ]

    assert "nothing changes" in said[0]
    assert "nothing changed" in said[1]


def commands_of(word: str) -> dict[str, str]:
    """The commands of the block with `word`, by their first word behind `router`, as they are run here."""
    lines = [line.split("  #")[0] for line in block(PAGE, "sh", word).splitlines()]
    return {line.split()[1]: line.replace(".venv/bin/router", str(ROUTER)) for line in lines}


async def test_the_router_commands_work(router: RouterProcess) -> None:
    commands = commands_of("router tap")
    names = ["check", "send", "tap", "where", "dead", "profile", "metrics", "test", "plugins", "doctor"]
    assert list(commands) == names
    environment = {"ROUTER_PORT": str(router.port)}

    for name in ("check", "dead", "profile", "metrics", "test", "plugins", "doctor"):
        await shell(commands[name], router.folder, **environment)
    tap = asyncio.create_task(shell(f"{commands['tap']} --count 1", router.folder, **environment))
    sent = ""
    while not tap.done():  # each send may come before the tap listens
        sent = await shell(commands["send"], router.folder, **environment)
    message_id = sent.split()[-1]
    where = await shell(commands["where"].replace("MESSAGE-ID", message_id), router.folder, **environment)

    assert "Order Completed" in await tap
    assert message_id in where
    assert "events (file)" in where


async def test_the_commands_that_send_events_again_work(router: RouterProcess) -> None:
    environment = {"ROUTER_PORT": str(router.port)}
    await shell(commands_of("router tap")["send"], router.folder, **environment)
    file = router.folder / "data" / "events.jsonl"
    await eventually(lambda: lines_of(file), "Order Completed")
    lines = [line.split("  #")[0] for line in block(PAGE, "sh", "router replay").splitlines()]

    counted, watched = [
        await shell(line.replace(".venv/bin/router", str(ROUTER)), router.folder, **environment)
        for line in lines
    ]

    assert "nothing was sent" in counted
    assert "1 delivered" in watched
    assert lines_of(file).count("Order Completed") == 2


async def test_the_commands_about_plans_work(router: RouterProcess) -> None:
    environment = {"ROUTER_PORT": str(router.port)}
    await shell(commands_of("router tap")["send"], router.folder, **environment)
    await eventually(lambda: lines_of(router.folder / "data" / "events.jsonl"), "Order Completed")
    lines = [line.split("  #")[0] for line in block(PAGE, "sh", "router schema").splitlines()]

    seen, proposed, checked = [
        await shell(line.replace(".venv/bin/router", str(ROUTER)), router.folder, **environment)
        for line in lines
    ]

    assert "Order Completed" in seen
    assert "proposes 1 rule" in proposed
    assert "no problems" in checked


def test_the_test_of_a_product_passes(pytester: pytest.Pytester) -> None:
    pytester.makepyfile(test_order=block(PAGE, "python", "event_router"))

    result = pytester.runpytest_inprocess(
        "-p", "no:cacheprovider", "-p", "no:asyncio", "-p", "no:hypothesispytest", "test_order.py"
    )

    result.assert_outcomes(passed=1)


async def test_the_mounted_router_serves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(ROOT / "router.toml", tmp_path)
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    exec(block(PAGE, "python", "web.Application"), names)
    runner = names["web"].AppRunner(names["app"], access_log=None)
    await runner.setup()
    try:
        await names["web"].TCPSite(runner, "127.0.0.1", 0).start()
        port = runner.addresses[0][1]
        with await asyncio.to_thread(
            urllib.request.urlopen, f"http://127.0.0.1:{port}/events/health"
        ) as answer:
            assert answer.status == 200
    finally:
        await runner.cleanup()
