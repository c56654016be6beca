"""What must be explained where it stands: fields of the configuration, public names, hooks."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from tests.house.tree import Module

CONFIGURED = ("Config", "Settings", "Source", "Batching", "Rate", "Concurrency", "Retry")
"""Ends of the names of classes whose fields an operator writes in router.toml."""


def unexplained_fields(modules: Iterable[Module]) -> Iterator[str]:
    """Fields of configuration classes without a string under them."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.ClassDef) and _is_configured(node):
                for field in _without_string(node.body):
                    yield f"{module.path}:{field.lineno}: {node.name}.{_name(field)} is not explained under it"


def _is_configured(node: ast.ClassDef) -> bool:
    bases = {ast.unparse(base).rpartition(".")[2] for base in node.bases}
    is_struct = bool(bases & {"Struct", "Settings", "Source"})
    return is_struct and (node.name.endswith(CONFIGURED) or "Settings" in bases)


def _without_string(body: list[ast.stmt]) -> Iterator[ast.AnnAssign]:
    for statement, below in zip(body, [*body[1:], None], strict=True):
        if not isinstance(statement, ast.AnnAssign) or _is_string(below):
            continue
        if "ClassVar" not in ast.unparse(statement.annotation):
            yield statement


def _name(field: ast.AnnAssign) -> str:
    return ast.unparse(field.target)


def _is_string(statement: ast.stmt | None) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def unexplained_names(homes: Mapping[str, Iterable[str]], modules: Iterable[Module]) -> Iterator[str]:
    """Public names (by home module) that are missing there, or have no docstring or string under them."""
    by_name = {module.name: module for module in modules}
    for home, names in homes.items():
        module = by_name.get(home)
        explained = _explained(module.tree.body) if module else {}
        for name in names:
            if name not in explained:
                yield f"{home}: the public name {name} is not there"
            elif not explained[name]:
                yield f"{home}: the public name {name} is not explained"


def _explained(body: list[ast.stmt]) -> dict[str, bool]:
    found: dict[str, bool] = {}
    for statement, below in zip(body, [*body[1:], None], strict=True):
        if isinstance(statement, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            found[statement.name] = bool(ast.get_docstring(statement))
        elif isinstance(statement, ast.Assign):
            for target in statement.targets:
                found[ast.unparse(target)] = _is_string(below)
        elif isinstance(statement, ast.AnnAssign):
            found[ast.unparse(statement.target)] = _is_string(below)
    return found


def hooks(module: Module) -> list[str]:
    """Names of the functions that are marked `@hookspec`."""
    return [
        node.name
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef)
        and any("hookspec" in ast.unparse(d) for d in node.decorator_list)
    ]


def untested_hooks(names: Iterable[str], tests: Iterable[Module]) -> Iterator[str]:
    """Hooks that no test is named after."""
    written = {
        node.name
        for test in tests
        for node in ast.walk(test.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name.startswith("test_")
    }
    for name in names:
        if not any(name in test for test in written):
            yield f"hook {name}: no test has {name} in its name"


def undescribed_hooks(names: Iterable[str], guide: str) -> Iterator[str]:
    """Hooks that the author's guide does not describe in a paragraph of their own."""
    paragraphs = guide.split("\n\n")
    for name in names:
        if not any(f"`{name}" in paragraph.split("\n")[0] for paragraph in paragraphs):
            yield f"hook {name}: plugins/README.md has no paragraph that opens with `{name}`"
