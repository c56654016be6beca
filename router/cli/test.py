"""`router test`: tries the examples that stand with functions and transformations."""

from collections.abc import Sequence

import click

from router.cli import configuration, output
from router.cli.failure import Failure
from router.config.source_plugins import is_webhook
from router.errors import RouterError
from router.testing.examples import Section, try_examples

_HOW = "write [[transformations.NAME.examples]], or [[examples]] in a file such as functions/crm.test.toml"


@click.command()
@click.argument("names", metavar="[NAME]...", nargs=-1)
@configuration.option
def test(names: Sequence[str], file: str) -> None:
    """Try the examples of functions and transformations.

    NAME is that of a transformation, a destination or a source; by default all are tried. Nothing is sent, and no
    router needs to run. Exits with 1 when something is not as expected; lines with - are expected, lines with + are
    there instead.
    """
    config = configuration.read(file)
    sections: dict[str, Section] = {
        **{f"sources.{name}": one for name, one in config.sources.items() if is_webhook(one)},
        **{f"transformations.{name}": one for name, one in config.transformations.items()},
        **{f"destinations.{name}": one for name, one in config.destinations.items()},
    }
    for name in names:
        if not any(section.name == name for section in sections.values()):
            raise Failure(
                f"there is no transformation, destination or source with a function {name!r} in {file}"
            )
    tried = failed = 0
    for place, section in sections.items():
        if names and section.name not in names:
            continue
        try:
            for one in try_examples(section):
                tried += 1
                failed += bool(one.differences)
                click.secho(
                    "FAIL  " if one.differences else "ok    ",
                    fg="red" if one.differences else "green",
                    nl=False,
                )
                output.line(output.printable(f"{place}: {one.name}"))
                for line in one.differences:
                    output.line(f"        {output.printable(line)}")
        except RouterError as error:
            raise Failure(f"{place}: {error}") from None
    if not tried:
        output.line(f"there are no examples; {_HOW}")
        return
    output.line(f"{tried} example{'s' if tried != 1 else ''} tried, {failed or 'none'} failed")
    if failed:
        raise SystemExit(1)
