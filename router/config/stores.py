"""The stores that the router brings along, as a plugin like anybody's: `sqlite` and `memory`."""

from collections.abc import Callable, Mapping

from router.config.model import StorageConfig
from router.plugins.hookspecs import hookimpl
from router.storage.memory.store import MemoryStorage
from router.storage.sqlite.store import SqliteStorage
from router.storage.store import Storage
from router.telemetry.signals import Signals


@hookimpl
def register_storage() -> Mapping[str, Callable[..., Storage]]:
    """Offer the stores."""
    return {"sqlite": _sqlite, "memory": _memory}


def _sqlite(config: StorageConfig, *, signals: Signals, clock: Callable[[], float]) -> Storage:
    """One file on this machine; nothing that was answered 200 is lost."""
    return SqliteStorage(
        path=config.path,
        inbox_budget=config.inbox_budget,
        stream_budget=config.stream_budget,
        side_budget=config.side_budget,
        retention=config.retention,
        dead_letter_retention=config.dead_letter_retention,
        dedupe_window=config.dedupe_window,
        free_floor=config.free_floor,
        ballast_bytes=config.ballast,
        signals=signals,
        clock=clock,
    )


def _memory(config: StorageConfig, *, signals: Signals, clock: Callable[[], float]) -> Storage:
    """A store that forgets everything when the process ends."""
    return MemoryStorage(
        dedupe_window=config.dedupe_window, inbox_budget=config.inbox_budget, side_budget=config.side_budget
    )
