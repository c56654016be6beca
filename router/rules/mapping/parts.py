"""What a value of a mapping is compiled to: a constant, a path, or a closure."""

from typing import Any

from msgspec import UNSET, Struct

from router.rules.mapping.path import Resolve, member_of, walk


class Constant(Struct, frozen=True):
    """A value that is the same for every event."""

    value: Any


class Path(Struct, frozen=True):
    """The value that some keys lead to."""

    keys: tuple[str, ...]


Part = Constant | Path | Resolve


def as_resolve(part: Part) -> Resolve:
    """A part as a closure."""
    if isinstance(part, Constant):
        value = part.value
        return lambda root: value
    if not isinstance(part, Path):
        return part
    keys = part.keys
    if not keys:
        return lambda root: root
    if len(keys) == 1:
        (only,) = keys
        return lambda root: root.get(only, UNSET) if root.__class__ is dict else member_of(root, only)
    return lambda root: walk(root, keys)


def object_of(parts: dict[str, Part]) -> Resolve:
    """A closure that makes an object of parts; what is undefined is left out.

    Nearly all members of a mapping are short paths: those are walked here, which takes half the time of a call each.
    """
    members = [(key, *_short(part), as_resolve(part)) for key, part in parts.items()]

    def make(root: Any) -> dict[str, Any]:
        made = {}
        is_object = root.__class__ is dict
        for key, first, second, resolve in members:
            if first is None or not is_object:
                value = resolve(root)
            else:
                value = root.get(first, UNSET)
                if second is not None:
                    value = value.get(second, UNSET) if value.__class__ is dict else member_of(value, second)
            if value is not UNSET:
                made[key] = value
        return made

    return make


def _short(part: Part) -> tuple[str | None, str | None]:
    """The keys of a path of one or two."""
    if not isinstance(part, Path) or not 1 <= len(part.keys) <= 2:
        return None, None
    return part.keys[0], part.keys[1] if len(part.keys) == 2 else None
