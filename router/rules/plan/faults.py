"""What is wrong with the schema of a rule: found when a plan is read, so that no event meets it."""

import re
from collections.abc import Iterator
from typing import Any

import jsonschema_rs

from router.rules.plan.library import validator
from router.rules.plan.refused import Fault

MOST_LEVELS = 64
"""Schemas nested deeper than this are no description of an event."""
_LOOKAROUND = re.compile(r"(?<!\\)(?:\\\\)*\(\?<?[=!]")
_LOCAL_REFERENCE = re.compile(r"#(/.*)?")
_PATTERN_ADVICE = "write it without; to exclude something, use `not` of the schema"
_DEFINITIONS = ("definitions", "properties", "patternProperties", "$defs", "dependencies")
"""Keywords whose members are schemas by name, so that a name is not mistaken for a keyword."""
_DATA = ("enum", "const", "default", "examples")
"""Keywords that hold values, not schemas."""


def schema_faults(schema: dict[str, Any], place: str) -> list[Fault]:
    """Everything that makes `schema` unusable; `place` names its rule."""
    found = [
        Fault(f"{place} {pointer}".rstrip(), what, remedy, _parts(pointer))
        for pointer, what, remedy in _walk(schema, "", 0)
    ]
    return found or list(_refusals(schema, place))


def _walk(schema: Any, pointer: str, level: int) -> Iterator[tuple[str, str, str]]:
    if level > MOST_LEVELS:
        yield pointer, f"is nested deeper than {MOST_LEVELS} levels", "describe the event more plainly"
        return
    if isinstance(schema, list):
        for index, member in enumerate(schema):
            yield from _walk(member, f"{pointer}/{index}", level + 1)
        return
    if not isinstance(schema, dict):
        return
    for key, value in schema.items():
        at = f"{pointer}/{_escaped(key)}"
        if key == "pattern" and isinstance(value, str):
            yield from _pattern(value, at)
        elif key == "$ref" and isinstance(value, str) and not _LOCAL_REFERENCE.fullmatch(value):
            yield at, f'refers to "{value}", and nothing is ever fetched', 'write "#/definitions/NAME"'
        elif key in _DEFINITIONS and isinstance(value, dict):
            for name, member in value.items():
                if key == "patternProperties":
                    yield from _pattern(name, at)
                yield from _walk(member, f"{at}/{_escaped(name)}", level + 1)
        elif key not in _DATA:
            yield from _walk(value, at, level + 1)


def _pattern(pattern: str, at: str) -> Iterator[tuple[str, str, str]]:
    """Patterns run on an engine whose time grows with the text only, which knows no lookaround."""
    try:
        validator({"pattern": pattern})
    except ValueError:
        looks = "looks around, which patterns here cannot"
        what = looks if _LOOKAROUND.search(pattern) else "is no pattern that can be used"
        yield at, f'"{pattern}" {what}', _PATTERN_ADVICE


def _refusals(schema: dict[str, Any], place: str) -> Iterator[Fault]:
    """What the library itself says."""
    try:
        validator(schema)
    except jsonschema_rs.ValidationError as error:
        pointer = "".join(f"/{_escaped(str(part))}" for part in error.instance_path)
        what = error.message.removesuffix(".")
        what = f"is not JSON Schema draft 7: {what}"
        yield Fault(f"{place} {pointer}".rstrip(), what, "mend the schema", _parts(pointer))
    except ValueError as error:
        yield Fault(place, f"is not JSON Schema draft 7: {error}", "mend the schema")


def _parts(pointer: str) -> tuple[str, ...]:
    return tuple(part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:])


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
