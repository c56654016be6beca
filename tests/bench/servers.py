"""The servers that the bench compares, each in a process of its own.

bare       an aiohttp application that reads the body and answers 200
accept     the router's doors and ingestion on the SQLite store, processing stopped
fdatasync  the same doors and ingestion, appending the bodies to a file with fdatasync
router     a whole router with a webhook for each URL given
enriched   a router with three enrichments
processed  a router with a plan, three enrichments, a filter and a transformation
profiles   a router with profiles, their API open
sink       a webhook that counts events, and can be told to fail, to be slow, and how long events were under way
"""

import asyncio
import gc
import json
import os
import re
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

import uvloop
from aiohttp import web

from router.app import Router
from router.cli.memory import share_one_arena
from router.config.load import load
from router.storage.entry import Entry
from router.storage.memory.store import MemoryStorage
from router.storage.store import Counts

ANSWER = b'{"success":true}'
SLOW_SECONDS = 30.0
RECEIVED_AT = re.compile(rb'"receivedAt":"([^"]+)"')

ENRICHED = ["geo", "user_agent", "campaign"]
_MEMBER = {"sku": {"type": "string"}, "price": {"type": "number"}, "quantity": {"type": "integer"}}
_PROPERTIES = {
    **{name: {"type": "string"} for name in ("order_id", "affiliation", "currency", "coupon", "checkout_id")},
    **{
        name: {"type": "number"}
        for name in ("total", "subtotal", "revenue", "shipping", "tax", "discount", "value")
    },
    "products": {"type": "array", "items": {"type": "object", "properties": _MEMBER}},
}
SCHEMA = {
    "type": "object",
    "required": ["properties"],
    "properties": {
        "properties": {"type": "object", "required": ["order_id", "total"], "properties": _PROPERTIES}
    },
}
"""What a plan says of the event that every figure is measured with."""


async def bare(folder: Path) -> str:
    """The floor: HTTP and nothing else."""

    async def accept(request: web.Request) -> web.Response:
        await request.read()
        return web.Response(body=ANSWER, content_type="application/json")

    application = web.Application(client_max_size=4 << 20)
    application.router.add_post("/{tail:.*}", accept)
    return await _listen(application)


async def sink(folder: Path) -> str:
    """Counts what it gets; GET tells the number.

    After `GET /down` it answers 503 until `GET /up`; what is posted to `/slow/…` is answered after 30 s; of what is
    posted to `/timed/…` the time since `receivedAt` is kept, and `GET /times` gives it away, in milliseconds.
    """
    counted = 0
    is_down = False
    times: list[float] = []

    async def hook(request: web.Request) -> web.Response:
        nonlocal counted
        body = await request.read()
        if is_down:
            return web.Response(status=503)
        if request.path.startswith("/slow/"):
            await asyncio.sleep(SLOW_SECONDS)
        if request.path.startswith("/timed/"):
            now = time.time()
            times.extend((now - _seconds(found)) * 1000 for found in RECEIVED_AT.findall(body))
        counted += body.count(b'"messageId"')
        return web.Response()

    async def tell(request: web.Request) -> web.Response:
        nonlocal is_down
        if request.path in ("/down", "/up"):
            is_down = request.path == "/down"
        if request.path == "/times":
            told = " ".join(f"{one:.2f}" for one in times)
            times.clear()
            return web.Response(text=told)
        return web.Response(text=str(counted))

    application = web.Application(client_max_size=64 << 20)
    application.router.add_post("/{tail:.*}", hook)
    application.router.add_get("/{tail:.*}", tell)
    return await _listen(application)


def _seconds(text: bytes) -> float:
    return datetime.fromisoformat(text.decode()).timestamp()


