"""Problems of a configuration: collected, each with its place, what is wrong and what to do about it."""

import re
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Protocol

from msgspec import Struct

Path = tuple[str, ...]
"""A key path, e.g. `("destinations", "crm", "settings", "url")`."""
_COLUMN = re.compile(r"(?:line \d+, )?column \d+: ")


class Problem(Struct, frozen=True):
    """One thing to mend."""

    path: Path
    what: str
    remedy: str
    value: str | None = None
    """The text that is wrong, as it is in the file."""
    at: tuple[int, int] | None = None
    """Line and column of the fault within that text; `what` says them too."""


class Where(Protocol):
    """Knows where keys and values stand in the file."""

    @property
    def lines(self) -> Mapping[Path, int]:
        """The line of each key."""

    def find(self, path: Path, text: str, at: tuple[int, int]) -> tuple[int, int] | None:
        """Line and column of a place in a text, in the value of `path` or of the key that holds it."""


class Problems:
    """Collects problems and words them: `router.toml:12: destinations.crm.kind: …; …`.

    Where it is known which text of the file is wrong, and where in it, the column stands behind the line.
    """

    def __init__(self, file: str | None = None, places: Where | None = None) -> None:
        self._file = file
        self._places = places
        self._found: list[Problem] = []

    def add(
        self,
        path: Path,
        what: str,
        remedy: str,
        *,
        value: str | None = None,
        at: tuple[int, int] | None = None,
    ) -> None:
        """Note a problem at `path`: what is wrong, and the remedy; perhaps the text that is wrong, and where in it."""
        self._found.append(Problem(path, what, remedy, value, at))

    def unknown(self, path: Path, known: Iterable[str], *, what: str = "is not a known key") -> None:
        """Note that the last name of `path` is none of `known`."""
        self.add(path, what, did_you_mean(path[-1], known))

    def __bool__(self) -> bool:
        return bool(self._found)

    def lines(self) -> list[str]:
        """Every problem as a line, in the order of the file."""
        placed = [(self._place(problem), problem) for problem in self._found]
        placed.sort(key=lambda pair: pair[0])
        return [self._worded(place, problem) for place, problem in placed]

    def _place(self, problem: Problem) -> tuple[int, int]:
        """The line of the longest part of the path that stands in the file, and the column; 0 for what is not known."""
        if self._places is None:
            return 0, 0
        if problem.value is not None:
            found = self._places.find(problem.path, problem.value, problem.at or (1, 1))
            if found is not None:
                return found
        for length in range(len(problem.path), 0, -1):
            if problem.path[:length] in self._places.lines:
                return self._places.lines[problem.path[:length]], 0
        return 0, 0

    def _worded(self, place: tuple[int, int], problem: Problem) -> str:
        line, column = place
        what = problem.what
        if column and problem.at is not None:  # the column within the text would only be in the way
            what = _COLUMN.sub("", what, count=1)
        numbers = f":{line}:{column}" if column else f":{line}" if line else ""
        file = f"{self._file}{numbers}: " if self._file else ""
        key = f"{dotted(problem.path)}: " if problem.path else ""
        return f"{file}{key}{what}; {problem.remedy}"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The remedy for a wrong name: the nearest valid one, or all of them."""
    names = sorted(known)
    near = get_close_matches(name, names, n=1, cutoff=0.6)
    if near:
        return f'did you mean "{near[0]}"?'
    return f"known are {', '.join(names)}" if names else "there are none"


def dotted(path: Path) -> str:
    """A key path as it is written in TOML."""
    return ".".join(
        part if part.replace("-", "").replace("_", "").isalnum() else f'"{part}"' for part in path
    )
