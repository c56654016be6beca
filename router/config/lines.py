"""Finds where each key stands in a TOML text, and what its value looks like there: the library's parser does not tell.

It only looks at where statements begin. The text was parsed before, so it is known to be valid.
"""

import re
import tomllib
from collections.abc import Iterator

from msgspec import Struct

from router.config.problems import Path

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\]|\\.)*"|'[^']*')"""
_KEY = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*(\[\[?)\s*({_KEY})\s*\]")
_STATEMENT = re.compile(rf"\s*({_KEY})\s*=\s*(.*)", re.DOTALL)
_QUOTES = ('"""\n', "'''\n", '"""', "'''", '"', "'")
"""What may stand before a text; a line break right behind three quotes is no part of it."""


class Value(Struct, frozen=True):
    """A value as it is written."""

    line: int
    column: int
    text: str

    def place(self, offset: int) -> tuple[int, int]:
        """The line and the column of a letter of it, both counted from 1."""
        before = self.text[:offset]
        lines = before.count("\n")
        return self.line + lines, offset - before.rfind("\n") + (0 if lines else self.column - 1)


class Places:
    """Where keys and values stand in one text."""

    def __init__(self, text: str) -> None:
        self.lines: dict[Path, int] = {}
        """The line, counted from 1, on which each key and each table first appears."""
        self._values: dict[Path, Value] = {}
        self._tables: dict[Path, int] = {}
        """How many `[[tables]]` of a name there were."""
        self._read(text)

    def find(self, path: Path, text: str, at: tuple[int, int] = (1, 1)) -> tuple[int, int] | None:
        """Line and column of a text, or of the place `at` in it, in the value of `path` or of the key that holds it.

        None where it is not there letter by letter, because it is written with escapes.
        """
        for value in self._around(path):
            for quote in _QUOTES:
                begin = value.text.find(f"{quote}{text}{quote.strip()}")
                if begin >= 0:
                    return self._inside(value, begin + len(quote), at)
            key = re.search(rf"(?<![\w\"'-]){re.escape(text)}(?=\s*=)", value.text)
            if key is not None:
                return value.place(key.start())
        return None

    def _around(self, path: Path) -> Iterator[Value]:
        """The value of the longest part of `path` that has one; of a table, those in it."""
        for length in range(len(path), 0, -1):
            part = path[:length]
            if part in self._values:
                yield self._values[part]
                return
            if part in self.lines:
                yield from (value for key, value in self._values.items() if key[:length] == part)
                return

    def _inside(self, value: Value, begin: int, at: tuple[int, int]) -> tuple[int, int]:
        line, column = at
        for _ in range(line - 1):
            begin = value.text.index("\n", begin) + 1
        return value.place(begin + column - 1)

    def _read(self, text: str) -> None:
        table: Path = ()
        lines = text.splitlines()
        index = 0
        while index < len(lines):
            number, line = index + 1, lines[index]
            index += 1
            if header := _HEADER.match(line):
                table = self._table(_parts(header[2]), is_list=header[1] == "[[", number=number)
                self._note(table, number)
            elif statement := _STATEMENT.match(line):
                path = table + _parts(statement[1])
                self._note(path, number)
                more = _more_lines(statement[2], lines[index:])
                value = "\n".join([statement[2], *lines[index : index + more]])
                self._values.setdefault(path, Value(number, statement.start(2) + 1, value))
                index += more

    def _table(self, path: Path, *, is_list: bool, number: int) -> Path:
        """The path of a table with the number of each list of tables that it is in."""
        found: Path = ()
        for part in path[:-1] if is_list else path:
            found += (part,)
            if found in self._tables:
                found += (str(self._tables[found] - 1),)
        if is_list:
            found += (path[-1],)
            self._note(found, number)
            self._tables[found] = self._tables.get(found, 0) + 1
            found += (str(self._tables[found] - 1),)
        return found

    def _note(self, path: Path, number: int) -> None:
        for length in range(1, len(path) + 1):
            self.lines.setdefault(path[:length], number)


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
