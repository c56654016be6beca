"""Liquid templates: what `@liquid` does, with everything left out that could run long (protocols 9).

There are no loops and no other templates to include, a template has 1,000 characters at most, and no filter may
multiply text beyond a limit; so a template is as quick as it is short. The package `python-liquid` does the rest. It
is loaded only where a mapping uses `@liquid`.
"""

from collections.abc import Callable
from typing import Any, TextIO

from liquid import BoundTemplate, Environment, RenderContext, Undefined
from liquid.builtin.output import Output, OutputNode
from liquid.builtin.tags.echo_tag import EchoNode, EchoTag
from liquid.exceptions import LiquidError
from liquid.static_analysis import TemplateAnalysis

from router.errors import RouterError
from router.rules.mapping.failed import LONGEST_TEXT, MappingFailed
from router.rules.mapping.path import Resolve
from router.rules.mapping.text import as_text

LONGEST_TEMPLATE = 1000
LONGEST_DATE = 64
TAGS = frozenset(
    {
        *(
            "#",
            "assign",
            "capture",
            "comment",
            "decrement",
            "echo",
            "if",
            "increment",
            "liquid",
            "raw",
            "unless",
        ),
        *("content", "illegal", "output"),
    }
)
"""Of `python-liquid`'s tags, those that may be used; the last three are how it names what is no tag."""
DISABLED_FILTERS = frozenset(
    {
        *("concat", "find", "find_index", "has", "map", "newline_to_br"),
        *("reject", "reverse", "sort", "sort_natural", "uniq"),
    }
)
"""Of its filters, those that the mapping kit disables."""
_OF_TEXT = (
    *(
        "append",
        "base64_decode",
        "base64_encode",
        "capitalize",
        "downcase",
        "escape",
        "escape_once",
        "lstrip",
    ),
    *(
        "prepend",
        "remove",
        "remove_first",
        "remove_last",
        "replace",
        "replace_first",
        "replace_last",
        "rstrip",
    ),
    *(
        "slice",
        "split",
        "squish",
        "strip",
        "strip_html",
        "strip_newlines",
        "truncate",
        "truncatewords",
        "upcase",
    ),
    *("url_decode", "url_encode"),
)
"""Filters that make text of whatever they are given."""
_MULTIPLYING = ("append", "join", "prepend", "replace")
"""Filters whose result may be much longer than what they are given."""

Filter = Callable[..., Any]


class LiquidRefused(RouterError):
    """A template cannot be used."""

    def __init__(self, what: str, remedy: str) -> None:
        super().__init__(what)
        self.remedy = remedy


def compile_liquid(template: str) -> Resolve:
    """A closure that renders `template`; raises LiquidRefused."""
    if len(template) > LONGEST_TEMPLATE:
        raise LiquidRefused(f"has more than {LONGEST_TEMPLATE} characters", "shorten the template")
    parsed, found = _analyzed(template)
    for name in found.filters:
        if name not in _ENVIRONMENT.filters:
            what = "is disabled" if name in DISABLED_FILTERS else "is not known"
            raise LiquidRefused(f"uses the filter {name!r}, which {what}", "take it out")

    def run(root: Any) -> str:
        try:
            return parsed.render(root if isinstance(root, dict) else {})
        except LiquidError as error:
            raise MappingFailed(f"@liquid: {error.message}") from None
        except (ArithmeticError, LookupError, RecursionError, TypeError, ValueError) as error:
            raise MappingFailed(f"@liquid: {error}") from None  # a filter that did not expect this value

    return run


def liquid_paths(template: str) -> list[tuple[str, ...]]:
    """The paths that a template reads; raises LiquidRefused."""
    _, found = _analyzed(template)
    return [
        tuple(str(segment) for segment in variable.segments)
        for variables in found.globals.values()
        for variable in variables
    ]


def _analyzed(template: str) -> tuple[BoundTemplate, TemplateAnalysis]:
    try:
        parsed = _ENVIRONMENT.from_string(template)
        return parsed, parsed.analyze()
    except LiquidError as error:
        raise LiquidRefused(
            f"is not a template: {error.message}", "mend it; loops and includes are disabled"
        ) from None


