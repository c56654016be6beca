"""Writing to the terminal: tables for people, and text of strangers made harmless."""

from collections.abc import Iterable, Sequence

import click
from rich.console import Console
from rich.table import Table

_WIDE = 200
"""Columns where nobody looks: what is piped is not to be cut at 80."""


def console() -> Console:
    """Standard output."""
    found = Console(highlight=False, markup=False, emoji=False)
    return found if found.is_terminal else Console(highlight=False, markup=False, emoji=False, width=_WIDE)


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table."""
    made = Table(*heads, box=None, pad_edge=False, header_style="bold")
    for row in rows:
        made.add_row(*(printable(cell) for cell in row))
    console().print(made)


def line(text: str = "") -> None:
    """Write a line as it is: never wrapped, never coloured, so that it can be copied."""
    click.echo(text)


def printable(text: str) -> str:
    """`text` without characters that would move the cursor or hide something in a terminal."""
    return text if text.isprintable() else "".join(one if one.isprintable() else "\ufffd" for one in text)
