"""The directives: for each a function that checks its argument and makes a closure of it (protocols 9)."""

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

from msgspec import UNSET

from router.events.calls import decode_open_json
from router.rules.mapping.argument import Argument
from router.rules.mapping.failed import MappingFailed
from router.rules.mapping.kinds import kind_of
from router.rules.mapping.objects import flatten, merge, settle_undefined, without_nulls
from router.rules.mapping.parts import Part, Path, as_resolve
from router.rules.mapping.path import Resolve, find, path_keys
from router.rules.mapping.replace import LONGEST, compile_replace
from router.rules.mapping.template import compile_template, fill, read_template
from router.rules.mapping.text import as_text, json_text


def _path(given: Argument) -> Part:
    """`{"@path": "$.properties.km"}`: the value at a place of the event."""
    return _of_text(
        given,
        lambda path: Path(path_keys(_without_root(path))),
        lambda root, path: find(root, _without_root(path)),
    )


def _template(given: Argument) -> Part:
    """`{"@template": "Ride {{properties.id}}"}`: a text with places in it."""
    return _of_text(given, compile_template, lambda root, text: fill(tuple(read_template(text)), root))


def _of_text(given: Argument, compile_text: Callable[[str], Part], run: Callable[[Any, str], Any]) -> Part:
    """A directive whose argument is text, known now or made by another directive."""
    if isinstance(given.value, str):
        return compile_text(given.value)
    name = given.place[-1]
    if kind_of(given.value) != "a directive":
        what = f"must be text or a directive, not {kind_of(given.value)}"
        return given.refuse(
            what, 'write e.g. "$.properties.id"' if name == "@path" else 'write e.g. "{{event}}"'
        )
    inner = given.compiler.resolve(given.value, given.place)

    def run_made(root: Any) -> Any:
        text = inner(root)
        if text.__class__ is not str:
            raise MappingFailed(f"{name} needs text, and the directive inside gave {kind_of(text)}")
        return run(root, text)

    return run_made


def _without_root(path: str) -> str:
    return path.replace("$.", "", 1)


def _literal(given: Argument) -> Part:
    """`{"@literal": …}`: the value itself; directives in it still run."""
    return given.compiler.part(given.value, given.place, keeps_undefined=given.keeps_undefined)


def _if(given: Argument) -> Part:
    """`{"@if": {"exists": …, "then": …, "else": …}}`; `blank` in place of `exists` holds for what is not blank."""
    if not given.is_object('{"exists": …, "then": …, "else": …}', ("exists", "blank", "then", "else")):
        return given.compiler.resolve(None, given.place)
    if not _is_true(given.value.get("exists")) and not _is_true(given.value.get("blank")):
        return given.refuse('has neither "exists" nor "blank"', 'write e.g. "exists": {"@path": "$.userId"}')
    tests_existence = "exists" in given.value
    asked = given.member("exists" if tests_existence else "blank")
    nothing: Resolve = lambda root: UNSET  # noqa: E731 - a closure like the others
    keeps = given.keeps_undefined
    then = given.member("then", keeps_undefined=keeps) if "then" in given.value else nothing
    # An `else` that is false, 0, null or "" is dropped; that is how the mapping kit always was.
    otherwise = given.member("else", keeps_undefined=keeps) if _is_true(given.value.get("else")) else nothing

    if tests_existence:

        def run(root: Any) -> Any:
            value = asked(root)
            return otherwise(root) if value is None or value is UNSET else then(root)
    else:

        def run(root: Any) -> Any:
            return otherwise(root) if _is_blank(asked(root)) else then(root)

    return run


def _is_true(value: Any) -> bool:
    """What JavaScript takes for true: all but null, false, 0 and empty text."""
    return isinstance(value, dict | list) or bool(value)


def _is_blank(value: Any) -> bool:
    if value.__class__ is list:
        return as_text(value) == ""
    return value.__class__ is not dict and not value


def _case(given: Argument) -> Part:
    """`{"@case": {"operator": "lower", "value": …}}`: a text in lower or upper case; other values unchanged."""
    if not given.is_object('{"operator": "lower", "value": …}', ("operator", "value")):
        return given.compiler.resolve(None, given.place)
    change = str.lower if given.choice("operator", "lower", "upper") == "lower" else str.upper
    if given.value.get("value", "") == "":
        return lambda root: UNSET
    value_of = given.text_member("value")

    def run(root: Any) -> Any:
        value = value_of(root)
        return change(value) if value.__class__ is str else value

    return run


