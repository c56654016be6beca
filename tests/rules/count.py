"""Reads the numbered rules of a specification, and finds the tests that carry their numbers."""

import ast
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

NAME = re.compile(r"test_([a-z]+)_(\d+)_")


@dataclass
class Standing:
    """How one specification stands."""

    prefix: str
    rules: tuple[int, ...]
    passing: set[int] = field(default_factory=set)
    unproven: set[int] = field(default_factory=set)
    """Rules with a test that failed, was skipped, or has not been run."""

    @property
    def missing(self) -> list[int]:
        """Rules without any test."""
        return sorted(set(self.rules) - self.passing - self.unproven)


def prefix_of(page: Path) -> str:
    """`tracking-api.md` → `tracking`."""
    return page.stem.split("-")[0]


def rules_in(text: str) -> tuple[int, ...]:
    """The numbers of the list under the heading that ends in "Testable rules"."""
    section = re.split(r"^##\s.*Testable rules\s*$", text, flags=re.MULTILINE)
    if len(section) < 2:
        return ()
    body = re.split(r"^##?\s", section[1], flags=re.MULTILINE)[0]
    return tuple(int(number) for number in re.findall(r"^(\d+)\. ", body, flags=re.MULTILINE))


def written_tests(folder: Path) -> set[tuple[str, str]]:
    """Every test function that is named after a rule, as (file from the project's root, function name)."""
    found = set()
    for path in folder.rglob("test_*.py"):
        if "node_modules" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and NAME.match(node.name):
                found.add((path.relative_to(folder.parent).as_posix(), node.name))
    return found


def standings(
    specifications: Mapping[str, str], tests: Iterable[tuple[str, str]], results: Mapping[str, bool]
) -> list[Standing]:
    """How each specification (prefix → text) stands. A rule passes when every test of its number passed."""
    found = {prefix: Standing(prefix, rules_in(text)) for prefix, text in specifications.items()}
    outcomes: dict[tuple[str, int], list[bool]] = {}
    for path, name in tests:
        match = NAME.match(name)
        assert match is not None
        outcomes.setdefault((match[1], int(match[2])), []).append(_passed(path, name, results))
    for (prefix, number), passed in outcomes.items():
        if prefix in found and number in found[prefix].rules:
            (found[prefix].passing if all(passed) else found[prefix].unproven).add(number)
    return list(found.values())


def _passed(path: str, name: str, results: Mapping[str, bool]) -> bool:
    """Whether a test, with all its parameters and in whatever class, was run and passed."""
    mine = [
        passed
        for node, passed in results.items()
        if node.startswith(path + "::") and node.split("[")[0].rpartition("::")[2] == name
    ]
    return bool(mine) and all(mine)


def ranges(numbers: Iterable[int]) -> str:
    """`1, 2, 3, 7` → `1-3 7`."""
    parts: list[list[int]] = []
    for number in sorted(numbers):
        if parts and parts[-1][-1] == number - 1:
            parts[-1].append(number)
        else:
            parts.append([number])
    return " ".join(str(p[0]) if len(p) == 1 else f"{p[0]}-{p[-1]}" for p in parts)
