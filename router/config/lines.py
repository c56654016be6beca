"""Finds the line of each key in a TOML text: the standard library's parser does not tell.

It only looks at where statements begin. The text was parsed before, so it is known to be valid.
"""

import re
import tomllib

from router.config.problems import Path

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[\[?\s*({_KEY})\s*\]")
_STATEMENT = re.compile(rf"\s*({_KEY})\s*=(.*)", re.DOTALL)


def key_lines(text: str) -> dict[Path, int]:
    """The line, counted from 1, on which each key and each table of `text` first appears."""
    found: dict[Path, int] = {}
    table: Path = ()
    lines = text.splitlines()
    index = 0
    while index < len(lines):
        number, line = index + 1, lines[index]
        index += 1
        if header := _HEADER.match(line):
            table = _parts(header[1])
            _note(found, table, number)
        elif statement := _STATEMENT.match(line):
            _note(found, table + _parts(statement[1]), number)
            index += _more_lines(statement[2], lines[index:])
    return found


def _note(found: dict[Path, int], path: Path, number: int) -> None:
    for length in range(1, len(path) + 1):
        found.setdefault(path[:length], number)


def _parts(key: str) -> Path:
    """The names of a dotted key; the parser itself takes off quotes and escapes."""
    node = tomllib.loads(f"{key} = 0")
    path: list[str] = []
    while isinstance(node, dict):
        [(name, node)] = node.items()
        path.append(name)
    return tuple(path)


def _more_lines(value: str, rest: list[str]) -> int:
    """How many lines after its first one a value takes: as many as the parser needs to understand it."""
    for taken in range(len(rest) + 1):
        try:
            tomllib.loads("\n".join(["value = " + value, *rest[:taken]]))
        except tomllib.TOMLDecodeError:
            continue
        return taken
    return 0
