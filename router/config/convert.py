"""Converts one section field by field, so that every problem of it is found and not only the first."""

import re
import types
from collections.abc import Mapping
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

import msgspec
from msgspec import UNSET, Struct
from msgspec.structs import FieldInfo, fields

from router.config.problems import Path, Problems, did_you_mean
from router.config.secrets import References
from router.plugins.settings import Duration, FileText, Secret, Size, setting_hook

StructT = TypeVar("StructT", bound=Struct)

_SHAPES = {
    Duration: 'write a duration such as "500ms", "5s", "10m" or "24h"',
    Size: 'write a size such as "64KiB" or "1MiB"',
    FileText: "name a file that can be read",
    Secret: 'write text, or a reference such as "env:NAME"',
    bool: "write true or false",
    int: "write a whole number",
    float: "write a number",
    str: "write text in quotes",
    tuple: "write a list in brackets",
    list: "write a list in brackets",
    frozenset: "write a list in brackets",
}


_PLACE = re.compile(r"([a-z_]+):(\d+):(\d+): ")
"""How a check of a section begins that names a place in one of its texts, e.g. `code:2:17: …`."""
_CHOICE = re.compile(r"Invalid enum value '(.*)'", re.DOTALL)
"""What msgspec says of a wrong choice in a list or a table."""


class Converter:
    """Turns parsed TOML into structs; what is wrong goes to `problems`. With `references`, it resolves them."""

    def __init__(self, problems: Problems, references: References | None = None) -> None:
        self._problems = problems
        self._references = references

    def section(
        self,
        kind: type[StructT],
        data: object,
        path: Path,
        *,
        default: StructT | None = None,
        left_out: tuple[str, ...] = (),
        **given: Any,
    ) -> StructT | None:
        """`data` as a struct of `kind`; None when that cannot be made of it.

        What is wrong is noted and has its default for now, so that what depends on the rest can be checked too.
        With a `default`, fields that are not set are taken from it. `left_out` names fields that are not keys, and
        `given` their values.
        """
        if not isinstance(data, Mapping):
            self._problems.add(path, f"must be a section, not {_named(data)}", f"write [{'.'.join(path)}]")
            return None
        known = {one.encode_name: one for one in fields(kind) if one.name not in left_out}
        is_whole = True
        lacks: list[str] = []
        for key in data:
            if key not in known:
                self._problems.unknown((*path, str(key)), known)
                is_whole = False
        values: dict[str, Any] = dict(given)
        for key, one in known.items():
            made: Any = UNSET
            if key in data:
                made = self._field(one, data[key], (*path, key), default)
                is_whole &= made is not UNSET
            elif one.required and default is None:
                self._problems.add((*path, key), "is missing", f"add it under [{'.'.join(path)}]")
            if made is UNSET and default is not None:
                made = getattr(default, one.name)
            if made is not UNSET:
                values[one.name] = made
            elif one.required:
                lacks.append(key)
        return None if lacks else self._build(kind, values, path, is_whole)

    def _build(
        self, kind: type[StructT], values: dict[str, Any], path: Path, is_whole: bool
    ) -> StructT | None:
        try:
            return kind(**values)
        except (TypeError, ValueError) as error:  # a check of the struct's own
            if is_whole:  # otherwise it may be the stand-ins that do not fit
                what = "is not accepted" if self._reference(path) else str(error)
                place = _PLACE.match(what)
                text = values.get(place[1]) if place is not None else None
                if place is not None and isinstance(text, str):
                    at, said = (int(place[2]), int(place[3])), what[place.end() :]
                    what = f"line {at[0]}, column {at[1]}: {said}"
                    self._problems.add((*path, place[1]), what, "mend that place", value=text, at=at)
                else:
                    self._problems.add(path, what, "mend the values in this section")
            return None

    def _field(self, one: FieldInfo, value: Any, path: Path, default: Struct | None) -> Any:
        """The converted value, or UNSET when it is wrong."""
        struct = _struct_in(one.type)
        if struct is not None and isinstance(value, Mapping):
            inner = getattr(default, one.name, None) if default is not None else one.default
            made = self.section(struct, value, path, default=inner if isinstance(inner, struct) else None)
            return UNSET if made is None else made
        if self._references is not None:
            is_resolved, value = self._references.resolve(value, path)
            if not is_resolved:
                return UNSET
        try:
            return msgspec.convert(value, one.type, strict=True, dec_hook=setting_hook)
        except msgspec.ValidationError as error:
            self._refuse(one.type, value, path, str(error))
            return UNSET

    def _refuse(self, kind: Any, value: Any, path: Path, error: str) -> None:
        """Word what msgspec says; a value that may be secret is not repeated, whatever the error says of it."""
        what, _, inside = error.partition(" - at `$")
        choices = _choices(kind)
        if reference := self._reference(path):
            self._problems.add(path, f"does not take the value of {reference}", _remedy(kind))
        elif choices and isinstance(value, str):
            self._problems.add(path, f'cannot be "{value}"', did_you_mean(value, choices), value=value)
        elif (inner := _CHOICE.fullmatch(what)) and (choices := _choices_within(kind)):
            self._problems.add(
                path, f'cannot be "{inner[1]}"', did_you_mean(inner[1], choices), value=inner[1]
            )
        elif {Duration, Size}.intersection(members_of(kind)):
            self._problems.add(path, f"cannot be {msgspec.json.encode(value).decode()}", _remedy(kind))
        else:
            place = inside.rstrip("`")
            what = (what[:1].lower() + what[1:]).replace("`", "")
            self._problems.add(path, f"{place} {what}".strip(), _remedy(kind))

    def _reference(self, path: Path) -> str | None:
        """A reference at `path` or below it."""
        return self._references.below(path) if self._references is not None else None


def _remedy(kind: Any) -> str:
    if choices := _choices(kind):
        return f"write one of {', '.join(choices)}"
    for member in members_of(kind):
        plain = get_origin(member) or member
        if plain in _SHAPES:
            return _SHAPES[plain]
    return "write a value of that type"


def members_of(kind: Any) -> tuple[Any, ...]:
    """The types that a field may have, without None and without annotations."""
    if hasattr(kind, "__metadata__"):
        return members_of(kind.__origin__)
    if get_origin(kind) in (Union, types.UnionType):
        return tuple(found for one in get_args(kind) if one is not type(None) for found in members_of(one))
    return (kind,)


def _choices(kind: Any) -> tuple[str, ...]:
    found = [one for one in members_of(kind) if get_origin(one) is Literal]
    return tuple(str(choice) for one in found for choice in get_args(one))


def _choices_within(kind: Any) -> tuple[str, ...]:
    """The choices of what a list or a table holds."""
    found = _choices(kind)
    for one in get_args(kind):
        found = found or _choices_within(one)
    return found


def _struct_in(kind: Any) -> type[Struct] | None:
    found = [one for one in members_of(kind) if isinstance(one, type) and issubclass(one, Struct)]
    return found[0] if len(found) == 1 else None


def _named(value: object) -> str:
    names = {str: "text", int: "a number", float: "a number", bool: "true or false", list: "a list"}
    return names.get(type(value), "a value")
