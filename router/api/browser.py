"""The build of analytics.js, served from a folder that holds the pinned npm package's stand-alone files."""

import gzip
import json
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from msgspec import Struct

SCRIPT = "standalone.js"
KEY_PLACE = b"__WRITE_KEY__"
MISSING = (
    "analytics.js is not built into this router. Run `make analytics-js` (or set analytics_js under [server] to the"
    " folder dist/umd of the npm package @segment/analytics-next), then start the router again.\n"
)
_KEYS = 64
"""Sources whose script is kept ready; each takes some 100 KiB."""


class Asset(Struct, frozen=True):
    """A file, ready to be sent."""

    body: bytes
    packed: bytes
    """With gzip; empty when it is only sent as it is."""
    tag: str
    """Its entity tag, without quotes."""


class AnalyticsJs:
    """Files of one release: the script and its chunks belong together, their names carry a hash."""

    def __init__(self, folder: Path | None) -> None:
        self._files: dict[str, bytes] = {}
        if folder is not None and (folder / SCRIPT).is_file():
            self._files = {path.name: path.read_bytes() for path in folder.glob("*.js")}
        self._script = lru_cache(maxsize=_KEYS)(self._make_script)
        self._chunks: dict[str, Asset] = {}

    @property
    def is_built_in(self) -> bool:
        """Whether there is a build to serve."""
        return SCRIPT in self._files

    def script(self, write_key: str) -> Asset | None:
        """The stand-alone script with the write key in its place."""
        return self._script(write_key) if self.is_built_in else None

    def chunk(self, name: str) -> Asset | None:
        """A lazily loaded chunk, by its file name."""
        if name not in self._chunks and name in self._files:
            self._chunks[name] = asset(self._files[name])
        return self._chunks.get(name)

    def _make_script(self, write_key: str) -> Asset:
        quoted = json.dumps(write_key)[1:-1].encode()
        return asset(self._files[SCRIPT].replace(KEY_PLACE, quoted))


def asset(body: bytes, *, packs: bool = True) -> Asset:
    """A body with its entity tag, and packed if that is worth it."""
    packed = gzip.compress(body, 6, mtime=0) if packs else b""
    return Asset(body, packed, blake2b(body, digest_size=12).hexdigest())
