"""Proposes a tracking plan from what was seen: a beginning for people to read and mend, not a law.

A property is required when every event that was looked into had it, and enough of them were. What was both null and
something else may be null. Choices (`enum`) are not guessed: the inventory keeps no values.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from router.rules.observing import names_in
from router.storage.inventory import SeenEvent, SeenProperty

ENOUGH = 10
"""From so many events on, what was always there counts as required."""
_DRAFT = "http://json-schema.org/draft-07/schema#"
_TYPES = {"track": "TRACK", "page": "PAGE", "screen": "SCREEN", "identify": "IDENTIFY", "group": "GROUP"}
_TRAITS = ("identify", "group")
_ORDER = ("track", "page", "screen", "identify", "group")


class _Node(Struct):
    seen: SeenProperty | None = None
    members: "dict[str, _Node]" = field(default_factory=dict)


def infer_plan(events: Sequence[SeenEvent], *, name: str) -> dict[str, Any]:
    """A plan in the shape of the Public API with a rule for each track event, and one for each other type."""
    rules = []
    for kind in _ORDER:
        found = [one for one in events if one.type == kind and one.looked]
        if kind == "track":
            rules += [_rule(kind, one.name, one) for one in sorted(found, key=lambda one: one.name)]
        elif found:
            rules.append(_rule(kind, "", _together(found)))
    return {"name": name, "rules": rules}


def _rule(kind: str, key: str, event: SeenEvent) -> dict[str, Any]:
    part = "traits" if kind in _TRAITS else "properties"
    root = _Node()
    for path, seen in event.properties.items():
        node = root
        for name in names_in(path):
            node = node.members.setdefault(name, _Node())
        node.seen = seen
    schema = _object(root.members, event.looked)
    whole: dict[str, Any] = {"$schema": _DRAFT, "type": "object", "properties": {part: schema}}
    if "required" in schema:
        whole["required"] = [part]
    named = {"key": key} if key else {}
    return {"type": _TYPES[kind], **named, "version": 1, "jsonSchema": whole}


def _object(members: Mapping[str, _Node], whole: int) -> dict[str, Any]:
    """`whole` is how often the object itself was there; 0 where that is not known, as within a list."""
    found: dict[str, Any] = {"type": "object"}
    if members:
        found["properties"] = {name: _schema(node, whole) for name, node in sorted(members.items())}
    required = [
        name for name, node in sorted(members.items()) if node.seen and node.seen.count == whole >= ENOUGH
    ]
    if required:
        found["required"] = required
    return found


def _schema(node: _Node, whole: int) -> dict[str, Any]:
    names = node.seen.type_names() if node.seen else []
    is_always_instant = "date-time" in names and "string" not in names
    types = ["string" if one == "date-time" else one for one in names]
    if "number" in types:
        types = [one for one in types if one != "integer"]
    types = list(dict.fromkeys(types))
    found: dict[str, Any] = {}
    if types and types != ["null"]:  # what was only ever null may be anything
        found["type"] = types[0] if len(types) == 1 else types
    if is_always_instant:
        found["format"] = "date-time"
    element = node.members.get("$")
    if element is not None:
        found["items"] = _schema(element, 0)
    members = {name: one for name, one in node.members.items() if name != "$"}
    if members:
        count = node.seen.count if node.seen and types == ["object"] and whole else 0
        inner = _object(members, count)
        found |= {key: value for key, value in inner.items() if key != "type"}
    return found


def _together(events: Iterable[SeenEvent]) -> SeenEvent:
    """Events of one type as if they had one name."""
    whole = SeenEvent("", "", "")
    for event in events:
        whole.looked += event.looked
        for path, seen in event.properties.items():
            known = whole.properties.setdefault(path, SeenProperty(0, 0, seen.first_at, seen.last_at))
            known.types |= seen.types
            known.count += seen.count
    return whole
