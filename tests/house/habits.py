"""Habits of a single module: its length, its name, its docstring, and what it may not write."""

import ast
from collections.abc import Iterable, Iterator, Mapping

from tests.house.tree import Module

MOST_LINES = 400
NAMELESS = frozenset({"utils", "util", "helpers", "helper", "common", "base", "misc", "manager", "managers"})

TASK_MAKERS: Mapping[str, str] = {
    "router/actors/supervisor.py": "the supervisor owns the actors",
    "router/ingestion/source_actor.py": "the actor ends the task of its plugin, however deaf that is",
    "router/api/http.py": "the server keeps the answers of its connections, and ends them when it closes",
}
"""Where a task may be created, and who owns it there."""

CATCH_ALLS: Mapping[str, str] = {
    "router/actors/guard.py": "a foreign coroutine decides itself what to do with what is thrown into it",
    "router/actors/supervisor.py": "an actor may fail in any way",
    "router/delivery/preview.py": "a plugin may raise anything; then that is what the preview shows",
    "router/delivery/grouping.py": "an event that breaks `group_by` goes alone",
    "router/delivery/routing.py": "a plugin's triggers may raise; the event is taken, and judged where it is sent",
    "router/delivery/sending/sender.py": "a plugin may raise anything; it harms its own events only",
    "router/testing/conformance/purity.py": "whatever an author's code raises is what is looked for",
    "router/ingestion/source_actor.py": "a source plugin may raise anything; it harms its own source only",
    "router/assembly/diversions.py": "a function may raise anything; it costs its event only",
    "router/assembly/trying.py": "what a plugin's constructor raises is told, and tried again",
    "router/assembly/webhooks.py": "a webhook source may raise anything; it harms its own requests only",
    "router/plugins/chain.py": "a transformation may raise anything; it harms its event only",
    "router/enrichment/answers.py": "an enricher may raise anything; it costs its own addition only",
    "router/identity/computing.py": "an event that nothing can be computed of is set aside",
    "router/identity/resolver.py": "an event that cannot be resolved is set aside, and those behind it go on",
    "router/enrichment/results.py": "an event that breaks a step is set aside, and those behind it go on",
}
"""Where every exception may be caught, and why."""


def overlong(modules: Iterable[Module]) -> Iterator[str]:
    """Files that nobody reads to the end."""
    for module in modules:
        if module.lines > MOST_LINES:
            yield f"{module.path}: {module.lines} lines; {MOST_LINES} at most"


def nameless(modules: Iterable[Module]) -> Iterator[str]:
    """Modules and folders whose name says nothing."""
    for module in modules:
        for part in module.name.split("."):
            if part.strip("_") in NAMELESS:
                yield f"{module.path}: {part!r} is no name"


def unexplained_modules(modules: Iterable[Module]) -> Iterator[str]:
    """Modules that do not open with a sentence."""
    for module in modules:
        is_empty_test_folder = module.path.startswith("tests/") and not module.tree.body
        if not ast.get_docstring(module.tree) and not is_empty_test_folder:
            yield f"{module.path}: opens with no docstring"


def ownerless_tasks(modules: Iterable[Module], owners: Mapping[str, str] = TASK_MAKERS) -> Iterator[str]:
    """Tasks that are made where nobody watches over them; those of a TaskGroup (`tasks`, `group`) are watched."""
    for module in modules:
        for node in ast.walk(module.tree):
            if isinstance(node, ast.Call) and _makes_task(node.func) and module.path not in owners:
                yield f"{module.path}:{node.lineno}: makes a task that has no owner"


def _makes_task(called: ast.expr) -> bool:
    if isinstance(called, ast.Name):
        return called.id in {"create_task", "ensure_future"}
    if not isinstance(called, ast.Attribute) or called.attr not in {"create_task", "ensure_future"}:
        return False
    owner = ast.unparse(called.value).rpartition(".")[2]
    return owner.lstrip("_") not in {"tasks", "group", "task_group"}


def catch_alls(modules: Iterable[Module], allowed: Mapping[str, str] = CATCH_ALLS) -> Iterator[str]:
    """Handlers of every exception; one of BaseException that raises again only cleans up and may stay."""
    for module in modules:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ExceptHandler) or module.path in allowed:
                continue
            caught = _caught(node.type)
            raises_again = isinstance(node.body[-1], ast.Raise) and node.body[-1].exc is None
            if "Exception" in caught or ("BaseException" in caught and not raises_again):
                yield f"{module.path}:{node.lineno}: catches everything; catch the narrowest class"


def _caught(type_: ast.expr | None) -> set[str]:
    if type_ is None:
        return {"BaseException"}
    members = type_.elts if isinstance(type_, ast.Tuple) else [type_]
    return {member.id for member in members if isinstance(member, ast.Name)}
