"""The inventory in memory."""

from collections.abc import Sequence

import msgspec

from router.storage.inventory import InventoryRows, SeenEvent
from router.storage.memory.findings import MemoryFindings


class MemoryInventory(InventoryRows):
    """The inventory of a store in memory; encoded, because the rows that it is given change later."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str, str], bytes] = {}
        self._findings = MemoryFindings()

    @property
    def findings(self) -> MemoryFindings:
        """The found fields."""
        return self._findings

    async def read(self) -> list[SeenEvent]:
        """All rows."""
        return [msgspec.msgpack.decode(self._rows[key], type=SeenEvent) for key in sorted(self._rows)]

    async def keep(self, rows: Sequence[SeenEvent]) -> None:
        """Write rows."""
        self._rows.update({(one.source, one.type, one.name): msgspec.msgpack.encode(one) for one in rows})
