"""`router tap`: the live view in a terminal."""

from itertools import islice

import click
import msgspec

from router.admin.client import AdminClient
from router.admin.tap import Line, Wanted
from router.cli import configuration, output
from router.cli.failure import Failure
from router.errors import RouterError
from router.events.calls import EVENT_TYPES

_LONGEST = 160
"""Characters of an event that are shown; `--json` shows all."""


@click.command()
@click.option("--source", help="Only calls of this source.")
@click.option("--type", "kind", type=click.Choice(EVENT_TYPES), help="Only calls of this type.")
@click.option("--event", help="Only track calls with this name.")
@click.option("--destination", help="What happens at this destination, instead of events.")
@click.option("--refused", is_flag=True, help="Only what was refused or failed, with the reason.")
@click.option("--json", "as_json", is_flag=True, help="Whole lines as JSON.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many lines.")
@configuration.option
def tap(
    source: str | None,
    kind: str | None,
    event: str | None,
    destination: str | None,
    refused: bool,
    as_json: bool,
    count: int | None,
    file: str,
) -> None:
    """Watch events as they come.

    Shows every event once it is processed, every call that was refused, and every request of a vendor that failed,
    until you press Ctrl-C.
    """
    store = configuration.read_storage(file).path
    wanted = Wanted(source=source, type=kind, event=event, destination=destination, refused=refused)
    try:
        lines = AdminClient(store).tap(wanted)
        if lines is None:
            message = f"no router runs on {store}; start one with `router run`"
            raise Failure(message, Failure.UNAVAILABLE)
        shown = (line for line in lines if line.what != "listening")
        for line in islice(shown, count):
            output.line(msgspec.json.encode(line).decode() if as_json else worded(line))
    except RouterError as error:
        raise Failure(str(error)) from None
    except KeyboardInterrupt:
        pass  # the usual way to end it


def worded(line: Line) -> str:
    """One line of the live view for people."""
    body = bytes(line.body).decode("utf-8", "replace")
    if len(body) > _LONGEST:
        body = body[:_LONGEST] + "…"
    match line.what:
        case "missed":
            text = f"… {line.count} lines were too fast for this terminal and are not shown"
        case "refused":
            text = f"refused   {line.reason}  {line.source}  #{line.index}  {line.type}  {body}"
        case "blocked":
            text = f"blocked   {line.reason}  {line.source}  {line.type}  {line.name or '-'}  {line.user}  {body}"
        case "failed":
            text = f"failed    {line.reason}  {line.source}  try {line.count}  {line.name}  {body}"
        case "destination":
            text = f"{line.destination}  {line.type}  {body}"
        case _:
            text = (
                f"{line.position:>9} {line.type:<8}  {line.source}  {line.name or '-'}  {line.user}  {body}"
            )
    return output.printable(text)
