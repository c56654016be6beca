"""A progress bar of a replay, or a line now and then where nobody looks at a terminal."""

import sys
import time
from collections.abc import Callable

from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from router.cli import output
from router.replay.report import Report

EVERY_SECONDS = 0.5
LINES_SECONDS = 10.0


class _Rate(ProgressColumn):
    """Events a second."""

    def render(self, task: Task) -> Text:
        """The rate of the last half minute."""
        return Text(f"{task.speed:.0f}/s" if task.speed else "", style="progress.data.speed")


def follow(ask: Callable[[], Report]) -> Report:
    """Show how a replay goes on until it is over, rests or Ctrl-C is pressed; that does not end the replay."""
    report = ask()
    try:
        return _bar(report, ask) if sys.stdout.isatty() else _lines(report, ask)
    except KeyboardInterrupt:
        output.line(
            f"replay {report.replay.number} goes on; `router replay cancel {report.replay.number}` ends it"
        )
        return ask()


def _goes_on(report: Report) -> bool:
    return report.standing.status in ("running", "queued")


def _bar(report: Report, ask: Callable[[], Report]) -> Report:
    one = report.replay
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f} of {task.total:.0f}"),
        TextColumn("{task.fields[counts]}"),
        _Rate(),
        TimeRemainingColumn(),
        console=output.console(),
    ) as progress:
        bar = progress.add_task(one.name, total=one.after - one.first, completed=report.passed, counts="")
        while True:
            progress.update(
                bar,
                completed=report.passed,
                counts=_counts(report),
                description=output.printable(f"{one.name} {report.standing}"),
            )
            if not _goes_on(report):
                return report
            time.sleep(EVERY_SECONDS)
            report = ask()


def _lines(report: Report, ask: Callable[[], Report]) -> Report:
    said_at = 0.0
    while _goes_on(report):
        if time.monotonic() - said_at >= LINES_SECONDS:
            said_at = time.monotonic()
            whole = report.replay.after - report.replay.first
            output.line(
                f"{report.replay.name} {report.standing}: {report.passed} of {whole}, {_counts(report)}"
            )
        time.sleep(EVERY_SECONDS)
        report = ask()
    return report


def _counts(report: Report) -> str:
    found = [(name, report.count(name)) for name in ("delivered", "filtered", "dead", "expired")]
    return ", ".join(f"{number} {name}" for name, number in found if number) or "nothing yet"
