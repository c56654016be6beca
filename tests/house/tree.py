"""The source files of the project, parsed: what every house test reads."""

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Module:
    """One Python file: its path from the root, its import name, and its syntax tree."""

    path: str
    name: str
    tree: ast.Module
    lines: int = 0

    @classmethod
    def of(cls, text: str, *, path: str) -> "Module":
        """A module from source text, e.g. a bad example in a test."""
        return cls(path, import_name(path), ast.parse(text), text.count("\n"))

    @property
    def package(self) -> str:
        """The package that relative imports of this module start from."""
        is_package = self.path.endswith("__init__.py")
        return self.name if is_package else self.name.rpartition(".")[0]


@dataclass(frozen=True)
class Import:
    """One imported module, and the line that says so."""

    name: str
    line: int


def import_name(path: str) -> str:
    """`router/api/doors.py` → `router.api.doors`; the bundled plugins are known as `router_plugins`."""
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    if parts[0] == "plugins":
        parts[0] = "router_plugins"
    return ".".join(parts)


def modules(*folders: str) -> list[Module]:
    """Every module under these folders of the project."""
    paths = sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py") if is_source(path))
    return [
        Module.of(path.read_text(encoding="utf-8"), path=path.relative_to(ROOT).as_posix()) for path in paths
    ]


def is_source(path: Path) -> bool:
    """Whether a file is ours, and not something that a tool has put there."""
    made = {"node_modules", "__pycache__", "build", "data", "dist"}
    return not any(part in made or part.startswith(".") for part in path.relative_to(ROOT).parts)


def imports(module: Module, known: Iterable[str] = ()) -> Iterator[Import]:
    """Every import of a module, wherever it stands; `from a import b` names `a.b` when that is a known module."""
    names = frozenset(known)
    for node in ast.walk(module.tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, node.lineno)
        elif isinstance(node, ast.ImportFrom):
            home = _home(module, node)
            for alias in node.names:
                full = f"{home}.{alias.name}"
                yield Import(full if full in names else home, node.lineno)


def _home(module: Module, node: ast.ImportFrom) -> str:
    if not node.level:
        return node.module or ""
    parts = module.package.split(".")
    parts = parts[: len(parts) - node.level + 1]
    return ".".join([*parts, node.module] if node.module else parts)


def is_within(name: str, package: str) -> bool:
    """Whether a module is this package or stands in it."""
    return name == package or name.startswith(package + ".")
