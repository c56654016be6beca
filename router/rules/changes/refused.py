"""What is said of a change that makes no sense."""

from router.errors import RouterError


class ChangeRefused(RouterError):
    """A description of changes cannot be used; `place` says which part of it, and the message what to write."""

    def __init__(self, problem: str, *, place: str = "") -> None:
        super().__init__(f"{place}: {problem}" if place else problem)
        self.problem = problem
        self.place = place
