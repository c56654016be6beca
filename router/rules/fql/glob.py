"""Globs: `*` any run of characters, `?` one, `[a-z]` one of a set, `[^a-z]` one not of it, `\\x` the character x.

A glob becomes one regular expression that never takes a star back: each finds the first place where the piece
behind it fits, and stays there. So the work is at most the length of the glob times that of the text.
"""

import re
from collections.abc import Callable
from functools import lru_cache

MOST_CHARACTERS = 500
"""The longest glob; a longer one, which only an event can bring, matches nothing."""

Glob = Callable[[str], bool]

_CHARACTER = r"(?:\\.|[^\\\]-])"
_PART = re.compile(
    rf"(?P<stars>\*+)|(?P<any>\?)|\[(?P<negated>\^?+)(?P<set>(?:{_CHARACTER}(?:-{_CHARACTER})?)+)\]"
    r"|\\(?P<escaped>.)|(?P<plain>[^\\\[*?])",
    re.DOTALL,
)
_RANGE = re.compile(rf"({_CHARACTER})(?:-({_CHARACTER}))?", re.DOTALL)


class _Literal(str):
    """A character that stands for itself."""

    __slots__ = ()


_Part = str | None
"""A character, a fragment of a regular expression that takes one character, or None for a star."""


def _nothing(text: str) -> bool:
    return False


@lru_cache(maxsize=256)
def compile_glob(pattern: str) -> Glob:
    """Return a test of whole texts. Nothing matches a malformed glob."""
    parts = _parts(pattern) if len(pattern) <= MOST_CHARACTERS else None
    if parts is None:
        return _nothing
    return _without_expression(parts) or _with_expression(parts)


def _parts(pattern: str) -> list[_Part] | None:
    parts: list[_Part] = []
    at = 0
    while at < len(pattern):
        found = _PART.match(pattern, at)
        if not found:
            return None
        at = found.end()
        if found["stars"]:
            parts.append(None)
        elif found["any"]:
            parts.append(".")
        elif found["set"]:
            parts.append(_set(found["set"], negated=bool(found["negated"])))
        else:
            parts.append(_Literal(found["escaped"] or found["plain"]))
    return parts


def _set(body: str, *, negated: bool) -> str:
    ranges = []
    for found in _RANGE.finditer(body):
        low = found[1][-1]
        high = found[2][-1] if found[2] else low
        if low <= high:
            ranges.append(f"{re.escape(low)}-{re.escape(high)}")
    if not ranges:
        return "." if negated else "(?!)"
    return f"[{'^' if negated else ''}{''.join(ranges)}]"


def _without_expression(parts: list[_Part]) -> Glob | None:
    """The usual globs: text with a star in front, behind, on both sides, or none."""
    starts_open = parts[:1] == [None]
    inner = parts[1:] if starts_open else parts
    ends_open = inner[-1:] == [None]
    inner = inner[:-1] if ends_open else inner
    if not all(isinstance(part, _Literal) for part in inner):
        return None
    text = "".join(part for part in inner if part)
    if starts_open and (ends_open or not text):
        return lambda given: text in given
    if starts_open:
        return lambda given: given.endswith(text)
    if ends_open:
        return lambda given: given.startswith(text)
    return lambda given: given == text


def _with_expression(parts: list[_Part]) -> Glob:
    pieces = [""]
    for part in parts:
        if part is None:
            pieces.append("")
        else:
            pieces[-1] += re.escape(part) if isinstance(part, _Literal) else part
    first, *others = pieces
    between = "".join(f"(?>.*?{piece})" for piece in others[:-1])
    last = f".*{others[-1]}" if others else ""
    fits = re.compile(first + between + last, re.DOTALL).fullmatch
    return lambda given: fits(given) is not None
