"""`router doctor`: looks at everything that can be looked at, and says what is wrong and what to do."""

import asyncio
from collections.abc import Iterable
from typing import Literal

import click

from router.admin.overview import OVERVIEW
from router.admin.verbs import Nothing
from router.cli import configuration, output
from router.cli.asking import ask
from router.cli.diagnosis import Finding, look_at_destinations, look_at_sources, look_at_store, look_at_sums
from router.config.load import load
from router.config.model import Config
from router.errors import ConfigError, RouterError

_MARKS: dict[Literal["good", "warning", "bad"], str] = {"good": "ok  ", "warning": "look", "bad": "BAD "}


@click.command()
@configuration.option
def doctor(file: str) -> None:
    """Look for what is wrong, or soon will be.

    Asks the running router; when none runs, opens its store. Exits with 1 when something must be mended.
    """
    storage = configuration.read_storage(file)
    findings: list[Finding] = []
    try:
        config: Config | None = load(file)
        findings.append(Finding("good", f"{file} has no problems"))
    except ConfigError as error:
        config = None
        findings += [Finding("bad", problem) for problem in error.problems]
    try:
        seen = ask(storage, OVERVIEW, Nothing())
        if seen is None:
            findings.append(
                Finding("good", f"there is no store at {storage.path} yet; the first run makes it")
            )
        else:
            findings += look_at_store(storage, seen)
            findings += look_at_sums(seen)
            findings += look_at_sources(seen)
    except RouterError as error:
        findings.append(Finding("bad", str(error)))
    if config is not None:
        findings += asyncio.run(look_at_destinations(config))
    _show(findings)


def _show(findings: Iterable[Finding]) -> None:
    is_bad = False
    for finding in findings:
        is_bad |= finding.weight == "bad"
        output.line(f"{_MARKS[finding.weight]}  {output.printable(finding.text)}")
    if is_bad:
        raise click.exceptions.Exit(1)
