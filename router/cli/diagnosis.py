"""What the doctor knows: each function looks at one thing and returns what it found."""

import asyncio
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from router.admin.overview import Overview
from router.config.model import Config, DestinationConfig, StorageConfig
from router.storage.replays import is_replay
from router.telemetry.audit import unexplained
from router.telemetry.conservation import all_sums

CHECK_SECONDS = 10.0


class Finding(Struct, frozen=True):
    """One thing that was found."""

    weight: Literal["good", "warning", "bad"]
    """`warning`: worth a look; `bad`: must be mended."""
    text: str
    """What it is, and what to do."""


def look_at_store(storage: StorageConfig, seen: Overview) -> Iterator[Finding]:
    """Space, budgets and damage."""
    facts = seen.facts
    runs = (
        f"a router runs at {seen.url}" if seen.url else "no router runs; the store was opened for this look"
    )
    yield Finding("good", runs)
    yield Finding(
        "good",
        f"the store {facts.path} has schema {facts.schema_version}, {facts.stream_next} events so far, "
        f"positions from {facts.stream_first} on are kept",
    )
    if not facts.is_writable:
        yield Finding("bad", f"the store cannot be written: {facts.trouble}")
    if facts.free_bytes < storage.free_floor:
        yield Finding(
            "bad",
            f"{_size(facts.free_bytes)} of the disk are free and nothing is accepted below "
            f"{_size(storage.free_floor)}; make room, or lower [storage] free_floor",
        )
    elif facts.free_bytes < 4 * storage.free_floor:
        yield Finding("warning", f"only {_size(facts.free_bytes)} of the disk are free; make room")
    else:
        yield Finding("good", f"{_size(facts.free_bytes)} of the disk are free")
    yield from _budget("inbox", facts.inbox_bytes, storage.inbox_budget)
    yield from _budget("stream", facts.stream_bytes, storage.stream_budget)
    if facts.side_bytes:
        yield from _budget("side", facts.side_bytes, storage.side_budget, name="side log")
    lag = facts.inbox_next - facts.inbox_cursor
    if lag:
        yield Finding("good" if lag < 100_000 else "warning", f"{lag} accepted events wait for processing")
    for first, after in facts.set_aside:
        yield Finding(
            "bad",
            f"positions {first} to {after - 1} of the stream were damaged and set aside ({after - first} events); "
            "check the disk; send them again from where they came if you can",
        )
    for warning in facts.warnings:
        yield Finding("warning", warning)


def look_at_sums(seen: Overview) -> Iterator[Finding]:
    """Whether every event of every destination has an end or waits for one."""
    for one in all_sums(seen.books):
        if one.missing:
            yield Finding("bad", unexplained(one))
        elif one.pending or not is_replay(one.destination):  # a replay that is over is of no interest
            yield Finding("good", f"{one.whose}: {one}")
    for state in seen.books.destinations:
        if state.parked:
            yield Finding(
                "warning", f"destination {state.name}: {state.parked} events wait alone for another attempt"
            )


def look_at_sources(seen: Overview) -> Iterator[Finding]:
    """Whether the plugin of each source reads, and what waits for functions of sources."""
    for name, trouble in seen.source_troubles.items():
        yield Finding("bad", f"source {name}: {trouble}")
    for lane in seen.books.lanes:
        if lane.put_off:
            yield Finding(
                "warning", f"{lane.name}: {lane.put_off} of {lane.waiting} failed and wait for another try"
            )


async def look_at_destinations(config: Config) -> list[Finding]:
    """Whether the settings of each destination can work, by its own check."""
    checks = [_check(one) for one in config.destinations.values()]
    results = await asyncio.gather(*checks, return_exceptions=True)
    return [
        _checked(config, one, result)
        for one, result in zip(config.destinations.values(), results, strict=True)
    ]


async def _check(one: DestinationConfig) -> None:
    await asyncio.wait_for(one.destination().check(), CHECK_SECONDS)


def _checked(config: Config, one: DestinationConfig, result: BaseException | None) -> Finding:
    if result is None:
        return Finding("good", f"destination {one.name}: its settings work")
    if isinstance(result, TimeoutError):
        return Finding("bad", f"destination {one.name}: no answer within {CHECK_SECONDS:.0f} s")
    said = config.without_secrets(one, f"{type(result).__name__}: {result}")
    return Finding("bad", f"destination {one.name}: {said}; mend its settings")


def _budget(key: str, used: int, budget: int, *, name: str = "") -> Iterator[Finding]:
    share = used / budget if budget else 0.0
    text = f"the {name or key} uses {_size(used)} of its {_size(budget)}"
    if share >= 0.8:
        yield Finding("warning", f"{text}; raise [storage] {key}_budget, or see why it is not emptied")
    else:
        yield Finding("good", text)


def _size(count: int) -> str:
    """A size for people."""
    size = float(count)
    for unit in ("bytes", "KiB", "MiB", "GiB"):
        if size < 1024:
            return f"{size:.0f} {unit}" if unit == "bytes" else f"{size:.1f} {unit}"
        size /= 1024
    return f"{size:.1f} TiB"
