"""A router process with a recording webhook behind it, and what all compatibility tests ask of it."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiohttp

from tests.compat.process import KEY, RouterProcess, router_process
from tests.compat.recorder import Recorder, recording

NODE_FOLDER = Path(__file__).with_name("node")
CLIENT_SECONDS = 90.0


class Rig:
    """The router under test and what came out of it."""

    def __init__(self, router: RouterProcess, recorder: Recorder) -> None:
        self.router = router
        self.recorder = recorder

    @property
    def url(self) -> str:
        """Where the router listens."""
        return self.router.url

    async def settled(self) -> list[dict[str, Any]]:
        """Every event, once all that was accepted until now has come out; each must have come exactly once.

        A last event is sent behind all others. It is delivered after them, so whatever came twice is there by then.
        """
        last = f"last-{uuid4()}"
        await self.post({"userId": "rig", "event": "Last", "messageId": last, "writeKey": KEY})
        events = await self.recorder.wait(lambda events: any(event["messageId"] == last for event in events))
        assert self.recorder.copies() == []
        return [event for event in events if event.get("event") != "Last"]

    async def post(self, body: Mapping[str, Any], path: str = "/v1/track", **headers: str) -> None:
        """Post a body past the proxy; it must be taken."""
        async with (
            aiohttp.ClientSession() as session,
            session.post(self.url + path, json=body, headers=headers) as answer,
        ):
            assert (answer.status, await answer.json()) == (200, {"success": True})


@asynccontextmanager
async def rigging(folder: Path, **options: Any) -> AsyncIterator[Rig]:
    """Start a recorder and a router process in `folder`; `options` are those of `router_process`."""
    async with recording() as recorder, router_process(folder, recorder.url, **options) as router:
        yield Rig(router, recorder)


async def run_client(*command: str, **options: Any) -> dict[str, Any]:
    """Run a client program to its end with its options as JSON; returns the JSON that it printed."""
    process = await asyncio.create_subprocess_exec(
        *command,
        json.dumps(options),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), CLIENT_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, err.decode()
    report: dict[str, Any] = json.loads(out)
    return report


async def node_client(host: str, *, key: str = KEY, **options: Any) -> dict[str, Any]:
    """Make calls with @segment/analytics-node."""
    script = str(NODE_FOLDER / "six_calls.mjs")
    return await run_client("node", script, host=host, writeKey=key, **options)


async def python_client(host: str, *, key: str = KEY, **options: Any) -> dict[str, Any]:
    """Make calls with segment-analytics-python."""
    script = str(Path(__file__).with_name("six_calls.py"))
    return await run_client(sys.executable, script, host=host, write_key=key, **options)
