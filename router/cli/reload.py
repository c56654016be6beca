"""`router reload`: has a running router read its configuration again, and says what came of it."""

import click

from router.admin.client import AdminClient
from router.admin.reload import RELOAD, Reloaded
from router.admin.verbs import Nothing
from router.cli import configuration, output
from router.cli.failure import Failure
from router.errors import RouterError

SECONDS = 60.0
"""Destinations that change over may take their time to finish what is in flight."""


@click.command()
@configuration.option
def reload(file: str) -> None:
    """Have the running router read its configuration again.

    It reads the file that it was started with. When that cannot be used, everything stays as it is, and the command
    exits with 78 after saying everything that is wrong.
    """
    store = configuration.read_storage(file).path
    try:
        done = AdminClient(store, seconds=SECONDS).ask(RELOAD, Nothing())
    except RouterError as error:
        raise Failure(str(error)) from None
    if done is None:
        message = f"no router runs on {store}; `router run` starts one with the configuration as it is now"
        raise Failure(message, Failure.UNAVAILABLE)
    if done.problems:
        raise configuration.refused(done.problems)
    for text in worded(done):
        output.line(output.printable(text))
    if done.failed:
        raise Failure("what could not be changed goes on as it was", Failure.SOFTWARE)


def worded(done: Reloaded) -> list[str]:
    """What a reload did, in lines."""
    lines = [
        f"{what}: {', '.join(names)}"
        for what, names in (
            ("added", done.added),
            ("removed", done.removed),
            ("changed", done.changed),
            ("sources changed", done.sources),
        )
        if names
    ]
    lines = lines or ["nothing changed" if not done.failed else "nothing else changed"]
    lines += [f"failed: {name}: {reason}" for name, reason in done.failed.items()]
    if done.unchanged:
        lines.append(f"untouched: {', '.join(done.unchanged)}")
    lines += [f"needs a restart: {option}" for option in done.needs_restart]
    return lines
