"""Notices when the configuration's files change: the file itself, secrets, settings, plans, databases, plugins.

It watches the folders that they lie in, because editors and secret stores put a new file in the old one's place, and
then looks at the files' contents: a file that was only touched has not changed. It also looks every few seconds
unasked, for file systems that tell nothing.
"""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing
from hashlib import blake2b
from pathlib import Path

from watchfiles import awatch

from router.actors.actor import Actor
from router.config.model import Config
from router.plugins.directory import digest
from router.plugins.settings import FileText
from router.rules.plan.reading import MOST_BYTES
from router.telemetry.happenings import ConfigUnwatched
from router.telemetry.signals import Signals

GATHER_MILLISECONDS = 1000
"""How long changes that follow each other are gathered at most."""
QUIET_MILLISECONDS = 50
"""After so long without a further change they are looked at."""
LOOK_MILLISECONDS = 5000

Digests = dict[str, str]
"""Of each watched file or folder, by its path."""


class FileWatch(Actor):
    """Calls `changed` when a watched file has other contents than before."""

    name = "file watch"

    def __init__(
        self, file: str, config: Callable[[], Config], changed: Callable[[], None], *, signals: Signals
    ) -> None:
        self._file = file
        self._config = config
        self._changed = changed
        self._signals = signals
        self._again = asyncio.Event()
        self._is_stopping = False
        self._seen = digests(file, config())  # now, so that no change since it was read is missed

    def look_again(self) -> None:
        """Find out anew what is to be watched: the configuration is another one."""
        self._again.set()

    async def stop(self) -> None:
        """End the watch."""
        self._is_stopping = True
        self._again.set()

    async def run(self) -> None:
        """Watch."""
        try:
            while not self._is_stopping:
                await self._watch(self._config())
        except (OSError, RuntimeError) as error:
            self._signals.emit(ConfigUnwatched(str(error)))

    async def _watch(self, config: Config) -> None:
        """Watch what `config` is made of, until it is another one."""
        self._again.clear()
        self._seen = {**await asyncio.to_thread(digests, self._file, config), **self._seen}
        noticed = awatch(
            *await asyncio.to_thread(folders, self._file, config),
            watch_filter=None,
            stop_event=self._again,
            debounce=GATHER_MILLISECONDS,
            step=QUIET_MILLISECONDS,
            rust_timeout=LOOK_MILLISECONDS,
            yield_on_timeout=True,
            recursive=False,
        )
        async with aclosing(noticed):
            async for _ in noticed:
                now = await asyncio.to_thread(digests, self._file, config)
                if any(self._seen.get(path) != now[path] for path in now):
                    self._seen = now
                    if config.server.watch:
                        self._changed()


def digests(file: str, config: Config) -> Digests:
    """The digests of everything that `config` was made of; blocks while it reads."""
    found = {path: _digest(Path(path)) for path in (file, *files_of(config))}
    found |= {path: _state(Path(path)) for path in enrichment_files(config)}
    for directory in config.plugins.directories:
        found[directory] = ",".join(f"{one.name}:{digest(one)}" for one in _code(Path(directory)))
    return found


def folders(file: str, config: Config) -> set[Path]:
    """The folders in which a change may be one of the configuration."""
    found = {Path(path).parent for path in (file, *files_of(config), *enrichment_files(config))}
    for directory in config.plugins.directories:
        found.add(Path(directory))
        found.update(one for one in Path(directory).rglob("*") if one.is_dir() and one.name != "__pycache__")
    return {one for one in found if one.is_dir()}


def secret_files(config: Config) -> set[str]:
    """The files that secrets were read from."""
    references = config.references.values()
    return {one.removeprefix("file:") for one in references if one.startswith("file:")}


def files_of(config: Config) -> set[str]:
    """The files that secrets, tracking plans and the texts of settings were read from."""
    settings = [one.settings for one in config.destinations.values()]
    settings += [one.settings for one in config.transformations.values()]
    values = [getattr(one, field) for one in settings for field in one.__struct_fields__]
    texts = (value.path for value in values if isinstance(value, FileText))
    return {*secret_files(config), *texts, *(one.file for one in config.plans.values())}


def enrichment_files(config: Config) -> set[str]:
    """The files that enrichers were made of, such as databases."""
    return {path for one in config.enrichments.values() for path in one.enricher.files}


def _code(directory: Path) -> Iterator[Path]:
    if directory.is_dir():
        for one in sorted(directory.iterdir()):
            if one.suffix == ".py" or (one.is_dir() and one.name != "__pycache__"):
                yield one


def _state(file: Path) -> str:
    """What tells a large file from the one before, without reading it."""
    try:
        found = file.stat()
    except OSError as error:
        return f"unreadable: {error.errno}"
    return f"{found.st_mtime_ns} {found.st_size} {found.st_ino}"


def _digest(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return blake2b(opened.read(MOST_BYTES + 1), digest_size=16).hexdigest()
    except OSError as error:
        return f"unreadable: {error.errno}"
