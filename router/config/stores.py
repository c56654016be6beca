"""The stores that the router brings along, as a plugin like anybody's: `sqlite` and `memory`."""

from collections.abc import Callable, Mapping

from router.config.model import StorageConfig
from router.plugins.hookspecs import hookimpl
from router.storage.memory.store import MemoryStorage
from router.storage.store import Storage
from router.telemetry.signals import Signals


@hookimpl
def register_storage() -> Mapping[str, Callable[..., Storage]]:
    """Offer the stores."""
    return {"memory": _memory}


def _memory(config: StorageConfig, *, signals: Signals, clock: Callable[[], float]) -> Storage:
    """A store that forgets everything when the process ends."""
    return MemoryStorage(dedupe_window=config.dedupe_window, inbox_budget=config.inbox_budget)
