"""Problems of a configuration: collected, each with its place, what is wrong and what to do about it."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches

from msgspec import Struct

Path = tuple[str, ...]
"""A key path, e.g. `("destinations", "crm", "settings", "url")`."""


class Problem(Struct, frozen=True):
    """One thing to mend."""

    path: Path
    what: str
    remedy: str


class Problems:
    """Collects problems and words them: `router.toml:12: destinations.crm.kind: …; …`."""

    def __init__(self, file: str | None = None, lines: Mapping[Path, int] | None = None) -> None:
        self._file = file
        self._lines = lines or {}
        self._found: list[Problem] = []

    def add(self, path: Path, what: str, remedy: str) -> None:
        """Note a problem at `path`: what is wrong, and the remedy."""
        self._found.append(Problem(path, what, remedy))

    def unknown(self, path: Path, known: Iterable[str], *, what: str = "is not a known key") -> None:
        """Note that the last name of `path` is none of `known`."""
        self.add(path, what, did_you_mean(path[-1], known))

    def __bool__(self) -> bool:
        return bool(self._found)

    def lines(self) -> list[str]:
        """Every problem as a line, in the order of the file."""
        placed = [(self._line(problem.path), problem) for problem in self._found]
        placed.sort(key=lambda pair: pair[0] or 0)
        return [self._worded(line, problem) for line, problem in placed]

    def _line(self, path: Path) -> int | None:
        """The line of the longest part of `path` that stands in the file."""
        for length in range(len(path), 0, -1):
            if path[:length] in self._lines:
                return self._lines[path[:length]]
        return None

    def _worded(self, line: int | None, problem: Problem) -> str:
        place = f"{self._file}:{line}: " if self._file and line else f"{self._file}: " if self._file else ""
        key = f"{dotted(problem.path)}: " if problem.path else ""
        return f"{place}{key}{problem.what}; {problem.remedy}"


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
