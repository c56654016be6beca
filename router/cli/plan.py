"""`router plan`: check a tracking plan, try examples against it, and propose one from what was seen."""

from pathlib import Path
from typing import IO

import click
import msgspec

from router.admin.schema import AskSchema
from router.cli import configuration, output
from router.cli.failure import Failure
from router.cli.schema import seen
from router.cli.spreadsheet import write_new
from router.rules.plan.examples import Examples
from router.rules.plan.inference import infer_plan
from router.rules.plan.plan import Plan
from router.rules.plan.reading import read_plan
from router.rules.plan.refused import PlanRefused


@click.group()
def plan() -> None:
    """Check a tracking plan, try it, or have one proposed.

    A plan is JSON: {"rules": […]}, as Segment's Public API lists rules or as Segment exports a plan.
    """


@plan.command()
@click.argument("file", metavar="PLAN.json")
def check(file: str) -> None:
    """Say everything that is wrong with a plan."""
    found = _read(file)
    output.line(f"{file} has {_rules(len(found.rules))} and no problems")
    slow = [str(rule) for rule in found.slow_rules()]
    if slow:
        output.line("judged by the library alone, which takes longer:")
        for one in slow:
            output.line(output.printable(f"  {one}"))


@plan.command()
@click.argument("file", metavar="PLAN.json")
@click.argument("examples", type=click.File("rb"), metavar="EXAMPLES.jsonl")
def test(file: str, examples: IO[bytes]) -> None:
    """Try example calls against a plan.

    EXAMPLES has one call a line, as clients send them: {"type": "track", "event": …, "properties": {…}}; - is standard
    input. Prints what is wrong with each, and exits with 1 when anything is.
    """
    tried = Examples(_read(file))
    lines = wrong = 0
    for number, line in enumerate(examples, 1):
        if not line.strip():
            continue
        lines += 1
        problems = tried.problems(line)
        wrong += bool(problems)
        for problem in problems:
            output.line(output.printable(f"line {number}: {problem}"))
    output.line(f"{lines - wrong} of {lines} examples keep to the plan")
    if wrong:
        raise click.exceptions.Exit(1)


@plan.command()
@click.argument("source")
@click.option(
    "--out", metavar="FILE", help="Write it there instead of standard output; an existing file is kept."
)
@configuration.option
def infer(source: str, out: str | None, file: str) -> None:
    """Propose a plan from what SOURCE sent.

    Types are those that were seen, and required is what was always there. Read it before you use it: a property that
    comes rarely may be missing, and what is wrong today is proposed as right.

    Asks the running router; when none runs, opens its store.
    """
    found = seen(file, AskSchema(source, with_properties=True))
    proposed = infer_plan(found.events, name=source)
    if not proposed["rules"]:
        raise Failure(f"nothing that a plan could hold was seen of {source} yet")
    text = msgspec.json.format(msgspec.json.encode(proposed), indent=2)
    if out is None:
        output.line(text.decode())
        return
    write_new(out, text + b"\n")
    count = _rules(len(proposed["rules"]))
    output.line(f"{out} proposes {count}; read it, then name it under [plans.{source}]")


def _rules(count: int) -> str:
    return "1 rule" if count == 1 else f"{count} rules"


def _read(file: str) -> Plan:
    try:
        return read_plan(Path(file).read_bytes())
    except OSError as error:
        raise Failure(f"{file} cannot be read ({error.strerror})") from None
    except PlanRefused as refused:
        heading = "1 problem" if len(refused.faults) == 1 else f"{len(refused.faults)} problems"
        lines = [output.printable(f"{one.placed(file)}: {one}") for one in refused.faults]
        raise Failure("\n".join([f"{heading} in {file}:", *lines]), Failure.CONFIG) from None
