"""`router privacy`: which fields probably hold personal data, and which have a colour."""

import time
from collections.abc import Sequence

import click
import msgspec

from router.admin.privacy import PRIVACY, Privacy, Unclassified, answer_privacy, told
from router.admin.schema import SCHEMA, AskSchema
from router.admin.verbs import Desk, Nothing
from router.cli import configuration, output, spreadsheet
from router.cli.asking import asking, opened
from router.cli.failure import Failure
from router.cli.moment import shown
from router.cli.personal import COLUMNS, inventory_rows
from router.errors import RouterError
from router.storage.store import Storage

_INBOX = (
    *("field", "recommended", "matcher", "matched by", "looks like", "events", "sources"),
    *("first seen", "last seen"),
)
_JSON = click.option("--json", "as_json", is_flag=True, help="As one JSON object.")


@click.group()
def privacy() -> None:
    """See which fields probably hold personal data."""


@privacy.command()
@_JSON
@spreadsheet.options
@configuration.option
def inbox(as_json: bool, as_csv: bool, out: str | None, file: str) -> None:
    """List the fields of the last seven days that wait for a colour.

    To decide, add a field to red, yellow or green under [privacy]: its name, or its path.

    Asks the running router; when none runs, opens its store.
    """
    spreadsheet.check(as_csv, as_json, out)
    known = _ask(file)
    if as_csv:
        spreadsheet.write(_INBOX, [_csv_row(one) for one in known.inbox], out=out)
    elif as_json:
        output.line(msgspec.json.encode(known.inbox).decode())
    elif not known.is_on:
        output.line("nothing is looked for; write a section [privacy]")
    elif not known.inbox:
        output.line("no field waits for a colour")
    else:
        headings = ("field", "recommended", "because", "looks like", "events", "sources", "last seen")
        output.table(headings, [_row(one) for one in known.inbox])


@privacy.command(name="list")
@_JSON
@spreadsheet.options
@configuration.option
def list_(as_json: bool, as_csv: bool, out: str | None, file: str) -> None:
    """List the fields that have a colour.

    As CSV also the sources that send them in properties or traits, the events, and the destinations of those sources.
    """
    spreadsheet.check(as_csv, as_json, out)
    known = _ask(file)
    if as_csv:
        with opened(file) as put:
            seen = put(SCHEMA, AskSchema(with_properties=True))
        connected = configuration.read_outline(file).connected
        rows = inventory_rows(known.inventory, seen.events if seen else (), connected)
        spreadsheet.write(COLUMNS, rows, out=out)
    elif as_json:
        output.line(msgspec.json.encode(known.inventory).decode())
    elif not known.inventory:
        output.line("no field has a colour; `router privacy inbox` lists those that should")
    else:
        output.table(("field", "colour"), list(known.inventory.items()))


def _csv_row(one: Unclassified) -> Sequence[str | int]:
    sources = ", ".join(one.sources)
    moments = shown(one.first_at), shown(one.last_at)
    return one.path, one.recommended, one.matcher, one.how, one.looks_like, one.events, sources, *moments


def _row(one: Unclassified) -> Sequence[str]:
    because = f"{one.how}: {one.matcher}"
    sources = ", ".join(one.sources)
    return one.path, one.recommended, because, one.looks_like, f"{one.events:,}", sources, shown(one.last_at)


def _ask(file: str) -> Privacy:
    storage = configuration.read_storage(file)
    colours = configuration.read_outline(file).colours

    def prepare(desk: Desk, store: Storage) -> None:
        async def at_rest() -> Privacy:
            return told(await store.inventory.findings.read(), colours, now=int(time.time() * 1000))

        answer_privacy(desk, at_rest)

    try:
        with asking(storage, prepare=prepare) as put:
            found = put(PRIVACY, Nothing())
    except RouterError as error:
        raise Failure(str(error)) from None
    return told((), colours, now=0) if found is None else found
