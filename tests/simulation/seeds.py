"""Plays seeds in this process, one after the other, each on a file of its own in memory."""

import asyncio
import gc
import tempfile
from pathlib import Path

from msgspec import Struct

from tests.simulation.disk import make_template
from tests.simulation.verdict import verdict
from tests.simulation.world import World

MEMORY = Path("/dev/shm")
"""A folder in memory, where there is one: a seed syncs its file a hundred times."""


class Played(Struct, frozen=True):
    """What became of a seed."""

    seed: int
    problems: tuple[str, ...]
    fingerprint: str
    events: int
    """Events of its stream."""
    lives: int


class Stage:
    """A folder with a new store to copy from; use as a context."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None)
        self._path = Path(self._folder.name)
        asyncio.run(make_template(self._path / "new.db"))

    def __enter__(self) -> "Stage":
        return self

    def __exit__(self, *error: object) -> None:
        self._folder.cleanup()

    def world(self, seed: int) -> World:
        """A world that was not played yet."""
        return World(seed, path=self._path / "router.db", template=self._path / "new.db")

    def play(self, seed: int) -> Played:
        """Play a seed; a mistake of the simulation itself is a problem like any other."""
        world = self.world(seed)
        try:
            world.play()
            verdict(world)
        except Exception as error:
            world.problems.append(_innermost(error))
        played = Played(
            seed, tuple(world.problems), world.fingerprint, len(world.chronicle.lines), len(world.lives)
        )
        gc.collect(1)
        return played


def _innermost(error: BaseException) -> str:
    """What went wrong, without the groups that it is packed in."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return f"the simulation failed with {type(error).__name__}: {error}"
