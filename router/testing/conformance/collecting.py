"""The suite as tests of pytest: one for each destination, source or enrichment, and promise."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import pytest

from router.plugins.enricher import Enricher
from router.plugins.registry import BUILT_IN_ORIGIN, PluginsConfig, Registry
from router.testing.conformance.enrichers import ENRICHER_PROMISES, EnricherPromise
from router.testing.conformance.promise import CannotTell, NotKept, Promise
from router.testing.conformance.suite import Plugin, promises_of, verify, worded

ROUTER = "pointsman"
"""The distribution whose plugins are tested at home and nowhere else."""


class Conformance(pytest.Collector):
    """Collects the tests of all destinations, sources and enrichments."""

    def collect(self) -> Iterator[pytest.Item]:
        """One test for each of them and promise."""
        for what, kind, cls in sorted(_plugins(self.config), key=lambda one: one[:2]):
            if issubclass(cls, Enricher):
                for one in ENRICHER_PROMISES:
                    name = f"{what}-{kind}-{one.name}"
                    yield EnricherTest.from_parent(self, name=name, enricher=cls, promise=one)
                continue
            for promise in promises_of(cls):
                name = f"{kind}-{promise.name}" if what == "destination" else f"{what}-{kind}-{promise.name}"
                yield ConformanceTest.from_parent(self, name=name, plugin=cls, promise=promise)


class ConformanceTest(pytest.Item):
    """One promise of one plugin."""

    def __init__(self, *, plugin: Plugin, promise: Promise, **options: Any) -> None:
        super().__init__(**options)
        self._cls = plugin
        self._promise = promise
        self.add_marker("conformance")

    def runtest(self) -> None:
        """Check it."""
        try:
            verify(self._cls, self._promise)
        except CannotTell as error:
            pytest.skip(f"{self._cls.kind!r}: {error}")

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


class EnricherTest(pytest.Item):
    """One promise of one enrichment."""

    def __init__(self, *, enricher: type[Enricher[Any]], promise: EnricherPromise, **options: Any) -> None:
        super().__init__(**options)
        self._cls = enricher
        self._promise = promise
        self.add_marker("conformance")

    def runtest(self) -> None:
        """Check it."""
        self._promise.check(self._cls)

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None) -> Any:
        """What is wrong, in one sentence."""
        error = excinfo.value
        if not isinstance(error, NotKept):
            return super().repr_failure(excinfo, style)
        return f"enrichment {self._cls.kind!r} does not {self._promise.says}: {error}"

    def reportinfo(self) -> tuple[os.PathLike[str], int | None, str]:
        """What the line of the test says."""
        return self.path, None, f"conformance: {self.name}"


def _plugins(config: pytest.Config) -> list[tuple[str, str, Plugin | type[Enricher[Any]]]]:
    """What is tested: `destination`, `source` or `enrichment`, the kind and the class."""
    folders = tuple(str(config.rootpath / one) for one in config.getini("conformance_directories"))
    registry = Registry.load(PluginsConfig(directories=folders))
    offers = [one for one in registry.offers if one.what in ("destination", "source", "enrichment")]
    choice = config.getoption("conformance")
    if choice == "auto" and not _is_home(config):
        own = (ROUTER, BUILT_IN_ORIGIN)
        offers = [one for one in offers if not {one.origin, one.origin.partition(" ")[0]} & {*own}]
    elif choice not in ("auto", "all"):
        wanted = {kind.strip() for kind in choice.split(",")}
        known = sorted({one.kind for one in offers})
        if unknown := sorted(wanted - {*known}):
            raise pytest.UsageError(
                f"--conformance: no plugin offers {unknown[0]!r}; known are {', '.join(known)}, all, none"
            )
        offers = [one for one in offers if one.kind in wanted]
    return [(one.what, one.kind, cast(Plugin | type[Enricher[Any]], registry.offered(one))) for one in offers]


def _is_home(config: pytest.Config) -> bool:
    """Whether the project that is tested is the router itself, not one that has it installed below its folder."""
    here = Path(__file__)
    return config.rootpath in here.parents and "site-packages" not in here.parts


def add_tests(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Put the conformance tests behind the project's own."""
    collector = Conformance.from_parent(session, name="conformance", nodeid="conformance")
    items.extend(collector.collect())
