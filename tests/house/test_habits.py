"""What every module does, and what none does."""

from tests.house.habits import (
    CATCH_ALLS,
    MOST_LINES,
    TASK_MAKERS,
    catch_alls,
    nameless,
    overlong,
    ownerless_tasks,
    unexplained_modules,
)
from tests.house.problems import assert_none
from tests.house.tree import Module, modules

PATH = "router/rules/example.py"


def test_no_file_is_overlong() -> None:
    assert_none(overlong(modules("router", "plugins", "tests")))


def test_every_module_has_a_name() -> None:
    assert_none(nameless(modules("router", "plugins", "tests")))


def test_every_module_opens_with_a_sentence() -> None:
    assert_none(unexplained_modules(modules("router", "plugins", "tests")))


def test_every_task_has_an_owner() -> None:
    assert_none(ownerless_tasks(modules("router", "plugins")))


def test_nobody_else_catches_everything() -> None:
    assert_none(catch_alls(modules("router", "plugins")))


def test_no_exception_to_these_rules_is_stale() -> None:
    everything = modules("router", "plugins")

    makers = {line.split(":")[0] for line in ownerless_tasks(everything, {})}
    catchers = {line.split(":")[0] for line in catch_alls(everything, {})}

    assert set(TASK_MAKERS) <= makers
    assert set(CATCH_ALLS) <= catchers


def test_an_overlong_file_is_found() -> None:
    assert list(overlong([Module.of("x = 1\n" * MOST_LINES, path=PATH)])) == []
    assert len(list(overlong([Module.of("x = 1\n" * (MOST_LINES + 1), path=PATH)]))) == 1


def test_a_nameless_module_is_found() -> None:
    assert len(list(nameless([Module.of("", path="router/utils/times.py")]))) == 1
    assert len(list(nameless([Module.of("", path="router/events/_helpers.py")]))) == 1


def test_a_module_without_a_sentence_is_found() -> None:
    assert len(list(unexplained_modules([Module.of("# a comment is no docstring\n", path=PATH)]))) == 1


def test_an_ownerless_task_is_found() -> None:
    bad = "asyncio.create_task(f())\nloop.create_task(f())\nasyncio.ensure_future(f())\ncreate_task(f())\n"
    good = (
        "async with asyncio.TaskGroup() as tasks:\n    tasks.create_task(g())\nself._tasks.create_task(g())\n"
    )

    assert len(list(ownerless_tasks([Module.of(bad, path=PATH)]))) == 4
    assert list(ownerless_tasks([Module.of(good, path=PATH)])) == []


def test_a_catch_all_is_found() -> None:
    for caught in (
        ": pass",
        " Exception: pass",
        " (OSError, Exception) as error: raise error",
        " BaseException: pass",
    ):
        text = f"try:\n    f()\nexcept{caught}\n"
        assert len(list(catch_alls([Module.of(text, path=PATH)]))) == 1, caught


def test_cleaning_up_is_no_catch_all() -> None:
    text = "try:\n    f()\nexcept BaseException:\n    g()\n    raise\nexcept OSError:\n    pass\n"

    assert list(catch_alls([Module.of(text, path=PATH)])) == []
