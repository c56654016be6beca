"""What pytest gets where this package is installed: the conformance suite, `recorded`, and a router for tests.

Nothing of the router is imported before it is used, so other projects in the same environment do not notice.
"""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options."""
    options = parser.getgroup("pointsman")
    options.addoption(
        "--conformance",
        metavar="KINDS",
        default="auto",
        help="destinations that the conformance suite runs over: kinds with commas between, `all`, or `none`; by "
        "default those of this project, whenever the whole project is tested",
    )
    options.addoption(
        "--record",
        action="store_true",
        help="write the exchanges of the fixture `recorded` anew, instead of comparing",
    )
    parser.addini(
        "conformance_directories",
        "folders with plugins whose destinations the conformance suite runs over, besides installed ones",
        type="linelist",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the mark."""
    config.addinivalue_line("markers", "conformance: a promise that every destination makes")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(
    session: pytest.Session, config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Add a test for each destination or enrichment, and promise; -k and -m choose among them as among any."""
    if _is_wanted(config):
        import_module("router.testing.conformance.collecting").add_tests(session, items)


def _is_wanted(config: pytest.Config) -> bool:
    """Whether this run is one of the whole project: no file, folder or test of it was named alone."""
    choice = config.getoption("conformance")
    if choice != "auto":
        return bool(choice != "none")
    if config.args_source is not pytest.Config.ArgsSource.ARGS:
        return True
    whole = {config.rootpath, *(config.rootpath / one for one in config.getini("testpaths"))}
    return any(Path(config.invocation_params.dir, one).resolve() in whole for one in config.args)


@pytest.fixture
def recorded(request: pytest.FixtureRequest) -> Iterator[Any]:
    """Compare exchanges with those that were recorded beside the test: `recorded(exchange(…))`."""
    writes = request.config.getoption("record")
    recorder = import_module("router.testing.recorded").Recorder(
        request.path, request.node.name, writes=writes
    )
    yield recorder
    recorder.finish()


@pytest.fixture
def event_router() -> Iterator[Any]:
    """A router in memory, on a thread of its own: point an SDK at its `url`, or call its `track`, `identify`, …"""
    with import_module("router.testing.threaded").ThreadedRouter() as router:
        yield router
