"""What the reader of a mapping says when the mapping cannot be used."""

from collections.abc import Sequence

from msgspec import Struct

from router.errors import RouterError

Place = tuple[str, ...]
"""The keys that lead to a value inside a mapping."""


class Problem(Struct, frozen=True):
    """One thing that is wrong with a mapping."""

    place: Place
    what: str
    remedy: str

    def __str__(self) -> str:
        return f"/{'/'.join(self.place)} {self.what}; {self.remedy}"


class MappingRefused(RouterError):
    """A mapping cannot be used; `problems` holds every reason, each with its place and remedy."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = tuple(problems)
