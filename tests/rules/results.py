"""Remembers how each test of a numbered rule went when it was last run."""

from collections.abc import Mapping

import pytest

KEY = "pointsman/rule-results"


class Results:
    """The pytest plugin: keeps `node id → passed` in pytest's cache, over runs of different parts."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._seen: dict[str, bool] = {}

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """A test passed when its body did, and nothing around it failed."""
        if report.when == "call" or not report.passed:
            self._seen[report.nodeid] = report.passed and self._seen.get(report.nodeid, True)

    def pytest_sessionfinish(self) -> None:
        """Write the results down, over those of earlier runs."""
        cache = _cache(self._config)
        if cache is not None and self._seen:
            cache.set(KEY, {**read_results(self._config), **self._seen})


def read_results(config: pytest.Config) -> Mapping[str, bool]:
    """What earlier runs have written."""
    cache = _cache(config)
    results: dict[str, bool] = cache.get(KEY, {}) if cache is not None else {}
    return results


def _cache(config: pytest.Config) -> pytest.Cache | None:
    """Pytest's cache; `-p no:cacheprovider` takes the attribute away."""
    return getattr(config, "cache", None)
