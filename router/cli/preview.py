"""`router preview`: shows what a new configuration would send for real events, before it is applied."""

from collections.abc import Iterator

import click
import msgspec

from router.admin.last import LAST, MOST, Last
from router.assembly.preview import DestinationPreview
from router.assembly.preview import preview as compared
from router.cli import configuration, output
from router.cli.asking import ask
from router.cli.failure import Failure
from router.delivery.difference import Change, Difference
from router.errors import RouterError

MOST_SHOWN = 20
"""Requests of one destination, and places in one of them, that are shown; `--json` shows all."""
_COLOURS = {"added": "green", "removed": "red", "changed": "yellow"}
_SIGNS = {"added": "+", "removed": "-", "changed": "~"}


@click.command()
@click.argument("new", metavar="NEW.toml")
@click.option(
    "--last",
    "count",
    type=click.IntRange(1, MOST),
    default=100,
    show_default=True,
    help="Events to try it with.",
)
@click.option("--json", "as_json", is_flag=True, help="Everything as JSON.")
@configuration.option
def preview(new: str, count: int, as_json: bool, file: str) -> None:
    """Show what a new configuration would send.

    Before it is applied: takes the last events of the store, and compares the requests that the destinations of both
    configurations would make for them. Nothing is sent. Requests that depend on the answer to an earlier one are not
    looked at.
    """
    old_config, new_config = configuration.read(file), configuration.read(new)
    try:
        kept = ask(old_config.storage, LAST, Last(count))
        if not kept:
            message = f"{old_config.storage.path} holds no event to try it with; send one with `router send`"
            raise Failure(message, Failure.UNAVAILABLE)
        found = compared(old_config, new_config, [one.envelope() for one in kept])
    except RouterError as error:
        raise Failure(str(error)) from None
    if as_json:
        output.line(msgspec.json.encode({"events": len(kept), "destinations": found}).decode())
        return
    for one in found:
        _show(one)
    changed = sum(bool(one.changes) or one.is_section_changed for one in found)
    tried = "1 event" if len(kept) == 1 else f"{len(kept)} events"
    output.line(
        f"{tried} tried; {'nothing changes' if not changed else f'{changed} of {len(found)} destinations change'}"
    )


def _show(one: DestinationPreview) -> None:
    life = "" if one.what == "kept" else f", {one.what}"
    click.secho(f"{output.printable(one.name)} ({one.kind}{life}): {_counts(one)}", bold=True)
    for change in one.changes[:MOST_SHOWN]:
        sign, colour = _SIGNS[change.what], _COLOURS[change.what]
        click.secho(f"  {sign} {output.printable(_title(change))}", fg=colour)
        for text in _places(change.differences[:MOST_SHOWN]):
            output.line(f"      {output.printable(text)}")
        if len(change.differences) > MOST_SHOWN:
            output.line(f"      … and {len(change.differences) - MOST_SHOWN} more places")
    if len(one.changes) > MOST_SHOWN:
        output.line(f"  … and {len(one.changes) - MOST_SHOWN} more; --json shows all")


def _counts(one: DestinationPreview) -> str:
    if not one.changes:
        what = "its section changes, but no request" if one.is_section_changed else "nothing changes"
        return f"{what} ({one.same} the same)"
    parts = [
        f"{count} {what}" for what in _SIGNS if (count := sum(change.what == what for change in one.changes))
    ]
    return f"{', '.join(parts)}, {one.same} the same"


def _title(change: Change) -> str:
    events = "1 event" if change.events == 1 else f"{change.events} events"
    more = "; more follow its answer" if change.is_first_of_more else ""
    return f"{change.method} {change.url}".strip() + f"  ({events} from {change.first_message_id}{more})"


def _places(differences: tuple[Difference, ...]) -> Iterator[str]:
    for one in differences:
        if one.old == one.new:
            yield f"{one.place}: {one.old} → {one.new} (what is hidden changes)"
        elif not one.old:
            yield f"{one.place}: added {one.new}"
        elif not one.new:
            yield f"{one.place}: removed {one.old}"
        else:
            yield f"{one.place}: {one.old} → {one.new}"