def _replace(given: Argument) -> Part:
    """`{"@replace": {"pattern": "-", "replacement": "_", "value": …}}`: text in place of text, all of it literal."""
    known = ("pattern", "replacement", "pattern2", "replacement2", "value", "ignorecase", "global")
    if not given.is_object('{"pattern": "-", "replacement": "_", "value": …}', known):
        return given.compiler.resolve(None, given.place)
    ignorecase = given.option("ignorecase", bool, False, "true or false")
    everywhere = given.option("global", bool, True, "true or false")
    value_of = given.text_member("value")
    steps = []
    for pattern, replacement in (("pattern", "replacement"), ("pattern2", "replacement2")):
        old = given.option(pattern, str, "", "text")
        new = given.option(replacement, str, "", "text")
        if not old and pattern == "pattern":
            given.refuse("is missing or empty", "write the text to replace", pattern)
        for key, text in ((pattern, old), (replacement, new)):
            if len(text) > LONGEST:
                given.refuse(f"has more than {LONGEST} characters", "shorten it", key)
        if old:
            steps.append(compile_replace(old, new, ignorecase=ignorecase, everywhere=everywhere))
    if given.value.get("value") == "":
        return lambda root: UNSET

    def run(root: Any) -> Any:
        value = value_of(root)
        if isinstance(value, bool | int | float):
            value = as_text(value)
        if value.__class__ is not str:
            return ""
        for step in steps:
            value = step(value)
        return value

    return run


def _array_path(given: Argument) -> Part:
    """`{"@arrayPath": ["$.properties.products", {"id": {"@path": "$.sku"}}]}`: a list, each item in a shape."""
    example = 'write ["$.properties.products", { … }]'
    if not isinstance(given.value, list | tuple) or not 1 <= len(given.value) <= 2:
        return given.refuse(f"must be a list of a path and a shape, not {kind_of(given.value)}", example)
    path, shape = given.value[0], given.value[1] if len(given.value) == 2 else None
    if isinstance(path, str):
        root_of = as_resolve(Path(path_keys(_without_root(path))))
    elif kind_of(path) == "a directive":
        root_of = given.compiler.resolve(path, (*given.place, "0"))
    else:
        return given.refuse(f"must be a path or a directive, not {kind_of(path)}", example, "0")
    if shape is not None and not isinstance(shape, dict):
        return given.refuse(f"must be an object, not {kind_of(shape)}", example, "1")
    if not shape:
        return root_of
    shape_of = given.compiler.resolve(shape, (*given.place, "1"))
    given.compiler.leaves_open |= kind_of(shape) == "a directive"

    def run(root: Any) -> Any:
        value = root_of(root)
        if value.__class__ is list:
            return [shape_of(item) for item in value]
        return [shape_of(value)] if value.__class__ is dict else value

    return run


def _flatten(given: Argument) -> Part:
    """`{"@flatten": {"value": …, "separator": "_"}}`: an object without objects in it."""
    known = ("value", "separator", "omitArrays")
    if not given.is_object('{"value": …, "separator": "_"}', known):
        return given.compiler.resolve(None, given.place)
    separator = given.option("separator", str, "", "text")
    if not separator:
        given.refuse("is missing or empty", 'write e.g. "_"', "separator")
    if "value" not in given.value:
        return given.refuse("is missing", 'write e.g. {"@path": "$.properties"}', "value")
    omit_arrays = _is_true(given.value.get("omitArrays"))
    value_of = given.member("value")
    return lambda root: flatten(value_of(root), separator, omit_arrays=omit_arrays)


def _json(given: Argument) -> Part:
    """`{"@json": {"mode": "encode", "value": …}}`: a value as JSON text, or with `decode` the other way."""
    if not given.is_object('{"mode": "encode", "value": …}', ("mode", "value")):
        return given.compiler.resolve(None, given.place)
    mode = given.choice("mode", "encode", "decode")
    if not _is_true(given.value.get("value")):
        return given.refuse("is missing or empty", 'write e.g. {"@path": "$.properties"}', "value")
    value_of = given.member("value")

    def encode(root: Any) -> Any:
        value = value_of(root)
        return value if value is UNSET else json_text(value)

    def decode(root: Any) -> Any:
        value = value_of(root)
        if value.__class__ is not str:
            return value
        try:
            return decode_open_json(value.encode())
        except (ValueError, RecursionError):
            return value

    return encode if mode == "encode" else decode


