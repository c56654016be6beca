"""Tables as CSV, for spreadsheets and scripts: on standard output, or in a file of their own."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click

from router.cli import output
from router.cli.failure import Failure

CommandT = TypeVar("CommandT", bound=Callable[..., Any])
_FORMULA = ("=", "+", "-", "@")
"""A cell that begins so is computed by spreadsheets, and clients may write anything into the names of fields."""


def options(command: CommandT) -> CommandT:
    """The options `--csv` and `--out` of a command."""
    out = click.option("--out", metavar="FILE", help="Write the CSV there; an existing file is kept.")
    return click.option("--csv", "as_csv", is_flag=True, help="As CSV, with everything that is known.")(
        out(command)
    )


def check(as_csv: bool, as_json: bool, out: str | None) -> None:
    """Refuse options that do not go together."""
    if as_csv and as_json:
        raise click.UsageError("--csv and --json are two ways to say it; choose one")
    if out is not None and not as_csv:
        raise click.UsageError("--out is where the CSV goes; add --csv")


def write(heads: Sequence[str], rows: Iterable[Sequence[str | int]], *, out: str | None) -> None:
    """Write a table as CSV: to a new file at `out`, or to standard output."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(heads)
    count = 0
    for row in rows:
        writer.writerow([cell if isinstance(cell, int) else harmless(cell) for cell in row])
        count += 1
    if out is None:
        click.echo(text.getvalue(), nl=False)
    else:
        write_new(out, text.getvalue().encode())
        output.line(f"{out} has {count} row{'' if count == 1 else 's'}")


def harmless(text: str) -> str:
    """Text that no spreadsheet takes for a formula, and no terminal for a command."""
    shown = output.printable(text)
    return f"'{shown}" if text.lstrip().startswith(_FORMULA) else shown


def write_new(file: str, data: bytes) -> None:
    """Write a file that is not there yet; ends the command otherwise."""
    try:
        with Path(file).open("xb") as opened:
            opened.write(data)
    except FileExistsError:
        raise Failure(f"{file} exists; name another file, or remove that one") from None
    except OSError as error:
        raise Failure(f"{file} cannot be written ({error.strerror})") from None
