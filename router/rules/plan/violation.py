"""One way in which an event differs from its plan, in the words of the protocol."""

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import msgspec
from msgspec import Struct

Path = tuple[str | int, ...]
MOST_OPTIONS = 20
"""So many allowed values are named."""
_RANGES = {
    "minimum": "must be {} or more",
    "maximum": "must be {} or less",
    "exclusiveMinimum": "must be more than {}",
    "exclusiveMaximum": "must be less than {}",
    "multipleOf": "must be a multiple of {}",
    "minLength": "must have {} characters or more",
    "maxLength": "must have {} characters or less",
    "minItems": "must have {} elements or more",
    "maxItems": "must have {} elements or less",
    "minProperties": "must have {} properties or more",
    "maxProperties": "must have {} properties or less",
}
_TYPES = {bool: "boolean", int: "integer", float: "number", str: "string", list: "array", dict: "object"}


class Violation(Struct, frozen=True, omit_defaults=True):
    """What is written to `context.protocols.violations`."""

    type: str
    """`Required`, `Invalid Type`, `Pattern`, `Enum`, `Format`, `Range`, `Additional Property` or `Schema`."""
    field: str
    """A dotted path, e.g. `properties.km`; `(root)` for the message as a whole."""
    description: str

    def __str__(self) -> str:
        return f"{self.field}: {self.description}" if self.field not in self.description else self.description


class Found(Struct, frozen=True):
    """A violation, and what would have to go for it to end."""

    violation: Violation
    offender: Path | None
    """None where nothing can be left out: what is required is missing."""


def violations_in(error: jsonschema_rs.ValidationError) -> Iterator[Found]:
    """What one error of the library comes to; it never repeats the value, which may be anybody's secret."""
    path: Path = tuple(error.instance_path)
    kind: Any = error.kind  # each kind has attributes of its own
    field = dotted(path)
    match kind.name:
        case "required":
            missing = dotted((*path, kind.property))
            yield Found(Violation("Required", missing, f"{missing} is required"), None)
        case "additionalProperties":
            for name in kind.unexpected:
                extra = (*path, name)
                text = f"Additional property {name} is not allowed"
                yield Found(Violation("Additional Property", dotted(extra), text), extra)
        case "type":
            expected = " or ".join(sorted(kind.types, key=lambda name: name == "null"))
            text = f"Invalid type. Expected: {expected}, given: {_type(error.instance)}"
            yield Found(Violation("Invalid Type", field, text), path)
        case "pattern":
            yield Found(Violation("Pattern", field, f"{field} does not match pattern '{kind.pattern}'"), path)
        case "enum":
            text = f"{field} must be one of the following: {_options(kind.options)}"
            yield Found(Violation("Enum", field, text), path)
        case "const":
            text = f"{field} must be {_options([kind.expected_value])}"
            yield Found(Violation("Enum", field, text), path)
        case "format":
            yield Found(Violation("Format", field, f"{field} does not match format '{kind.format}'"), path)
        case name if name in _RANGES:
            yield Found(Violation("Range", field, f"{field} {_RANGES[name].format(kind.value)}"), path)
        case name:
            yield Found(Violation("Schema", field, f"{field} does not match `{name}` of the schema"), path)


def dotted(path: Path) -> str:
    """A path as the protocol writes it."""
    return ".".join(str(part) for part in path) or "(root)"


def _type(value: Any) -> str:
    return _TYPES.get(type(value), "null")


def _options(values: Any) -> str:
    if not isinstance(values, list):
        return str(values)
    shown = ", ".join(msgspec.json.encode(one).decode() for one in values[:MOST_OPTIONS])
    return f"{shown}, …" if len(values) > MOST_OPTIONS else shown
