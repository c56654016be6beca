"""A router as its users run it: a process with a configuration file."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp

ROUTER = Path(sys.executable).with_name("router")
KEY = "wk_compat"
START_SECONDS = 30.0
STOP_SECONDS = 20.0


class RouterProcess:
    """`router run`, ready to take events."""

    def __init__(self, folder: Path, port: int) -> None:
        self.folder = folder
        self.port = port
        self.url = f"http://127.0.0.1:{port}"
        self._process: asyncio.subprocess.Process

    @property
    def log(self) -> str:
        """What it has printed."""
        return (self.folder / "router.log").read_text(encoding="utf-8")

    async def start(self, **environment: str) -> None:
        """Start it, with more environment variables, and return when it is ready."""
        with (self.folder / "router.log").open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                str(ROUTER),
                "run",
                "--config",
                str(self.folder / "router.toml"),
                cwd=self.folder,
                env={**os.environ, **environment},
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        try:
            async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
                while not await self._is_ready(session):
                    assert self._process.returncode is None, self.log
                    await asyncio.sleep(0.02)  # the process offers nothing to wait for before it listens
        except TimeoutError:
            raise AssertionError(f"the router was not ready in time:\n{self.log}") from None

    async def _is_ready(self, session: aiohttp.ClientSession) -> bool:
        try:
            async with session.get(self.url + "/ready") as answer:
                return answer.status == 200
        except aiohttp.ClientError:
            return False

    async def stop(self) -> None:
        """Stop it as SIGTERM does; it must go in good order and in time."""
        if self._process.returncode is None:
            self._process.send_signal(signal.SIGTERM)
        try:
            code = await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
            raise AssertionError(f"the router did not stop in time:\n{self.log}") from None
        assert code == 0, f"the router ended with {code}:\n{self.log}"


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def toml(sections: Mapping[str, Mapping[str, Any]]) -> str:
    """A configuration as TOML; JSON writes strings, numbers, booleans and arrays in the same way."""
    lines = []
    for section, members in sections.items():
        for name, value in members.items():
            for key, leaf in _leaves(name, value):
                lines.append(f"{section}.{key} = {json.dumps(leaf)}")
    return "\n".join(lines) + "\n"


def _leaves(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        for key, below in value.items():
            yield from _leaves(f"{name}.{key}", below)
    else:
        yield name, value


@asynccontextmanager
async def router_process(
    folder: Path,
    hook: str,
    *,
    server: Mapping[str, Any] | None = None,
    source: Mapping[str, Any] | None = None,
) -> AsyncIterator[RouterProcess]:
    """Run a router with one source, key `KEY`, and one webhook destination at `hook`."""
    port = free_port()
    config = {
        "server": {"port": port, **(server or {})},
        "storage": {"path": "router.db", "free_floor": 0, "ballast": 0},
        "sources": {"website": {"write_key": KEY, **(source or {})}},
        "destinations": {"hook": {"kind": "webhook", "settings": {"url": hook}, "concurrency": {"max": 1}}},
        "logging": {"level": "warning"},
    }
    (folder / "router.toml").write_text(toml(config), encoding="utf-8")
    router = RouterProcess(folder, port)
    await router.start()
    try:
        yield router
    finally:
        await router.stop()
