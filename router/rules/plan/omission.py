"""Open JSON without the properties that break a schema; what they stand in is copied, never changed."""

from collections.abc import Iterable
from typing import Any

from router.rules.plan.violation import Path


def droppable(offender: Path | None, part: str) -> Path | None:
    """What to leave out so that the offender goes: the named property that it is, or that it is an element of.

    None when that would be no property of `part` (`properties` or `traits`): an id, the context, the part itself.
    """
    if offender is None or offender[:1] != (part,):
        return None
    path = offender[1:]
    while path and not isinstance(path[-1], str):
        path = path[:-1]
    return path or None


def without(value: Any, paths: Iterable[Path]) -> Any:
    """A copy of `value` without the members at `paths`; paths that lead nowhere change nothing."""
    tree: dict[str | int, Any] = {}
    for path in paths:
        branch = tree
        for part in path[:-1]:
            branch = branch.setdefault(part, {})
            if branch is _GONE:
                break
        else:
            branch[path[-1]] = _GONE
    return _cut(value, tree)


_GONE: dict[str | int, Any] = {}
"""Marks, by being this very object, what is left out."""


def _cut(value: Any, tree: dict[str | int, Any]) -> Any:
    if isinstance(value, dict):
        return {
            name: _cut(member, tree[name]) if name in tree else member
            for name, member in value.items()
            if tree.get(name) is not _GONE
        }
    if isinstance(value, list):
        return [_cut(one, tree[index]) if index in tree else one for index, one in enumerate(value)]
    return value


def named(path: Path) -> str:
    """A path below the properties as it is reported: dotted, an element of a list as `$`."""
    return ".".join(part if isinstance(part, str) else "$" for part in path)
