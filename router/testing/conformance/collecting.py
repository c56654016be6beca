"""The suite as tests of pytest: one for each destination and promise."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.plugins.destination import Destination
from router.plugins.registry import PluginsConfig, Registry
from router.testing.conformance.promise import CannotTell, NotKept, Promise
from router.testing.conformance.suite import promises_of, verify, worded

ROUTER = "pointsman"
"""The distribution whose destinations are tested at home and nowhere else."""


class Conformance(pytest.Collector):
    """Collects the tests of all destinations."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test for each destination and promise."""
        for kind, cls in sorted(_destinations(self.config).items()):
            for promise in promises_of(cls):
                name = f"{kind}-{promise.name}"
                yield ConformanceTest.from_parent(self, name=name, destination=cls, promise=promise)


class ConformanceTest(pytest.Item):
    """One promise of one destination."""

    def __init__(self, *, destination: type[Destination[Any, Any]], promise: Promise, **options: Any) -> None:
        super().__init__(**options)
        self._cls = destination
        self._promise = promise
        self.add_marker("conformance")

    def runtest(self) -> None:
        """Check it."""
        try:
            verify(self._cls, self._promise)
        except CannotTell as error:
            pytest.skip(f"destination {self._cls.kind!r}: {error}")

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, in one sentence; with the author's own traceback where their code raised."""
        error = excinfo.value
        if not isinstance(error, NotKept):
            return super().repr_failure(excinfo, style)
        words = worded(self._cls, self._promise, error)
        if error.__cause__ is None:
            return words
        cause = pytest.ExceptionInfo.from_exception(error.__cause__)
        return f"{super().repr_failure(cause, style)}\n\n{words}"

    def reportinfo(self) -> tuple[os.PathLike[str], int | None, str]:
        """What the line of the test says."""
        return self.path, None, f"conformance: {self.name}"


def _destinations(config: pytest.Config) -> dict[str, type[Destination[Any, Any]]]:
    folders = tuple(str(config.rootpath / one) for one in config.getini("conformance_directories"))
    registry = Registry.load(PluginsConfig(directories=folders))
    offered = dict(registry.destinations)
    choice = config.getoption("conformance")
    if choice == "all" or (choice == "auto" and _is_home(config)):
        return offered
    if choice == "auto":
        bundled = {one.kind for one in registry.offers if one.origin.partition(" ")[0] == ROUTER}
        return {kind: cls for kind, cls in offered.items() if kind not in bundled}
    wanted = [kind.strip() for kind in choice.split(",")]
    if unknown := sorted(set(wanted) - set(offered)):
        known = ", ".join(sorted(offered))
        raise pytest.UsageError(
            f"--conformance: no plugin offers {unknown[0]!r}; known are {known}, all, none"
        )
    return {kind: offered[kind] for kind in wanted}


def _is_home(config: pytest.Config) -> bool:
    """Whether the project that is tested is the router itself, not one that has it installed below its folder."""
    here = Path(__file__)
    return config.rootpath in here.parents and "site-packages" not in here.parts


def add_tests(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Put the conformance tests behind the project's own."""
    collector = Conformance.from_parent(session, name="conformance", nodeid="conformance")
    items.extend(collector.collect())
