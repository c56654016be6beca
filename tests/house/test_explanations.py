"""Everything an operator, an embedder or a plugin author meets is explained where it stands."""

import ast

from tests.house.explanations import (
    hooks,
    undescribed_hooks,
    unexplained_fields,
    unexplained_names,
    untested_hooks,
)
from tests.house.problems import assert_none
from tests.house.tree import ROOT, Module, modules

HOOKSPECS = "router/plugins/hookspecs.py"


def public_names() -> dict[str, list[str]]:
    """The names that `router` exports, by the module that defines them."""
    door = (ROOT / "router/__init__.py").read_text(encoding="utf-8")
    for statement in ast.parse(door).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "_HOMES":
            return {home: list(names) for home, names in ast.literal_eval(statement.value).items()}
    raise AssertionError("router/__init__.py has no _HOMES")


def hook_names() -> list[str]:
    """Every hook of the hook specification."""
    return hooks(Module.of((ROOT / HOOKSPECS).read_text(encoding="utf-8"), path=HOOKSPECS))


def test_every_field_of_the_configuration_is_explained() -> None:
    assert_none(unexplained_fields(modules("router", "plugins")))


def test_every_public_name_is_explained() -> None:
    assert_none(unexplained_names(public_names(), modules("router")))


def test_the_public_door_exports_what_it_lists() -> None:
    import router

    listed = sorted(name for names in public_names().values() for name in names)

    assert sorted(router.__all__) == listed


def test_every_hook_has_a_test_named_after_it() -> None:
    assert_none(untested_hooks(hook_names(), modules("tests")))


def test_every_hook_has_a_paragraph_in_the_guide() -> None:
    assert_none(undescribed_hooks(hook_names(), (ROOT / "plugins/README.md").read_text(encoding="utf-8")))


def test_an_unexplained_field_is_found() -> None:
    text = (
        "class ServerConfig(Struct):\n    host: str\n    port: int = 1\n    '''Explained.'''\n    path: str = ''\n"
        "class Hidden(Settings):\n    url: str\n    kind: ClassVar[str] = 'x'\n"
        "class Travels(Struct):\n    position: int\n"
    )

    found = list(unexplained_fields([Module.of(text, path="router/config/model.py")]))

    assert [line.split(": ")[1].split(" ")[0] for line in found] == [
        "ServerConfig.host",
        "ServerConfig.path",
        "Hidden.url",
    ]


def test_an_unexplained_public_name_is_found() -> None:
    home = Module.of("class Track: ...\nEvent = Track\n'''Any call.'''\n", path="router/events/calls.py")

    found = list(unexplained_names({"router.events.calls": ["Track", "Event", "Page"]}, [home]))

    assert [line.split(" ", 5)[4:] for line in found] == [
        ["Track", "is not explained"],
        ["Page", "is not there"],
    ]


def test_a_hook_without_test_or_paragraph_is_found() -> None:
    text = "class H:\n    @hookspec\n    def one(self): ...\n    @hookspec(firstresult=True)\n    def two(self): ...\n"
    specification = Module.of(text, path=HOOKSPECS)
    tests = [Module.of("def test_one_is_called(): ...\n", path="tests/plugins/test_hooks.py")]

    assert hooks(specification) == ["one", "two"]
    assert [line[:9] for line in untested_hooks(hooks(specification), tests)] == ["hook two:"]
    assert [line[:9] for line in undescribed_hooks(["one", "two"], "# Hooks\n\n`two()` does.\n")] == [
        "hook one:"
    ]
