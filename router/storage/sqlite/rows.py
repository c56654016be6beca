"""The parts of the store that have rows of their own and a contract of their own, each in its file."""

from collections.abc import Mapping

from router.errors import StoreUnavailable
from router.storage.sqlite.budgets import Budget
from router.storage.sqlite.connection import Connection
from router.storage.sqlite.dead_letters import SqliteDeadLetters
from router.storage.sqlite.expired import Ranges
from router.storage.sqlite.health import Health
from router.storage.sqlite.history import SqliteHistory
from router.storage.sqlite.inventory import SqliteInventory
from router.storage.sqlite.readers import Readers
from router.storage.sqlite.replays import SqliteReplays
from router.storage.sqlite.side_log import SqliteSideLog
from router.storage.sqlite.writer import Writer
from router.storage.store import Storage
from router.telemetry.signals import Signals


class Rows(Storage):
    """What of the store is answered by its parts, while it is open."""

    _connection: Connection | None
    _readers: Readers
    _writer: Writer
    _health: Health
    _side_budget: Budget
    _signals: Signals
    _expired: Mapping[str, Ranges]
    _store_id: bytes

    @property
    def letters(self) -> SqliteDeadLetters:
        """The dead letters."""
        return SqliteDeadLetters(self._open_readers, self._open_writer, self._store_id)

    @property
    def replays(self) -> SqliteReplays:
        """The replays."""
        return SqliteReplays(self._open_readers, self._open_writer, self._expired)

    @property
    def history(self) -> SqliteHistory:
        """How the counters grew over time."""
        return SqliteHistory(self._open_readers, self._open_writer)

    @property
    def inventory(self) -> SqliteInventory:
        """The inventory."""
        return SqliteInventory(self._open_readers, self._open_writer)

    @property
    def side_log(self) -> SqliteSideLog:
        """What waits outside the inbox."""
        return SqliteSideLog(
            self._open_readers, self._open_writer, self._health, self._side_budget, self._signals
        )

    @property
    def _open_writer(self) -> Writer:
        if self._connection is None:
            raise StoreUnavailable("the store is not open")
        return self._writer

    @property
    def _open_readers(self) -> Readers:
        if self._connection is None:
            raise StoreUnavailable("the store is not open")
        return self._readers
