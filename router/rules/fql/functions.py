"""The functions of FQL. They take any JSON values and never fail: what they cannot use gives false or null."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import Struct

from router.rules.fql.glob import MOST_CHARACTERS, compile_glob
from router.rules.fql.numbers import number_text
from router.rules.fql.tree import Literal, Value
from router.rules.fql.values import NUMBERS, ORDER

_TYPES = {str: "string", int: "number", float: "number", bool: "bool", list: "list", dict: "object"}
_NUMBER = re.compile(r"[+-]?[0-9]{1,300}(\.[0-9]{1,300})?([eE][+-]?[0-9]{1,4})?")
_VERSION_PART = re.compile(r"\s*([+-]?[0-9]{1,300})")
_SIGNS = ("=", "!=", *ORDER)


def contains(text: Any, part: Any) -> bool:
    """Whether `part` stands somewhere in `text`; upper and lower case differ."""
    return text.__class__ is str and part.__class__ is str and part in text


def match(text: Any, pattern: Any) -> bool:
    """Whether the whole of `text` fits the glob `pattern`."""
    return text.__class__ is str and pattern.__class__ is str and compile_glob(pattern)(text)


def length(value: Any) -> int | None:
    """How many items a list has, or UTF-8 bytes a string; 0 for null, null for anything else."""
    if value.__class__ is str:
        return len(value) if value.isascii() else len(value.encode(errors="surrogatepass"))
    if value.__class__ is list:
        return len(value)
    return 0 if value is None else None


def lowercase(text: Any) -> str | None:
    """The text in lower case."""
    return text.lower() if text.__class__ is str else None


def uppercase(text: Any) -> str | None:
    """The text in upper case."""
    return text.upper() if text.__class__ is str else None


def snakecase(text: Any) -> str | None:
    """The text with `_` for each space."""
    return text.replace(" ", "_") if text.__class__ is str else None


def kebabcase(text: Any) -> str | None:
    """The text with `-` for each space."""
    return text.replace(" ", "-") if text.__class__ is str else None


def titlecase(text: Any) -> str | None:
    """The text with a capital at the start of each word; other letters stay."""
    if text.__class__ is not str:
        return None
    return " ".join(word[:1].upper() + word[1:] for word in text.split(" "))


def type_of(value: Any) -> str:
    """`string`, `number`, `bool`, `list`, `object` or `null`."""
    return _TYPES.get(value.__class__, "null")


def to_bool(value: Any) -> bool:
    """True for true, for the text `true` and for every number but 0."""
    if value.__class__ in NUMBERS:
        return bool(value != 0)
    return value is True or (value.__class__ is str and value == "true")


def to_string(value: Any) -> str | None:
    """The text of a scalar; the empty text for null; null for lists and objects."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return number_text(value)
    return "" if value is None else None


def to_number(value: Any) -> int | float | None:
    """The number that a text spells; 1 and 0 for true and false; null for what is no number."""
    if isinstance(value, int | float):
        return int(value) if isinstance(value, bool) else value
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return None
    return int(value) if value.lstrip("+-").isdigit() else float(value)


def semver(one: Any, sign: Any, other: Any) -> bool:
    """Whether version `one` stands in the relation `sign` to version `other`; parts left out are 0."""
    if sign.__class__ is not str or sign not in _SIGNS:
        return False
    left, right = _version(one), _version(other)
    if left is None or right is None:
        return False
    if sign in ORDER:
        return ORDER[sign](left, right)
    return (left == right) is (sign == "=")


def _version(text: Any) -> tuple[int, ...] | None:
    if text.__class__ is not str:
        return None
    found = [_VERSION_PART.match(part) for part in text.split(".", 3)]
    numbers = tuple(int(part[1]) for part in found if part)
    if len(found) > 3 or len(numbers) < len(found):
        return None
    return numbers + (0,) * (3 - len(numbers))


def _long_glob(arguments: Sequence[Value]) -> str | None:
    pattern = arguments[1]
    if (
        isinstance(pattern, Literal)
        and isinstance(pattern.value, str)
        and len(pattern.value) > MOST_CHARACTERS
    ):
        return f"a glob of {len(pattern.value)} characters; at most {MOST_CHARACTERS} are allowed"
    return None


def _unknown_sign(arguments: Sequence[Value]) -> str | None:
    sign = arguments[1]
    if isinstance(sign, Literal) and sign.value not in _SIGNS:
        return f"semver() compares with one of {' '.join(_SIGNS)} in quotes, as its second value"
    return None


class Function(Struct, frozen=True):
    """A function: how many values it `takes`, what it answers, and which written-out values it refuses."""

    takes: int
    call: Callable[..., Any]
    is_bool: bool = False
    """Whether it answers true or false whatever it is given."""
    problem: Callable[[Sequence[Value]], str | None] = lambda arguments: None


FUNCTIONS: Mapping[str, Function] = {
    "contains": Function(2, contains, is_bool=True),
    "match": Function(2, match, is_bool=True, problem=_long_glob),
    "length": Function(1, length),
    "lowercase": Function(1, lowercase),
    "uppercase": Function(1, uppercase),
    "snakecase": Function(1, snakecase),
    "kebabcase": Function(1, kebabcase),
    "titlecase": Function(1, titlecase),
    "typeof": Function(1, type_of),
    "bool": Function(1, to_bool, is_bool=True),
    "string": Function(1, to_string),
    "number": Function(1, to_number),
    "semver": Function(3, semver, is_bool=True, problem=_unknown_sign),
}
"""Every function of FQL by its name."""
