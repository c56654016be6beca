"""Values that many devices send and that are nobody's identifier (identity 2.3)."""

from collections.abc import Iterable

from router.rules.expressions import searching

EVERY = "*"
"""Stands for every type of identifier."""
SUGGESTED_VALUES = ("-1", "null", "anonymous")


class Blocked:
    """The values of one type that are not taken; `values` are compared without regard to case."""

    def __init__(
        self, values: Iterable[str] = (), patterns: Iterable[str] = (), *, zeroes: bool = False
    ) -> None:
        """With `zeroes`, what consists of zeroes and dashes is blocked too. Raises ValueError for a wrong pattern."""
        self._values = frozenset(one.strip().casefold() for one in values)
        self._searches = tuple(searching(one) for one in patterns)
        self._zeroes = zeroes

    def has(self, value: str) -> bool:
        """Whether `value`, trimmed, is blocked."""
        if value.casefold() in self._values or (self._zeroes and not value.strip("0-")):
            return True
        return any([is_found(value) for is_found in self._searches])