class FileLog(MemoryStorage):
    """Appends bodies to a file and waits for fdatasync: the least that "kept before it is answered" can cost."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._file = path.open("ab", buffering=0)
        self._next = 0

    async def append(self, entries: Sequence[Entry], counts: Counts) -> int:
        """Write the bodies of the group and sync once."""
        first = self._next
        self._next += sum(entry.events for entry in entries)
        await asyncio.to_thread(self._write, b"\n".join([entry.body for entry in entries]))
        return first

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        os.fdatasync(self._file.fileno())


def _config(
    folder: Path, source: Mapping[str, object] | None = None, **destinations: object
) -> dict[str, object]:
    return {
        "server": {"port": 0},
        "storage": {"path": str(folder / "router.db"), "free_floor": 0, "ballast": 0},
        "sources": {"bench": {"write_key": "wk_bench", "rate_limit": 0, **(source or {})}},
        "destinations": destinations,
    }


async def accept(folder: Path) -> str:
    """Doors, ingestion and the store; nobody reads the inbox."""
    router = Router(load(_config(folder)), processes=False)
    await router.__aenter__()
    return router.url


async def fdatasync(folder: Path) -> str:
    """Doors and ingestion in front of a plain file."""
    router = Router(load(_config(folder)), storage=FileLog(folder / "log"), processes=False)
    await router.__aenter__()
    return router.url


async def enriched(folder: Path, *hooks: str) -> str:
    """A whole router whose source has three enrichments."""
    return await _whole(folder, hooks, {}, source={"enrich": ENRICHED})


async def processed(folder: Path, *hooks: str) -> str:
    """A whole router with all that may happen to an event: a plan, enrichments, a filter, a transformation."""
    plan = folder / "plan.json"
    plan.write_text(
        json.dumps(
            {"rules": [{"type": "TRACK", "key": "Order Completed", "version": 1, "jsonSchema": SCHEMA}]}
        )
    )
    sections: dict[str, object] = {
        "plans": {"shop": {"file": str(plan)}},
        "transformations": {
            "tidy": {
                "kind": "steps",
                "sources": ["bench"],
                "settings": {"steps": [{"set": {"properties.shop": "web"}}]},
            }
        },
    }
    return await _whole(
        folder,
        hooks,
        sections,
        source={"enrich": ENRICHED, "plan": "shop"},
        destination={"filter": 'type = "page" or type = "track"'},
    )


async def router(folder: Path, *hooks: str) -> str:
    """A whole router with a webhook of batches for each URL, or with none."""
    return await _whole(folder, hooks, {})


async def profiles(folder: Path, *hooks: str) -> str:
    """The same, which resolves events and answers the Profile API."""
    return await _whole(folder, hooks, {"identity": {}, "spaces": {"default": {"tokens": ["pt_bench"]}}})


async def _whole(
    folder: Path,
    hooks: Sequence[str],
    sections: Mapping[str, object],
    *,
    source: Mapping[str, object] | None = None,
    destination: Mapping[str, object] | None = None,
) -> str:
    webhooks = {
        f"hook{number}": {
            "kind": "webhook",
            "settings": {"url": url},
            "batching": {"max_events": 100},
            "retry": {"give_up": "30d", "timeout": "60s"},
            **(destination or {}),
        }
        for number, url in enumerate(hooks)
    }
    whole = Router(load({**_config(folder, source, **webhooks), **sections}))
    await whole.__aenter__()
    return whole.url


async def _listen(application: web.Application) -> str:
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    return f"http://127.0.0.1:{runner.addresses[0][1]}"


async def main(kind: str, folder: str, *arguments: str) -> None:
    """Start the server, print its URL, run until SIGTERM."""
    kinds = {
        "bare": bare,
        "accept": accept,
        "fdatasync": fdatasync,
        "router": router,
        "enriched": enriched,
        "processed": processed,
        "profiles": profiles,
        "sink": sink,
    }
    url = await kinds[kind](Path(folder), *arguments)
    gc.collect()
    gc.freeze()  # as `router run` does
    print(url, flush=True)
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    os._exit(0)  # what it holds is thrown away with its folder


if __name__ == "__main__":
    share_one_arena()  # as `router run` does
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main(*sys.argv[1:]))
