"""Reads a destination filter: a section `[[destinations.NAME.filters]]`, or Segment's JSON object as it is."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any, get_args

import msgspec
from msgspec.structs import fields

from router.rules.filters.definition import (
    Action,
    AllowProperties,
    DropProperties,
    FilterDefinition,
    Sample,
)
from router.rules.filters.members import path_of
from router.rules.filters.refused import FilterProblem, FilterRefused
from router.rules.fql.filter import compile_filter
from router.rules.fql.refused import ExpressionRefused

MOST_FILTERS = 10
"""Filters of one destination."""
LONGEST_TITLE = 64
ALWAYS_THERE = ("type", "messageId")
"""Fields that no filter removes: a destination could not tell what it gets, nor whether it has it already."""
_KEYS = tuple(one.encode_name for one in fields(FilterDefinition))
_TYPES = {str(one.__struct_config__.tag): one for one in get_args(Action)}


def read_filter(data: object) -> FilterDefinition:
    """The filter that a decoded TOML table or JSON object says; raises FilterRefused with every problem."""
    problems = [*_shape(data)]
    if problems:
        raise FilterRefused(problems)
    try:
        found = msgspec.convert(_without_nulls(data), FilterDefinition)
    except msgspec.ValidationError as error:
        what, _, inside = str(error).partition(" - at `$")
        place = inside.rstrip("`").lstrip(".")
        said = what[:1].lower() + what[1:].replace("`", "")
        raise FilterRefused([FilterProblem(place, said, "write a value of that type")]) from None
    problems = [*_sense(found)]
    if problems:
        raise FilterRefused(problems)
    return found


def _shape(data: object) -> Iterator[FilterProblem]:
    """Wrong keys and kinds of actions, each with the nearest right one."""
    if not isinstance(data, Mapping):
        yield FilterProblem("", "must be a table", "write [[destinations.NAME.filters]]")
        return
    for key in data:
        if key not in _KEYS:
            yield FilterProblem(str(key), "is not a known key", _nearest(str(key), _KEYS))
    actions = data.get("actions")
    if not actions or not isinstance(actions, list):
        yield FilterProblem("actions", "is missing or empty", 'write e.g. actions = [{ type = "DROP" }]')
        return
    for number, action in enumerate(actions):
        place = f"actions[{number}]"
        kind = action.get("type") if isinstance(action, Mapping) else None
        if not isinstance(kind, str) or kind not in _TYPES:
            what = f'"{kind}" is no action' if isinstance(kind, str) else "says no type"
            text = kind if isinstance(kind, str) else None
            yield FilterProblem(f"{place}.type", what, _nearest(str(kind or ""), tuple(_TYPES)), text)
            continue
        known = ("type", *(one.encode_name for one in fields(_TYPES[kind])))
        for key in action:
            if key not in known:
                yield FilterProblem(f"{place}.{key}", f"is not a key of {kind}", _nearest(str(key), known))


def _sense(found: FilterDefinition) -> Iterator[FilterProblem]:
    if len(found.title) > LONGEST_TITLE:
        yield FilterProblem("title", f"has {len(found.title)} characters", f"use {LONGEST_TITLE} at most")
    try:
        compile_filter(found.condition)
    except ExpressionRefused as error:
        what, _, remedy = str(error).partition("; ")
        yield FilterProblem(
            "if", f"is not FQL: {what}", remedy or "mend the condition", found.condition, error.place
        )
    for number, action in enumerate(found.actions):
        place = f"actions[{number}]"
        if isinstance(action, Sample):
            if action.path and not path_of(action.path):
                yield FilterProblem(f"{place}.path", "names no field", 'write e.g. "userId"')
        elif isinstance(action, DropProperties | AllowProperties):
            yield from _fields(action, f"{place}.fields")


def _fields(action: DropProperties | AllowProperties, place: str) -> Iterator[FilterProblem]:
    if not action.fields:
        remedy = 'write e.g. { "properties" = ["price"] }'
        yield FilterProblem(place, "is empty", remedy)
    for path in action.fields:
        if path and not path_of(path):
            yield FilterProblem(f'{place}."{path}"', "is not a path", 'write e.g. "context.device"')
    if isinstance(action, DropProperties):
        for key in ALWAYS_THERE:
            if key in action.fields.get("", ()):
                yield FilterProblem(f'{place}.""', f"{key} cannot be dropped", f"take {key} out")


def _without_nulls(data: object) -> object:
    """The object without members that are null: Segment writes them for what is not there."""
    return (
        {key: value for key, value in data.items() if value is not None} if isinstance(data, dict) else data
    )


def _nearest(name: str, known: tuple[str, ...]) -> str:
    near: list[Any] = get_close_matches(name, known, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else f"known are {', '.join(known)}"
