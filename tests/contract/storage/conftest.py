"""Every implementation of the storage contract; a new one is added to `STORES`."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from router.storage.memory.separate import SeparateStorage
from router.storage.memory.store import MemoryStorage
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Storage
from router.telemetry.signals import Signal, Signals
from tests.contract.storage.faults import Opened

STORES: dict[str, Callable[[Path], Storage]] = {
    "memory": lambda folder: MemoryStorage(dedupe_window=60),
    "separate": lambda folder: SeparateStorage(dedupe_window=60),
    "sqlite": lambda folder: SqliteStorage(
        path=folder / "router.db", dedupe_window=60, free_floor=0, ballast_bytes=0, seal_ids=64
    ),
}


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Storage]:
    made = STORES[request.param](tmp_path)
    await made.open()
    try:
        yield made
    finally:
        await made.close()


@pytest.fixture
def heard() -> list[Signal]:
    return []


@pytest.fixture
def opened(tmp_path: Path, heard: list[Signal]) -> Opened:
    @asynccontextmanager
    async def opened(**options: Any) -> AsyncIterator[SqliteStorage]:
        signals = Signals()
        signals.observe(heard.append)
        plain = {"path": tmp_path / "router.db", "free_floor": 0, "ballast_bytes": 0, "seal_ids": 64}
        store = SqliteStorage(**{**plain, "signals": signals, **options})
        await store.open()
        try:
            yield store
        finally:
            await store.close()

    return opened
