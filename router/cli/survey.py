"""What a store holds: asked of the router that owns it, or looked up in the file when none runs."""

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from router.admin.client import AdminClient
from router.config.model import StorageConfig
from router.errors import PluginError
from router.plugins.registry import Registry
from router.storage.store import Counts, DestinationState, Storage, StoreFacts
from router.telemetry.signals import Signals


class Survey(Struct, frozen=True):
    """What a store holds."""

    url: str
    """Where the router listens; empty when none runs."""
    facts: StoreFacts
    counters: Counts
    destinations: Sequence[DestinationState]


def survey(config: StorageConfig) -> Survey | None:
    """Look at the store; None when there is none yet. Raises RouterError."""
    overview = AdminClient(config.path).overview()
    if overview is not None:
        counters = {tuple(name): amount for name, amount in overview.counters}
        return Survey(overview.url, overview.facts, counters, overview.destinations)
    if not Path(config.path).exists():
        return None
    stores = Registry.load().storages
    if config.kind not in stores:
        raise PluginError(f"no plugin offers the store kind {config.kind!r}; install the one that does")
    storage: Storage = stores[config.kind](config, signals=Signals(), clock=time.time)
    return asyncio.run(_open(storage))


async def _open(storage: Storage) -> Survey:
    try:
        await storage.open()
        return Survey("", await storage.facts(), await storage.counters(), await storage.destinations())
    finally:
        await storage.close()
