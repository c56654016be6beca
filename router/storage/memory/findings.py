"""Fields that probably hold personal data, in memory."""

from collections.abc import Sequence

import msgspec

from router.events.found_field import FoundField
from router.storage.findings import FindingRows


class MemoryFindings(FindingRows):
    """The found fields of a store in memory; encoded, because the rows that it is given change later."""

    def __init__(self) -> None:
        self._rows: dict[str, bytes] = {}

    async def read(self) -> list[FoundField]:
        """All rows."""
        return [msgspec.msgpack.decode(self._rows[path], type=FoundField) for path in sorted(self._rows)]

    async def keep(self, rows: Sequence[FoundField], gone: Sequence[str] = ()) -> None:
        """Write and remove rows."""
        for path in gone:
            self._rows.pop(path, None)
        self.add(rows)

    def add(self, rows: Sequence[FoundField]) -> None:
        """Write rows, as a part of a commit."""
        self._rows.update({one.path: msgspec.msgpack.encode(one) for one in rows})
