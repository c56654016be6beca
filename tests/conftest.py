"""What every test run does: refuse unlisted skips in CI, and remember which tests passed for `make rules`."""

import pytest

from tests.rules.results import Results
from tests.skips import Skips


def pytest_configure(config: pytest.Config) -> None:
    """Register both; workers of a parallel run report to the main process, which does the counting."""
    if hasattr(config, "workerinput"):
        return
    config.pluginmanager.register(Skips(), "skips")
    config.pluginmanager.register(Results(config), "results")
