"""What the reader of a destination filter says when it cannot be used."""

from collections.abc import Sequence

from msgspec import Struct

from router.errors import RouterError


class FilterProblem(Struct, frozen=True):
    """One thing to mend."""

    place: str
    """Where in the filter, e.g. `if` or `actions[0].percent`; empty for the filter as a whole."""
    what: str
    remedy: str
    text: str | None = None
    """The text that is wrong."""
    at: tuple[int, int] | None = None
    """Line and column of the fault within it."""


class FilterRefused(RouterError):
    """A destination filter cannot be used; `problems` says everything that is wrong with it."""

    def __init__(self, problems: Sequence[FilterProblem]) -> None:
        super().__init__("; ".join(f"{one.place}: {one.what}; {one.remedy}" for one in problems))
        self.problems = tuple(problems)
