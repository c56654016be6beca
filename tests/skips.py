"""A skipped test proves nothing: where CI=true it is a failure, unless `tests/skips.txt` names it with a reason."""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

LIST = Path(__file__).with_name("skips.txt")


def read_skips(text: str) -> dict[str, str]:
    """The allowed skips: start of the node id → reason. A line without a reason is an error."""
    allowed = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        node, mark, reason = line.partition("  # ")
        if not mark or not reason.strip():
            raise ValueError(f"tests/skips.txt, line {number}: write `NODE ID  # reason`")
        allowed[node.strip()] = reason.strip()
    return allowed


def unlisted(skipped: Iterable[str], allowed: Mapping[str, str]) -> list[str]:
    """The skipped tests that no line of the list allows."""
    return [node for node in skipped if not any(node.startswith(start) for start in allowed)]


class Skips:
    """The pytest plugin: gathers skips, and fails the run for those that are not listed."""

    def __init__(self) -> None:
        self._skipped: dict[str, str] = {}
        self._unlisted: list[str] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Remember a skip; an expected failure counts as one too."""
        if report.skipped:
            reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else "expected to fail"
            self._skipped[report.nodeid] = reason

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Remember a module that was skipped as a whole."""
        if report.skipped:
            self._skipped[report.nodeid] = str(report.longrepr)

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Turn a good run with unlisted skips into a failed one."""
        if os.environ.get("CI") == "true":
            self._unlisted = unlisted(self._skipped, read_skips(LIST.read_text(encoding="utf-8")))
        if self._unlisted and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Name them."""
        if self._unlisted:
            terminalreporter.section("skipped, and not listed in tests/skips.txt", red=True)
        for node in self._unlisted:
            terminalreporter.line(f"{node}: {self._skipped[node]}")
