"""Where a member stands in JSON text: the line and the column of a path, for who mends the text by hand."""

import json
from collections.abc import Sequence
from json.decoder import WHITESPACE  # type: ignore[attr-defined]

MOST_LETTERS = 4 << 20
"""In longer texts nobody looks by hand."""
_skip = WHITESPACE.match
_value = json.JSONDecoder().raw_decode


def place_of(text: str, path: Sequence[str | int]) -> tuple[int, int] | None:
    """Line and column, both from 1, of the longest part of `path` that is there; None where the text is none."""
    if len(text) > MOST_LETTERS:
        return None
    try:
        return line_and_column(text, _walk(text, _skip(text, 0).end(), path))
    except (ValueError, RecursionError, IndexError):
        return None


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and the column of a letter, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def _walk(text: str, at: int, path: Sequence[str | int]) -> int:
    """Where the value at `path` begins, of the value that begins `at`."""
    for part in path:
        found = _member(text, at, str(part))
        if found is None:
            break
        at = found
    return at


def _member(text: str, at: int, name: str) -> int | None:
    """Where a member of the object or the array that begins `at` begins; the last of its name counts."""
    kind, at, found, index = text[at], _skip(text, at + 1).end(), None, 0
    if kind not in "{[":
        return None
    while text[at] not in "}]":
        key: object = str(index)
        if kind == "{":
            key, at = _value(text, at)
            at = _skip(text, _skip(text, at).end() + 1).end()
        if key == name:
            found = at
        _, at = _value(text, at)
        at = _skip(text, at).end()
        if text[at] == ",":
            at = _skip(text, at + 1).end()
        index += 1
    return found
