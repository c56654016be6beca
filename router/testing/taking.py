"""What a source plugin hands over: judged as the engine judges it, without a router.

done = take(configured(Orders, url="https://shop.example.com"), cursor=7)
assert [call["event"] for call in done.calls] == ["Order Completed"]
assert done.cursor == 8
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import msgspec
from msgspec import UNSET, Struct, field

from router.events.calls import decode_open_json
from router.ingestion.source_calls import parts, read_part
from router.plugins.source import Call, SourcePlugin
from router.rules.request import Limits
from router.testing.sample import configured

SECONDS = 10.0
"""How long it may take."""


class Taken(Struct):
    """What was handed over, and where the source stands then."""

    cursor: Any
    """The last cursor, as it comes back from JSON."""
    calls: list[dict[str, Any]] = field(default_factory=list)
    """The calls that were taken, in order, as JSON has them."""
    refused: list[str] = field(default_factory=list)
    """The reason code of each call that was refused."""


class _Enough(BaseException):
    """Ends a `run` that does not return."""


def take(
    source: SourcePlugin[Any] | type[SourcePlugin[Any]], *, cursor: Any = None, calls: int | None = None
) -> Taken:
    """Open the source at `cursor`, run it once and close it, as the engine does.

    Where `run` never returns, say after how many `calls` it ends. What it raises is raised here; TimeoutError after
    ten seconds. A class in place of an instance is used with its sample configuration.
    """
    instance = configured(source) if isinstance(source, type) else source
    taken = Taken(cursor)
    with ThreadPoolExecutor(1) as thread:  # the caller may have a running loop of its own
        thread.submit(asyncio.run, _run(instance, taken, calls)).result()
    return taken


async def _run(source: SourcePlugin[Any], taken: Taken, enough: int | None) -> None:
    async def accept(calls: Sequence[Call], *, cursor: Any = UNSET) -> None:
        for part in parts(calls, Limits()):
            for received in read_part(part, Limits()):
                if received.calls:
                    taken.calls += decode_open_json(received.body)["batch"]
                taken.refused += [one.reason for one in received.refused]
        if cursor is not UNSET:
            source.cursor = taken.cursor = msgspec.json.decode(msgspec.json.encode(cursor))
        if enough is not None and len(taken.calls) >= enough:
            raise _Enough

    source.cursor = taken.cursor
    async with asyncio.timeout(SECONDS):
        try:
            await source.open()
            await source.run(accept)
        except _Enough:
            pass
        finally:
            await source.close()
