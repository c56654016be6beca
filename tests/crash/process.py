"""A router as a process of its own, to be killed."""

import asyncio
import os
import signal
import socket
import sys
from pathlib import Path

import aiohttp

READY_SECONDS = 30.0

CONFIG = """
[server]
port = {port}

[storage]
path = "{folder}/router.db"
ballast = "{ballast}"
free_floor = "{floor}"

[sources.drill]
write_key = "wk_drill"
rate_limit = 0

[destinations.sink]
kind = "webhook"
settings.url = "{sink}"
batching = {{ max_events = 50 }}
retry = {{ first = "20ms", max = "100ms" }}

[plugins]
directories = ["{plugins}"]

[logging]
level = "warning"
"""


def free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


class RouterProcess:
    """`router run` on a store that outlives its kills."""

    def __init__(
        self, folder: Path, sink: str, *, store: Path | None = None, ballast: str = "0B", floor: str = "0B"
    ) -> None:
        """`store` is the folder of the database, by default `folder`."""
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = folder
        self.config = folder / "router.toml"
        plugins = Path(__file__).parent / "plugins"
        self.config.write_text(
            CONFIG.format(
                port=self.port,
                folder=store or folder,
                sink=sink,
                plugins=plugins,
                ballast=ballast,
                floor=floor,
            )
        )
        self._process: asyncio.subprocess.Process | None = None
        self.log = (folder / "router.log").open("ab")

    async def start(self, **environment: str) -> None:
        """Start it; returns when the door answers, or when it has died (a kill may come that early)."""
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "router.cli.main",
            "run",
            "--config",
            str(self.config),
            env={**os.environ, **environment},
            stdout=self.log,
            stderr=self.log,
            stdin=asyncio.subprocess.DEVNULL,
        )
        async with aiohttp.ClientSession() as session, asyncio.timeout(READY_SECONDS):
            while self.is_alive:
                try:
                    async with session.get(self.url + "/health"):
                        return
                except aiohttp.ClientError:
                    pass
                await asyncio.sleep(0.02)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    async def kill(self) -> None:
        """kill -9, and wait until it is gone."""
        if self._process is None:
            return
        try:
            self._process.send_signal(signal.SIGKILL)
        except ProcessLookupError:
            pass
        await self._process.wait()

    async def terminate(self) -> int:
        """SIGTERM; returns the exit code."""
        assert self._process is not None
        self._process.send_signal(signal.SIGTERM)
        return await self._process.wait()

    async def ended(self) -> None:
        """Return when the process is gone."""
        assert self._process is not None
        await self._process.wait()

    def close(self) -> None:
        """Close the log file."""
        self.log.close()
