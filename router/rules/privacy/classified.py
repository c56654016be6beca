"""The fields that people have given a colour."""

from collections.abc import Iterable

from router.rules.privacy.controls import is_path


class Classified:
    """Fields by name or by path."""

    def __init__(self, fields: Iterable[str]) -> None:
        found = tuple(fields)
        self._names = frozenset(one for one in found if not is_path(one))
        self._paths = frozenset(one for one in found if is_path(one))

    def has(self, path: str, key: str = "") -> bool:
        """Whether the field at this path has a colour; `key` is its last key, where that holds a dot itself."""
        return path in self._paths or (key or path.rpartition(".")[2]) in self._names
