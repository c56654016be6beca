"""`router where`: what became of one event."""

import click
import msgspec
from msgspec import Raw

from router.admin.where import WHERE, AskWhere, At, Found, Happened, Where
from router.cli import configuration, output
from router.cli.asking import answer
from router.cli.failure import Failure
from router.cli.moment import shown
from router.config.model import Outline
from router.events.source import EMBEDDED_SOURCE
from router.identity.announcing import source_of
from router.rules.plan.judge import BLOCK_REASONS

_STATES = {
    "parked": "failed, and is tried again",
    "pending": "waits",
    "not_connected": "its source is not connected to it",
    "before_birth": "came before this destination was added",
    "forgotten": "is not known any more: the record of it is gone",
    "dead": "was given up",
    "revived": "is on its way again",
}
_REASONS = {
    "disk_budget": "disk_budget: the stream's budget was spent",
    "gone": "gone: the stream had lost it",
    "FILTERED_BY_RULES:invalid_fql": "FILTERED_BY_RULES:invalid_fql: a filter could not be evaluated",
}


@click.command()
@click.argument("message_id", metavar="MESSAGE-ID")
@click.option("--source", help="The source that sent it, when two workspaces have the same id.")
@click.option("--workspace", help="The workspace that it is in.")
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@configuration.option
def where(message_id: str, source: str | None, workspace: str | None, as_json: bool, file: str) -> None:
    """Show what became of one event.

    Tells when it came, where it is, and what every destination did with it.

    Asks the running router; when none runs, opens its store.
    """
    asked = AskWhere(message_id, _workspaces(configuration.read_outline(file), source, workspace))
    found = answer(file, WHERE, asked)
    if as_json:
        output.line(msgspec.json.encode(found).decode())
    else:
        _show(message_id, found)
    if not (found.waiting or found.found or found.failed or found.asking):
        raise click.exceptions.Exit(1)


def _workspaces(outline: Outline, source: str | None, workspace: str | None) -> list[str]:
    known = {EMBEDDED_SOURCE: "default", **outline.workspaces}
    known = {**{source_of(one): one for one in known.values()}, **known}
    if workspace is not None:
        return [workspace]
    if source is None:
        return list(dict.fromkeys(known.values()))
    if source not in known:
        raise Failure(f"there is no source {source!r}; known are {', '.join(sorted(outline.workspaces))}")
    return [known[source]]


def _show(message_id: str, where: Where) -> None:
    for event in where.found:
        _show_event(message_id, event, is_alone=len(where.found) == 1)
    for one in where.waiting:
        output.line(f"{output.printable(message_id)}  waits in the inbox at {one.position}")
        output.line(f"  accepted   {shown(one.received_at)} from {one.source}, by {one.door.value}")
        if one.duplicate_of is not None:
            output.line(f"  it is a duplicate of {one.duplicate_of}, and will be dropped")
    for waits in where.asking:
        output.line(
            f"{output.printable(message_id)}  waits for {waits.lane}, which asks others before it is kept"
        )
        output.line(f"  accepted   {shown(waits.received_at)}")
        if waits.attempts:
            tries = f"tried {waits.attempts} times; next at {shown(waits.due_at)} ({waits.reason})"
            output.line(f"  {tries}")
    for line in where.failed:
        is_blocked = line.reason in BLOCK_REASONS
        what = "was blocked by its tracking plan" if is_blocked else "could not be processed"
        output.line(f"{output.printable(message_id)}  {what} ({line.reason})")
        when = f"{'blocked ' if is_blocked else 'given up'}   {shown(line.died_at)}"
        output.line(f"  {when}; `router dead show {line.id}` tells why")
    if not (where.found or where.waiting or where.failed or where.asking):
        output.line(f"No event {output.printable(message_id)} is known.")
        output.line("Ids are remembered for the longest dedupe_window of the sources, 24 h by default.")
    if not where.is_whole:
        output.line("More waits than was looked through.")


def _show_event(message_id: str, event: Found, *, is_alone: bool) -> None:
    about = [event.type, f'"{event.name}"' if event.name else "", f"of {event.user}" if event.user else ""]
    output.line(output.printable(f"{message_id}  {' '.join(one for one in about if one)}"))
    origin = f" from {event.source}" if event.source else ""
    if event.received_at:
        output.line(f"  accepted   {shown(event.received_at)}{origin}")
    output.line(
        f"  processed  position {event.position} of the stream{'' if event.is_kept else ', trimmed since'}"
    )
    if event.workspace and not is_alone:
        output.line(f"  workspace  {event.workspace}")
    if event.profile:
        traits = bytes(event.traits).decode("utf-8", "replace") if event.traits != Raw(b"{}") else ""
        output.line(output.printable(f"  profile    {event.profile} {traits}".rstrip()))
    if not event.destinations:
        output.line("\nThere is no destination.")
    for one in event.destinations:
        output.line(f"\n{one.destination} ({one.kind}): {_state(one)}")
        for happened in one.history:
            output.line(output.printable(f"  {shown(happened.at)}  {_happened(happened)}"))
        for text in _more(one):
            output.line(f"  {output.printable(text)}")


def _state(one: At) -> str:
    text = _STATES.get(one.state, one.state)
    if one.state == "pending":
        text += f", {_events(one.before)} before it" if one.before else ", and is the next"
    return text


def _happened(one: Happened) -> str:
    reason = f"  {_REASONS.get(one.reason, one.reason)}" if one.reason else ""
    tries = f"  after {one.attempts} tries" if one.attempts > 1 else ""
    return f"{one.outcome}{'' if one.outcome == 'revived' else reason + tries}"


def _more(one: At) -> list[str]:
    texts = []
    if one.state == "parked":
        since = f"{one.attempts} times since {shown(one.first_tried_at)}" if one.attempts else "not yet"
        texts.append(f"tried {since}; next at {shown(one.due_at)} ({one.reason})")
    if one.behind is not None:
        texts.append(f"behind position {one.behind}, an earlier event of the same user that is tried again")
    if one.paused:
        texts.append(f"the destination pauses: {one.paused}")
    if one.letter:
        texts.append(
            f"`router dead show {one.letter}` tells more, `router dead retry {one.letter}` sends it again"
        )
    elif one.state == "dead":
        texts.append("its dead letter is gone")
    return texts


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
