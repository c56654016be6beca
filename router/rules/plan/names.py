"""Which property names a schema plans, at every depth, and an object without those that it does not."""

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import Struct

_COMBINING = ("allOf", "anyOf", "oneOf")
_CONDITIONAL = ("then", "else")


class Names(Struct, gc=False):
    """The names planned at one place; a reference of a schema to itself makes a tree that contains itself."""

    members: "dict[str, Names] | None" = None
    """None where nothing is named, so that anything may stand there."""
    items: "Names | None" = None
    """What is planned in the elements of a list."""


def names_of(schema: Mapping[str, Any], part: str) -> Names:
    """The names planned under `properties` or `traits` of a message; what names none plans none."""
    known: dict[int, Names] = {}
    whole = _read(schema, schema, known)
    found = (whole.members or {}).get(part, Names())
    return Names(found.members if found.members is not None else {})


def without_unplanned(value: Any, names: Names, omitted: dict[str, None]) -> Any:
    """`value` without unplanned names; it is the same object when it has none. `omitted` gathers dotted names.

    An element of a list is written `$`: `products.$.price`.
    """
    return _kept(value, names, omitted, "")


def _kept(value: Any, names: Names, omitted: dict[str, None], prefix: str) -> Any:
    if isinstance(value, dict) and names.members is not None:
        kept = {}
        is_changed = False
        for name, member in value.items():
            planned = names.members.get(name)
            if planned is None:
                omitted[prefix + name] = None
                is_changed = True
                continue
            kept[name] = _kept(member, planned, omitted, f"{prefix}{name}.")
            is_changed |= kept[name] is not member
        return kept if is_changed else value
    if isinstance(value, list) and names.items is not None:
        items = names.items
        elements = [_kept(one, items, omitted, f"{prefix}$.") for one in value]
        return elements if any(one is not old for one, old in zip(elements, value, strict=True)) else value
    return value


def _read(schema: Any, root: Mapping[str, Any], known: dict[int, Names]) -> Names:
    if not isinstance(schema, Mapping):
        return Names()
    if id(schema) in known:
        return known[id(schema)]
    found = known[id(schema)] = Names()
    properties = schema.get("properties")
    if properties:
        found.members = {name: _read(member, root, known) for name, member in properties.items()}
    if isinstance(schema.get("items"), Mapping):
        found.items = _read(schema["items"], root, known)
    for other in _others(schema, root):
        _add(found, _read(other, root, known))
    if "patternProperties" in schema or isinstance(schema.get("additionalProperties"), Mapping):
        found.members = None  # names that nobody could list are planned too
    return found


def _others(schema: Mapping[str, Any], root: Mapping[str, Any]) -> Iterator[Any]:
    """Schemas that the same value meets too."""
    for keyword in _COMBINING:
        yield from schema.get(keyword, ())
    for keyword in _CONDITIONAL:
        if keyword in schema:
            yield schema[keyword]
    if "$ref" in schema:
        yield _target(schema["$ref"], root)


def _target(reference: str, root: Mapping[str, Any]) -> Any:
    found: Any = root
    for part in reference.removeprefix("#").split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        found = found[int(name)] if isinstance(found, list) else found.get(name, {})
    return found


def _add(names: Names, other: Names) -> None:
    if other is names:
        return
    if other.members is not None:
        members = names.members = dict(names.members or {})
        for name, member in other.members.items():
            if name in members:
                merged = Names(members[name].members, members[name].items)
                _add(merged, member)
                members[name] = merged
            else:
                members[name] = member
    if other.items is not None and names.items is None:
        names.items = other.items
