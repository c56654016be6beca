"""`router privacy`: which fields probably hold personal data, and which have a colour."""

import time
from collections.abc import Sequence

import click
import msgspec

from router.admin.privacy import PRIVACY, Privacy, Unclassified, answer_privacy, told
from router.admin.verbs import Desk, Nothing
from router.cli import configuration, output
from router.cli.asking import asking
from router.cli.failure import Failure
from router.cli.moment import shown
from router.errors import RouterError
from router.storage.store import Storage

_JSON = click.option("--json", "as_json", is_flag=True, help="As one JSON object.")


@click.group()
def privacy() -> None:
    """See which fields probably hold personal data."""


@privacy.command()
@_JSON
@configuration.option
def inbox(as_json: bool, file: str) -> None:
    """List the fields of the last seven days that wait for a colour.

    To decide, add a field to red, yellow or green under [privacy]: its name, or its path.

    Asks the running router; when none runs, opens its store.
    """
    told = _ask(file)
    if as_json:
        output.line(msgspec.json.encode(told.inbox).decode())
    elif not told.is_on:
        output.line("nothing is looked for; write a section [privacy]")
    elif not told.inbox:
        output.line("no field waits for a colour")
    else:
        headings = ("field", "recommended", "because", "looks like", "events", "sources", "last seen")
        output.table(headings, [_row(one) for one in told.inbox])


@privacy.command(name="list")
@_JSON
@configuration.option
def list_(as_json: bool, file: str) -> None:
    """List the fields that have a colour."""
    told = _ask(file)
    if as_json:
        output.line(msgspec.json.encode(told.inventory).decode())
    elif not told.inventory:
        output.line("no field has a colour; `router privacy inbox` lists those that should")
    else:
        output.table(("field", "colour"), list(told.inventory.items()))


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
