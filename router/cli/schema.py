"""`router schema`: which events and properties were seen."""

import time
from collections.abc import Iterator, Sequence

import click
import msgspec

from router.admin.schema import SCHEMA, AskSchema, Schema
from router.cli import configuration, output, spreadsheet
from router.cli.asking import answer
from router.cli.failure import Failure
from router.cli.moment import shown
from router.cli.personal import Personal
from router.config.problems import did_you_mean
from router.storage.inventory import DAY_HOURS, OTHERS, WEEK_HOURS, SeenEvent

_COLUMNS = (
    *("source", "type", "event", "events seen", "events blocked", "event first seen", "event last seen"),
    *("events looked into", "property", "types", "seen in", "first seen", "last seen", "personal data"),
)


@click.command()
@click.argument("source", required=False, default="")
@click.argument("event", required=False, default="")
@click.option("--violations", is_flag=True, help="In what events break their tracking plan.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@spreadsheet.options
@configuration.option
def schema(
    source: str, event: str, violations: bool, as_json: bool, as_csv: bool, out: str | None, file: str
) -> None:
    """Show which events were seen.

    Lists the events of every SOURCE, or of one; with the name of an EVENT, its properties and their types. Every event
    is counted; into properties it is looked for a share of the events. An element of a list is written $.

    Asks the running router; when none runs, opens its store.
    """
    spreadsheet.check(as_csv, as_json, out)
    asked = AskSchema(source, event, with_properties=as_json or as_csv or bool(event))
    found = seen(file, asked)
    personal = Personal(configuration.read_outline(file).colours or {}, found.found)
    if as_csv:
        spreadsheet.write(_COLUMNS, _csv_rows(found.events, personal), out=out)
    elif as_json:
        output.line(msgspec.json.encode(found).decode())
    elif violations:
        _show_violations(found.events)
    elif event:
        for one in found.events:
            _show_properties(one, personal)
    else:
        _show_events(found.events)
    if not found.events:
        raise click.exceptions.Exit(1)


def seen(file: str, asked: AskSchema) -> Schema:
    """What was seen; ends the command where there is nothing to ask, or no such source or event."""
    found = answer(file, SCHEMA, asked)
    known = configuration.read_outline(file).workspaces
    if asked.source and asked.source not in found.sources:
        if asked.source not in known:
            raise Failure(f"there is no source {asked.source!r}; {did_you_mean(asked.source, known)}")
        raise Failure(f"nothing was seen of {asked.source} yet")
    if asked.name and not found.events:
        raise Failure(
            f"no event {asked.name!r} was seen of {asked.source}; `router schema` lists those that were"
        )
    return found


def _show_events(events: list[SeenEvent]) -> None:
    if not events:
        output.line("no event was seen yet")
        return
    rows = [
        (
            one.source,
            one.type,
            _name(one),
            f"{one.count:,}",
            f"{sum(one.blocked.values()):,}" if one.blocked else "",
            str(sum(violation.within(WEEK_HOURS, now=_now()) for violation in one.violations) or ""),
            shown(one.first_at),
            shown(one.last_at),
        )
        for one in events
    ]
    output.table(("source", "type", "event", "seen", "blocked", "violations, 7 d", "first", "last"), rows)


def _csv_rows(events: list[SeenEvent], personal: Personal) -> Iterator[Sequence[str | int]]:
    """A row for each property, and one for an event without any."""
    for one in events:
        blocked = sum(one.blocked.values())
        own = (
            one.source,
            one.type,
            _name(one, nothing=""),
            one.count,
            blocked,
            shown(one.first_at),
            shown(one.last_at),
            one.looked,
        )
        for path, seen in sorted(one.properties.items()):
            types, colour = ", ".join(seen.type_names()), personal.of(one.type, path)
            yield (*own, path, types, seen.count, shown(seen.first_at), shown(seen.last_at), colour)
        if not one.properties:
            yield (*own, "", "", 0, "", "", "")


def _show_properties(event: SeenEvent, personal: Personal) -> None:
    output.line(output.printable(f"{event.source}  {event.type}  {_name(event)}"))
    blocked = "".join(f", {count:,} blocked ({reason})" for reason, count in event.blocked.items())
    output.line(
        f"  seen {event.count:,} times from {shown(event.first_at)} to {shown(event.last_at)}{blocked}"
    )
    output.line(f"  looked into {event.looked:,} of them\n")
    rows = [
        (
            path,
            ", ".join(one.type_names()),
            f"{one.count * 100 / max(1, event.looked):.0f} %",
            shown(one.last_at),
            personal.of(event.type, path),
        )
        for path, one in sorted(event.properties.items())
    ]
    output.table(("property", "types", "of those", "last", "personal data"), rows)
    if event.is_full:
        output.line("there are more properties than are listed")
    output.line()


def _show_violations(events: list[SeenEvent]) -> None:
    now = _now()
    rows = [
        (
            event.source,
            _name(event),
            one.field,
            one.type,
            *(f"{one.within(hours, now=now):,}" for hours in (1, DAY_HOURS, WEEK_HOURS)),
            one.message_id,
        )
        for event in events
        for one in event.violations
    ]
    if rows:
        output.table(("source", "event", "field", "violation", "1 h", "24 h", "7 d", "last message id"), rows)
    else:
        output.line("no event broke its plan in the last seven days")


def _name(event: SeenEvent, *, nothing: str = "-") -> str:
    return "(names above the limit)" if event.type == OTHERS else event.name or nothing


def _now() -> int:
    return int(time.time() * 1000)