class _OutputNode(OutputNode):
    """Output as JavaScript writes values, so that every directive writes them alike."""

    def render_to_output(self, context: RenderContext, buffer: TextIO) -> int:
        return buffer.write(_text(self.expression.evaluate(context)))


class _Output(Output):
    node_class = _OutputNode


class _EchoNode(EchoNode):
    render_to_output = _OutputNode.render_to_output


class _Echo(EchoTag):
    node_class = _EchoNode


def _text(value: Any) -> str:
    """A value as text; a list is its items with nothing between them."""
    if isinstance(value, list | tuple):
        return "".join(map(_text, value))
    if isinstance(value, Undefined) or value is None:
        return ""
    return as_text(value) if type(value) in _JSON else str(value)


_JSON = (str, int, float, bool, dict)


def _of_text(name: str, run: Filter) -> Filter:
    """A filter that is given text, whatever the value is; only `slice` takes a list as it is."""

    def run_on_text(value: Any, *arguments: Any, **named: Any) -> Any:
        given = value if name == "slice" and isinstance(value, list) else _text(value)
        return run(given, *arguments, **named)

    return run_on_text


def _joining(run: Filter) -> Filter:
    """The filter `join`, with the items as text."""

    def join(value: Any, *arguments: Any, **named: Any) -> Any:
        items = [_text(item) for item in value] if isinstance(value, list) else value
        return run(items, *arguments, **named)

    return join


def _bounded(name: str, run: Filter) -> Filter:
    """A filter that refuses before it multiplies; a text has one gap more than characters for `replace`."""

    def bounded(value: Any, *arguments: Any, **named: Any) -> Any:
        longest = max([len(_text(one)) for one in arguments], default=1)
        pieces = value if isinstance(value, list) else [value]
        size = sum([len(_text(piece)) for piece in pieces])
        times = len(pieces)
        if name == "replace" and len(arguments) == 2:
            times, longest = _text(value).count(_text(arguments[0])), len(_text(arguments[1]))
        if size + times * longest > LONGEST_TEXT:
            raise MappingFailed(f"@liquid: the filter {name} makes more than {LONGEST_TEXT} characters")
        return run(value, *arguments, **named)

    return bounded


def _quick_date(run: Filter) -> Filter:
    """The filter `date` leaves a long text as it is: it is no date, and finding that out takes time."""

    def quick(value: Any, *arguments: Any, **named: Any) -> Any:
        is_long = isinstance(value, str) and len(value) > LONGEST_DATE
        return value if is_long else run(value, *arguments, **named)

    return quick


def _dividing(run: Filter) -> Filter:
    """The filter `divided_by`, with a fraction where one is left."""

    def divide(value: Any, *arguments: Any, **named: Any) -> Any:
        result = run(value, *arguments, **named)
        if (
            type(result) is int
            and type(value) is int
            and type(arguments[0]) is int
            and result * arguments[0] != value
        ):
            return value / arguments[0]
        return result

    return divide


def _defaulting(run: Filter) -> Filter:
    """The filter `default`, for which an object is there also when it is empty."""

    def default(value: Any, *arguments: Any, **named: Any) -> Any:
        return value if isinstance(value, dict) else run(value, *arguments, **named)

    return default


class _Bounded(Environment):
    local_namespace_limit = 4 * LONGEST_TEXT
    output_stream_limit = LONGEST_TEXT
    string_first_and_last = True


def _environment() -> Environment:
    environment = _Bounded()
    environment.add_tag(_Output)
    environment.add_tag(_Echo)
    for tag in set(environment.tags) - TAGS:
        del environment.tags[tag]
    filters = environment.filters
    for name in DISABLED_FILTERS:
        filters.pop(name, None)

    def change(name: str, changed: Filter) -> None:
        changed.__dict__.update(filters[name].__dict__)  # marks that say what else a filter is given
        filters[name] = changed

    for name in _OF_TEXT:
        change(name, _of_text(name, filters[name]))
    change("join", _joining(filters["join"]))
    change("date", _quick_date(filters["date"]))
    change("default", _defaulting(filters["default"]))
    change("divided_by", _dividing(filters["divided_by"]))
    for name in _MULTIPLYING:
        change(name, _bounded(name, filters[name]))
    return environment


_ENVIRONMENT: Environment = _environment()
"""Made once: it holds nothing but what templates may use."""