def _merge(given: Argument) -> Part:
    """`{"@merge": {"objects": [ … ], "direction": "right"}}`: one object of several; `right` lets later ones win."""
    if not given.is_object('{"objects": [ … ], "direction": "right"}', ("objects", "direction")):
        return given.compiler.resolve(None, given.place)
    direction = given.choice("direction", "left", "right")
    objects = given.value.get("objects")
    if not isinstance(objects, list | tuple):
        return given.refuse(f"must be a list, not {kind_of(objects)}", "write a list of objects", "objects")
    resolves = []
    for number, one in enumerate(objects):
        place = (*given.place, "objects", str(number))
        if not isinstance(one, dict):
            given.compiler.refuse(
                place, f"must be an object or a directive, not {kind_of(one)}", "write { … }"
            )
        resolves.append(given.compiler.resolve(one, place, keeps_undefined=True))
    if direction == "left":
        resolves.reverse()
    keeps_undefined = given.keeps_undefined

    def run(root: Any) -> dict[str, Any]:
        merged = merge([resolve(root) for resolve in resolves])
        if keeps_undefined:
            return merged
        return {key: value for key, value in merged.items() if value is not UNSET}

    return run


def _transform(given: Argument) -> Part:
    """`{"@transform": {"apply": …, "mapping": …}}`: a mapping of what another mapping made."""
    if not given.is_object('{"apply": …, "mapping": …}', ("apply", "mapping")):
        return given.compiler.resolve(None, given.place)
    for key in ("apply", "mapping"):
        if not isinstance(given.value.get(key), dict):
            what = (
                "is missing"
                if key not in given.value
                else f"must be an object, not {kind_of(given.value[key])}"
            )
            return given.refuse(what, "write { … } or a directive", key)
    apply = given.compiler.resolve_root(given.value["apply"], (*given.place, "apply"))
    mapping = given.member("mapping", keeps_undefined=given.keeps_undefined)
    compiler = given.compiler

    def run(root: Any) -> Any:
        if root is UNSET:  # the item of a list that has none
            root = {}
        if root.__class__ is not dict:
            raise MappingFailed(f"@transform needs an object, not {kind_of(root)}")
        made = apply(root)
        return mapping(settle_undefined(made) if compiler.leaves_open else made)

    return run


def _exclude_when_null(given: Argument) -> Part:
    """`{"@excludeWhenNull": …}`: the value without nulls."""
    keeps = given.keeps_undefined
    value_of = given.compiler.resolve(given.value, given.place, keeps_undefined=keeps)
    return lambda root: without_nulls(value_of(root), keeps_undefined=keeps)


def _liquid(given: Argument) -> Part:
    """`{"@liquid": "{{ properties.name | upcase }}"}`: a text by a Liquid template."""
    if not isinstance(given.value, str):
        return given.refuse(f"must be text, not {kind_of(given.value)}", 'write e.g. "{{ event | upcase }}"')
    try:  # it takes a while to load and is a package of its own; whoever does not use it needs neither
        liquid = import_module("router.rules.mapping.liquid")
    except ModuleNotFoundError:
        return given.refuse("needs the package python-liquid", 'install it: pip install "pointsman[liquid]"')
    try:
        resolve: Resolve = liquid.compile_liquid(given.value)
    except liquid.LiquidRefused as error:
        return given.refuse(str(error), error.remedy)
    return resolve


DIRECTIVES: Mapping[str, Callable[[Argument], Part]] = {
    "@path": _path,
    "@template": _template,
    "@literal": _literal,
    "@if": _if,
    "@case": _case,
    "@replace": _replace,
    "@arrayPath": _array_path,
    "@flatten": _flatten,
    "@json": _json,
    "@merge": _merge,
    "@transform": _transform,
    "@excludeWhenNull": _exclude_when_null,
    "@liquid": _liquid,
}
"""Every directive by its name."""
