"""Compiles a mapping: one pass that checks every place of it and makes the closures.

Whether a missing member matters depends on where it is read. `@merge` lays objects over each other, and a member that
is undefined in the upper one takes away what it covers; there it is kept until the merge is done. Everywhere else
objects are made without it at once. A list keeps its place open until the end.
"""

import math
from collections.abc import Callable, Mapping
from typing import Any, cast

from router.rules.mapping.argument import Argument
from router.rules.mapping.directives import DIRECTIVES
from router.rules.mapping.failed import MappingFailed
from router.rules.mapping.kinds import kind_of
from router.rules.mapping.objects import settle_undefined
from router.rules.mapping.parts import Constant, Part, as_resolve, object_of
from router.rules.mapping.path import Resolve
from router.rules.mapping.refused import MappingRefused, Place, Problem

DEEPEST = 64
"""Levels of a mapping; the closures nest as deeply."""
ROOT_DIRECTIVE = "__segment_internal_directive"
"""The key of a directive around the whole mapping: the other keys are its argument `mapping`."""

CompiledMapping = Callable[[Mapping[str, Any]], Any]
"""What a mapping makes of an event: JSON, or UNSET for nothing. Parts of it may be shared: read it, never change it."""


def compile_mapping(mapping: object) -> CompiledMapping:
    """Compile `mapping`; raises MappingRefused with every problem.

    What it returns takes an event as a dictionary, and raises MappingFailed when that event cannot be mapped.
    """
    compiler = Compiler()
    resolve = as_resolve(compiler.root(mapping, ()))
    if compiler.problems:
        raise MappingRefused(compiler.problems)
    leaves_open = compiler.leaves_open

    def run(event: Mapping[str, Any]) -> Any:
        if event.__class__ is not dict:
            raise MappingFailed(f"only an object can be mapped, not {kind_of(event)}")
        made = resolve(event)
        return settle_undefined(made) if leaves_open else made

    return run


class Compiler:
    """Compiles the parts of one mapping, and gathers what is wrong with them."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.leaves_open = False
        """Whether lists may hold undefined items."""

    def root(self, mapping: object, place: Place) -> Part:
        """A whole mapping, or the `apply` of a `@transform`."""
        if not isinstance(mapping, dict):
            return self.refuse(place, f"must be an object, not {kind_of(mapping)}", "write { field = … }")
        if ROOT_DIRECTIVE not in mapping:
            return self.part(mapping, place)
        rest = {key: value for key, value in mapping.items() if key != ROOT_DIRECTIVE}
        root = mapping[ROOT_DIRECTIVE]
        place = (*place, ROOT_DIRECTIVE)
        argument = next(iter(root.values())) if isinstance(root, dict) and len(root) == 1 else None
        if not isinstance(argument, dict):
            return self.refuse(
                place, "must be one directive with an object", 'write e.g. {"@transform": {…}}'
            )
        (name,) = root
        return self.part({name: {**argument, "mapping": rest}}, place)

    def part(self, value: object, place: Place, *, keeps_undefined: bool = False) -> Part:
        """Any value of a mapping."""
        if isinstance(value, dict):
            if len(place) > DEEPEST:
                return self.refuse(place, f"is nested more than {DEEPEST} deep", "make the mapping flatter")
            if any(str(key).startswith("@") for key in value):
                return self._directive(value, place, keeps_undefined)
            return self._object(value, place, keeps_undefined)
        if isinstance(value, list | tuple):
            if len(place) > DEEPEST:
                return self.refuse(place, f"is nested more than {DEEPEST} deep", "make the mapping flatter")
            return self._list(value, place)
        if value is None or isinstance(value, str | int | float):
            if isinstance(value, float) and not math.isfinite(value):
                return self.refuse(place, f"is {value}, which JSON does not have", "write a number")
            return Constant(value)
        return self.refuse(place, f"is {kind_of(value)}, which JSON does not have", "write it as text")

    def resolve(self, value: object, place: Place, *, keeps_undefined: bool = False) -> Resolve:
        """Any value of a mapping, as a closure."""
        return as_resolve(self.part(value, place, keeps_undefined=keeps_undefined))

    def resolve_root(self, mapping: object, place: Place) -> Resolve:
        """A whole mapping, as a closure."""
        return as_resolve(self.root(mapping, place))

    def refuse(self, place: Place, what: str, remedy: str) -> Constant:
        """Note a problem; what is returned stands in for the part."""
        self.problems.append(Problem(place, what, remedy))
        return Constant(None)

    def _directive(self, value: dict[str, Any], place: Place, keeps_undefined: bool) -> Part:
        names = [key for key in value if key.startswith("@")]
        others = [key for key in value if not key.startswith("@") and key != "_metadata"]
        if len(names) > 1 or others:
            keys = ", ".join([*names, *others])
            remedy = "keep one key that begins with @ and put the others elsewhere"
            return self.refuse(place, f"has {keys} side by side", remedy)
        (name,) = names
        compile_directive = DIRECTIVES.get(name)
        if compile_directive is None:
            known = ", ".join(DIRECTIVES)
            return self.refuse((*place, name), "is not a directive", f"known are {known}")
        inner = (*place, name)
        return compile_directive(Argument(value[name], inner, self, keeps_undefined))

    def _object(self, value: dict[str, Any], place: Place, keeps_undefined: bool) -> Part:
        parts = {key: self.part(member, (*place, str(key))) for key, member in value.items()}
        for key in parts:
            if not isinstance(key, str):
                self.refuse((*place, str(key)), "is not text", "names of members are text")
        if all(isinstance(part, Constant) for part in parts.values()):
            return Constant({key: cast(Constant, part).value for key, part in parts.items()})
        if keeps_undefined:
            members = [(key, as_resolve(part)) for key, part in parts.items()]
            return lambda root: {key: resolve(root) for key, resolve in members}

        return object_of(parts)

    def _list(self, value: list[Any] | tuple[Any, ...], place: Place) -> Part:
        parts = [self.part(item, (*place, str(number))) for number, item in enumerate(value)]
        if all(isinstance(part, Constant) for part in parts):
            return Constant([cast(Constant, part).value for part in parts])
        self.leaves_open = True
        resolves = [as_resolve(part) for part in parts]
        return lambda root: [resolve(root) for resolve in resolves]
