"""Server processes of the bench, and what they cost: CPU seconds and resident memory from /proc."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType

import aiohttp

TICK = os.sysconf("SC_CLK_TCK")


class Server:
    """`python -m tests.bench.servers KIND …` in a process of its own; prints its URL when it listens."""

    def __init__(self, kind: str, folder: Path, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.bench.servers", kind, str(folder), *arguments],
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        self.started_at = time.monotonic()
        line = self._process.stdout.readline()
        if not line.startswith("http"):
            raise RuntimeError(f"bench server {kind} did not start: {line!r}")
        self.url = line.strip()
        self.start_seconds = time.monotonic() - self.started_at

    @property
    def cpu(self) -> float:
        """User and system CPU seconds so far, all threads."""
        fields = Path(f"/proc/{self._process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / TICK

    @property
    def resident(self) -> int:
        """Resident memory in bytes."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024
        raise RuntimeError("no VmRSS")

    def kill(self) -> None:
        """kill -9."""
        self._process.kill()
        self._process.wait()

    def __enter__(self) -> "Server":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self.kill()


async def wait_until(url: str, holds: object, *, timeout: float) -> None:
    """Ask `url` until `holds(text)` is true."""
    assert callable(holds)
    deadline = time.monotonic() + timeout
    async with aiohttp.ClientSession() as session:
        while time.monotonic() < deadline:
            async with session.get(url) as answer:
                if holds(await answer.text()):
                    return
            await asyncio.sleep(0.02)
    raise TimeoutError(url)
