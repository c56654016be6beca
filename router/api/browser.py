"""The build of analytics.js, served from a folder that holds the pinned npm package's stand-alone files."""

from hashlib import blake2b
from pathlib import Path

SCRIPT = "standalone.js"
KEY_PLACE = b"__WRITE_KEY__"
MISSING = (
    "analytics.js is not built into this router. Run `make analytics-js` (or set analytics_js under [server] to the"
    " folder dist/umd of the npm package @segment/analytics-next), then start the router again.\n"
)


class AnalyticsJs:
    """Files of one release: the script and its chunks belong together, their names carry a hash."""

    def __init__(self, folder: Path | None) -> None:
        self._files: dict[str, bytes] = {}
        if folder is not None and (folder / SCRIPT).is_file():
            self._files = {path.name: path.read_bytes() for path in folder.glob("*.js")}

    @property
    def is_built_in(self) -> bool:
        """Whether there is a build to serve."""
        return SCRIPT in self._files

    def script(self, write_key: str) -> bytes | None:
        """The stand-alone script with the write key in its place."""
        script = self._files.get(SCRIPT)
        return None if script is None else script.replace(KEY_PLACE, write_key.encode())

    def chunk(self, name: str) -> bytes | None:
        """A lazily loaded chunk, by its file name."""
        return self._files.get(name)


def etag(body: bytes) -> str:
    """A strong entity tag."""
    return f'"{blake2b(body, digest_size=12).hexdigest()}"'
