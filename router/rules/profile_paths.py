"""Which places of an event's profile a rule looks at, found in its text before any event is seen.

    profile.traits.plan = "gold"  ─▶  ("traits", "plan")

So the engine knows which traits it has to keep with each event. A path that is put together while events pass cannot
be known; `[identity] snapshot` names such traits.
"""

from collections.abc import Callable, Iterable, Iterator
from importlib import import_module
from operator import attrgetter
from typing import Any

from router.events.calls import AnyEvent
from router.events.profile import fields_with_profile
from router.rules.filters.definition import FilterDefinition, Sample
from router.rules.filters.members import path_of
from router.rules.fql.parser import parse_expression
from router.rules.fql.places import PROFILE
from router.rules.fql.refused import ExpressionRefused
from router.rules.fql.tree import Call, Comparison, Expression, ListOf, Logic, Not, Path
from router.rules.mapping.path import path_keys
from router.rules.mapping.template import Slot, read_template

ProfilePath = tuple[str, ...]
"""The keys behind `profile`."""


def paths_of_condition(text: str) -> Iterator[ProfilePath]:
    """Of an FQL condition, or of a value that FQL derives; one that is refused has none."""
    try:
        tree = parse_expression(text)
    except ExpressionRefused:
        return
    yield from _of_tree(tree)


def paths_of_filter(definition: FilterDefinition) -> Iterator[ProfilePath]:
    """Of a destination filter: its condition, and the field that decides about a sample."""
    yield from paths_of_condition(definition.condition)
    for action in definition.actions:
        if isinstance(action, Sample):
            yield from _behind_profile(path_of(action.path))


def fields_of(mapping: object) -> Callable[[AnyEvent], dict[str, Any]]:
    """How an event is given to a mapping: its fields, with the profile beside them where the mapping looks at it."""
    return fields_with_profile if any(True for _ in paths_of_mapping(mapping)) else attrgetter("fields")


def paths_of_mapping(mapping: object) -> Iterator[ProfilePath]:
    """Of a mapping in Segment's mapping language that compiles."""
    if isinstance(mapping, dict):
        for key, value in mapping.items():
            if isinstance(value, str):
                yield from _of_text(key, value)
            elif key == "@arrayPath" and isinstance(value, list | tuple) and value:
                path, *shape = value
                yield from paths_of_mapping([{"@path": path}, *shape])
            else:
                yield from paths_of_mapping(value)
    elif isinstance(mapping, list | tuple):
        for one in mapping:
            yield from paths_of_mapping(one)


def _of_text(directive: str, text: str) -> Iterator[ProfilePath]:
    paths: Iterable[tuple[str, ...]] = ()
    match directive:
        case "@path":
            paths = [path_keys(text.replace("$.", "", 1))]
        case "@template":
            paths = [piece.keys for piece in read_template(text) if isinstance(piece, Slot)]
        case "@liquid" if PROFILE in text:  # it takes a while to load
            paths = import_module("router.rules.mapping.liquid").liquid_paths(text)
    for keys in paths:
        yield from _behind_profile(keys)


def _of_tree(tree: Expression) -> Iterator[ProfilePath]:
    inner: tuple[Any, ...] = ()
    match tree:
        case Path():
            yield from _behind_profile(tree.keys)
        case Logic():
            inner = tree.operands
        case Not():
            inner = (tree.operand,)
        case Comparison():
            inner = (tree.left, tree.right)
        case Call():
            inner = tree.arguments
        case ListOf():
            inner = tree.items
    for one in inner:
        yield from _of_tree(one)


def _behind_profile(keys: tuple[str, ...]) -> Iterator[ProfilePath]:
    if keys[:1] == (PROFILE,):
        yield keys[1:]
