"""How a command ends when it cannot do what it was asked: a message on standard error and an exit code."""

from typing import IO, Any

import click


class Failure(click.ClickException):
    """Ends the command with `message` as it is, and `code` (the names are those of `sysexits.h`)."""

    UNAVAILABLE = 69
    """Something that was needed is not there: no router runs, or a port is taken."""
    SOFTWARE = 70
    """The router itself failed."""
    STORE = 74
    """The store cannot be used."""
    CONFIG = 78
    """The configuration cannot be used."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.exit_code = code  # type: ignore[misc]  # click reads it from the instance

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the message."""
        click.echo(self.message, file=file, err=file is None)
