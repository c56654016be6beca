"""Values that many devices send and that are nobody's identifier (identity 2.3)."""

import re
from collections.abc import Iterable

EVERY = "*"
"""Stands for every type of identifier."""
SUGGESTED_VALUES = ("-1", "null", "anonymous")
SUGGESTED_PATTERNS = ("^[0-]*$",)


class Blocked:
    """The values of one type that are not taken; `values` are compared without regard to case."""

    def __init__(self, values: Iterable[str] = (), patterns: Iterable[str] = ()) -> None:
        """Raises re.error for a pattern that is no regular expression."""
        self._values = frozenset(one.strip().casefold() for one in values)
        self._searches = tuple(re.compile(one).search for one in patterns)

    def has(self, value: str) -> bool:
        """Whether `value`, trimmed, is blocked."""
        if value.casefold() in self._values:
            return True
        return any([search(value) is not None for search in self._searches])
