"""The quick check of a schema: a msgspec type that takes nothing that the schema does not take.

Decoding the raw JSON into a struct checks names and types in one pass, several times faster than any library. The
type need not take everything that is right (a number 96.0 is an integer to JSON Schema, not to msgspec): what it
does not take is judged by the library. It must never take what is wrong. So each keyword that a type cannot say
makes its place a *residue*: decoded as it is and given to a library validator of just that part.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

_NOTES = frozenset(
    {"$schema", "$id", "$comment", "id", "title", "description", "default", "examples", "labels",
     "readOnly", "writeOnly", "contentEncoding", "contentMediaType", "definitions"}
)  # fmt: skip
_TYPED = frozenset(
    {"type", "minLength", "maxLength", "pattern", "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum",
     "multipleOf", "items", "minItems", "maxItems", "uniqueItems", "properties", "required",
     "additionalProperties", "format"}
)  # fmt: skip
_WORDS = re.compile(r"\^\(((?:[A-Za-z0-9 _:/@-]+\|)*[A-Za-z0-9 _:/@-]+)\)\$")
"""A pattern that only lists words, as plans write choices."""
_WIDEST = (1 << 63) - 1


class NotPlain(Exception):
    """No type says what the schema says."""


class Residue(Struct, frozen=True):
    """A part that the library has to look at."""

    path: tuple[str, ...]
    """Attributes that lead to it."""
    schema: Any


class Shape(Struct, frozen=True):
    """A type, and what it leaves open."""

    kind: Any
    residues: tuple[Residue, ...] = ()


def shape_of(schema: Any, *, is_strict: bool) -> Shape:
    """The type of `schema`; raises NotPlain. A strict one takes only properties that the schema names."""
    if schema is True:
        return Shape(Any)
    if not isinstance(schema, Mapping) or "$ref" in schema:
        raise NotPlain
    said = schema.keys() - _NOTES
    if not said:
        return Shape(Any)
    if said & {"enum", "const"}:
        return Shape(_literal(schema, said))
    types = schema.get("type", "object" if "properties" in said else None)
    types = [types] if isinstance(types, str) else types
    if not types or said - _TYPED:
        raise NotPlain
    if "number" in types:
        types = [one for one in types if one != "integer"]
    made = [_typed(one, schema, is_strict=is_strict) for one in types]
    kind = made[0].kind
    for one in made[1:]:
        kind = kind | one.kind
    residues = tuple(residue for one in made for residue in one.residues)
    if residues and len(made) > 1:
        raise NotPlain
    return Shape(kind, residues)


def _literal(schema: Mapping[str, Any], said: frozenset[str] | set[str]) -> Any:
    if said - {"enum", "const", "type"} or {"enum", "const"} <= said:
        raise NotPlain
    values = schema["enum"] if "enum" in schema else [schema["const"]]
    types = schema.get("type")
    types = [types] if isinstance(types, str) else types
    for value in values:
        name = {str: "string", type(None): "null", int: "integer"}.get(type(value))
        if name is None or (isinstance(value, int) and abs(value) > _WIDEST):
            raise NotPlain
        if types is not None and name not in types and not (name == "integer" and "number" in types):
            raise NotPlain
    return Literal[tuple(values)]


def _typed(name: str, schema: Mapping[str, Any], *, is_strict: bool) -> Shape:
    match name:
        case "null":
            return Shape(None)
        case "boolean":
            return Shape(bool)
        case "string":
            return Shape(_string(schema))
        case "integer":
            return Shape(Annotated[int, Meta(**_limits(schema, int))])
        case "number":
            limits = _limits(schema, int, float)
            return Shape(Annotated[int, Meta(**limits)] | Annotated[float, Meta(**limits)])
        case "array":
            return Shape(_array(schema, is_strict=is_strict))
        case "object":
            return _object(schema, is_strict=is_strict)
    raise NotPlain


def _string(schema: Mapping[str, Any]) -> Any:
    if "format" in schema:
        raise NotPlain
    lengths = _lengths(schema, "minLength", "maxLength")
    if "pattern" in schema:
        words = _WORDS.fullmatch(schema["pattern"])
        if words is None or lengths:
            raise NotPlain
        return Literal[tuple(dict.fromkeys(words[1].split("|")))]
    return Annotated[str, Meta(**lengths)]


def _limits(schema: Mapping[str, Any], *allowed: type) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword, name in (
        ("minimum", "ge"), ("exclusiveMinimum", "gt"), ("maximum", "le"), ("exclusiveMaximum", "lt"),
    ):  # fmt: skip
        if keyword in schema:
            if type(schema[keyword]) not in allowed or abs(schema[keyword]) > _WIDEST:
                raise NotPlain
            found[name] = schema[keyword]
    if "multipleOf" in schema or {"ge", "gt"} <= found.keys() or {"le", "lt"} <= found.keys():
        raise NotPlain
    if any(isinstance(one, float) for one in found.values()):
        raise NotPlain  # whole numbers and fractions would each need limits of their own
    return found


def _lengths(schema: Mapping[str, Any], least: str, most: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for keyword, name in ((least, "min_length"), (most, "max_length")):
        if keyword in schema:
            if type(schema[keyword]) is not int or schema[keyword] > _WIDEST:
                raise NotPlain
            found[name] = schema[keyword]
    return found


def _array(schema: Mapping[str, Any], *, is_strict: bool) -> Any:
    items = schema.get("items", True)
    if isinstance(items, list) or schema.get("uniqueItems"):
        raise NotPlain
    item = shape_of(items, is_strict=is_strict)
    if item.residues:
        raise NotPlain
    return Annotated[list[item.kind], Meta(**_lengths(schema, "minItems", "maxItems"))]  # type: ignore[name-defined]


def _object(schema: Mapping[str, Any], *, is_strict: bool) -> Shape:
    properties = schema.get("properties") or {}
    required = schema.get("required") or []
    others = schema.get("additionalProperties", True)
    if not isinstance(others, bool):
        if properties or required:
            raise NotPlain
        member = shape_of(others, is_strict=is_strict)
        if member.residues:
            raise NotPlain
        return Shape(dict[str, member.kind])  # type: ignore[name-defined]
    if not properties and not required and others:
        return Shape(dict[str, Any])
    is_closed = not others or (is_strict and bool(properties))
    return struct_of(properties, required, is_closed=is_closed, is_strict=is_strict)


def struct_of(
    properties: Mapping[str, Any], required: list[str], *, is_closed: bool, is_strict: bool
) -> Shape:
    """A struct with these members; a closed one takes no others."""
    members: list[Any] = []
    names: dict[str, str] = {}
    residues: list[Residue] = []
    undeclared = [name for name in required if name not in properties]
    if is_closed and undeclared:
        raise NotPlain  # what is required and what is taken contradict each other
    for name in (*properties, *dict.fromkeys(undeclared)):
        field = f"f{len(names)}"
        names[field] = name
        schema = properties.get(name, True)
        try:
            made = shape_of(schema, is_strict=is_strict)
            residues += [Residue((field, *one.path), one.schema) for one in made.residues]
        except NotPlain:
            if _refers(schema) or (is_strict and _names_properties(schema)):
                raise
            made = Shape(Any)
            residues.append(Residue((field,), schema))
        if name in required:
            members.append((field, made.kind))
        else:
            members.append((field, made.kind | UnsetType if made.kind is not Any else Any, UNSET))
    members.sort(key=len)  # those without a default come first
    kind = msgspec.defstruct(
        "Shape", members, rename=names, forbid_unknown_fields=is_closed, frozen=True, gc=False
    )
    return Shape(kind, tuple(residues))


def _refers(schema: Any) -> bool:
    """Whether a part cannot stand alone."""
    return b'"$ref"' in msgspec.json.encode(schema)


def _names_properties(schema: Any) -> bool:
    """Whether names below have to be looked at too, which a residue does not do."""
    return b'"properties"' in msgspec.json.encode(schema)
