"""`router replay`: send stored events to a destination once more, and see how that goes."""

import sys
import time
from collections import Counter

import click

from router.admin.client import AdminClient
from router.admin.replays import (
    BEGIN_REPLAY,
    LIST_REPLAYS,
    LOOK_AT_REPLAY,
    MOVE_REPLAY,
    Look,
    Move,
    answer_looks,
)
from router.admin.verbs import Desk, Nothing
from router.cli import configuration, output
from router.cli.asking import ask, asking
from router.cli.condition import Condition
from router.cli.failure import Failure
from router.cli.moment import MOMENT
from router.cli.progress import follow
from router.cli.rate import RateType
from router.config.model import Config
from router.config.terms import terms_of
from router.errors import RouterError
from router.events.calls import EVENT_TYPES
from router.events.times import format_instant
from router.plugins.policies import Rate
from router.replay.keeper import Wanted, chosen, nothing_kept, unknown
from router.replay.preview import Piece
from router.replay.report import Report
from router.replay.span import Span
from router.replay.target import Target
from router.storage.replays import Selection
from router.storage.store import Storage

_ROWS = 20
"""Lines of counts that are shown."""


@click.group(invoke_without_command=True)
@click.option("--to", metavar="NAME", help="The destination that gets the events.")
@click.option(
    "--since", type=MOMENT, help='Events received from then on: "2030-05-01T10:00:00Z", "2h", "7d".'
)
@click.option("--until", type=MOMENT, help="Events received before then; by default all until now.")
@click.option("--source", "sources", multiple=True, metavar="NAME", help="Only events of this source.")
@click.option(
    "--type", "types", multiple=True, type=click.Choice(EVENT_TYPES), help="Only events of this type."
)
@click.option("--event", "events", multiple=True, metavar="NAME", help="Only track calls with this name.")
@click.option(
    "--user", "users", multiple=True, metavar="ID", help="Only events of this user or anonymous id."
)
@click.option(
    "--filter", "condition", type=Condition(), default="", metavar="FQL", help="Only events that match."
)
@click.option("--rate", type=RateType(), metavar="N/TIME", help='Most requests in a time: "100/s", "30/10m".')
@click.option("--dry-run", is_flag=True, help="Send nothing; count, and show what would be sent.")
@click.option("--follow", "is_followed", is_flag=True, help="Watch it until it is done.")
@configuration.option
@click.pass_context
def replay(
    context: click.Context,
    to: str | None,
    since: int | None,
    until: int | None,
    sources: tuple[str, ...],
    types: tuple[str, ...],
    events: tuple[str, ...],
    users: tuple[str, ...],
    condition: str,
    rate: Rate | None,
    dry_run: bool,
    is_followed: bool,
    file: str,
) -> None:
    """Send stored events to a destination once more.

    The running router does it, behind live events and within the destination's rate. Events keep their message ids
    and times and go to this destination only; its filters hold. Order against what was already sent is given up.
    Options that may be repeated widen the choice.
    """
    context.obj = file
    if context.invoked_subcommand is not None:
        return
    if to is None or since is None:
        raise click.UsageError("say where to and from when, e.g. router replay --to crm --since 2h")
    wanted = Wanted(
        to=to,
        since=max(0, since),
        until=until or int(time.time() * 1000) + 1,
        selection=Selection(sources, types, events, users, condition),
        requests=rate.requests if rate else 0,
        per=float(rate.per) if rate else 1.0,
    )
    if wanted.until <= wanted.since:
        raise click.UsageError("--until is not after --since, so there is nothing between them")
    try:
        if dry_run:
            _look(file, wanted)
        else:
            _begin(file, wanted, is_followed=is_followed)
    except RouterError as error:
        raise Failure(str(error)) from None


@replay.command("list")
@click.pass_obj
def list_(file: str) -> None:
    """List replays, the newest first."""
    rows = [
        (
            str(one.replay.number),
            one.replay.destination,
            str(one.standing),
            _share(one),
            f"{one.count('delivered')}",
            format_instant(one.replay.created_at),
        )
        for one in _reports(file)
    ]
    if rows:
        output.table(("replay", "to", "state", "through", "delivered", "started"), rows)
    else:
        output.line("there are no replays yet; start one with `router replay --to NAME --since 2h`")


@replay.command()
@click.argument("number", type=int)
@click.option("--follow", "is_followed", is_flag=True, help="Watch it until it is done.")
@click.pass_obj
def show(file: str, number: int, is_followed: bool) -> None:
    """Show how a replay stands."""
    try:
        report = chosen(_reports(file), number)
    except RouterError as error:
        raise Failure(str(error)) from None
    if is_followed:
        report = follow(lambda: chosen(_reports(file), number))
    _tell(report)


@replay.command()
@click.argument("number", type=int)
@click.pass_obj
def pause(file: str, number: int) -> None:
    """Let a replay rest; what is on its way ends first."""
    _tell(_move(file, Move(number, "pause")))


@replay.command()
@click.argument("number", type=int)
@click.pass_obj
def resume(file: str, number: int) -> None:
    """Go on with a paused replay."""
    _tell(_move(file, Move(number, "resume")))


@replay.command()
@click.argument("number", type=int)
@click.pass_obj
def cancel(file: str, number: int) -> None:
    """End a replay; what it has not sent is not sent."""
    _tell(_move(file, Move(number, "cancel")))


# --- asking -----------------------------------------------------------------------------------------------


def _begin(file: str, wanted: Wanted, *, is_followed: bool) -> None:
    store = configuration.read_storage(file).path
    report = AdminClient(store).ask(BEGIN_REPLAY, wanted)
    if report is None:
        raise _nobody_runs(store)
    number = report.replay.number
    _tell(report)
    if is_followed:
        _tell(follow(lambda: chosen(_reports(file), number)))
    else:
        output.line(f"watch it with: router replay show {number} --follow")


def _move(file: str, move: Move) -> Report:
    store = configuration.read_storage(file).path
    try:
        report = AdminClient(store).ask(MOVE_REPLAY, move)
    except RouterError as error:
        raise Failure(str(error)) from None
    if report is None:
        raise _nobody_runs(store)
    return report


def _nobody_runs(store: str) -> Failure:
    message = f"no router runs on {store}, and a replay runs in one; start it with `router run`"
    return Failure(message, Failure.UNAVAILABLE)


def _reports(file: str) -> list[Report]:
    try:
        return ask(configuration.read_storage(file), LIST_REPLAYS, Nothing()) or []
    except RouterError as error:
        raise Failure(str(error)) from None


# --- telling ----------------------------------------------------------------------------------------------


def _tell(report: Report) -> None:
    one = report.replay
    output.line(f"replay {one.number} to {one.destination}: {report.standing}")
    _tell_lost(Span(one.first, one.after, one.lost))
    output.line(f"  positions {one.first} to {one.after - 1}, {_share(report)} through")
    for outcome, reason, number in report.counts:
        output.line(f"  {number} {outcome}{f' ({output.printable(reason)})' if reason else ''}")
    if report.parked:
        output.line(f"  {report.parked} wait alone for another attempt")


def _share(report: Report) -> str:
    whole = report.replay.after - report.replay.first
    return f"{report.passed * 100 // max(1, whole)} %"


def _tell_lost(span: Span) -> None:
    if span.lost_events:
        output.line(
            f"  {span.lost_events} events of that time are gone (positions {span.lost[0]} to {span.lost[1] - 1}); "
            "[storage] retention says how long events are kept"
        )
    if not span.is_exact:
        output.line(
            f"  older events may have been of that time too (positions below {span.lost[0] or span.first}); "
            "they are gone, and so is the knowledge of when they came"
        )


def _look(file: str, wanted: Wanted) -> None:
    storage = configuration.read_storage(file)

    def prepare(desk: Desk, opened: Storage) -> None:
        config = configuration.read(file)
        targets = _targets(config)

        def target(name: str) -> Target:
            if name not in targets:
                raise RouterError(unknown(name, targets))
            return targets[name]

        answer_looks(desk, opened, target, hide=config.hidden)

    pieces: list[Piece] = []
    position = None
    with asking(storage, prepare=prepare) as put:
        while not pieces or pieces[-1].next < pieces[-1].span.after:
            piece = put(LOOK_AT_REPLAY, Look(wanted, position))
            if piece is None:
                raise Failure(f"there is no store at {storage.path} yet, so there is nothing to replay")
            pieces.append(piece)
            position = piece.next
            if sys.stderr.isatty() and piece.next < piece.span.after:
                share = (piece.next - piece.span.first) * 100 // (piece.span.after - piece.span.first)
                click.echo(f"\rlooked at {share} %\r", err=True, nl=False)
    if pieces[0].span.is_empty:
        raise RouterError(nothing_kept(pieces[0].span, wanted))
    _tell_pieces(wanted, pieces)


def _targets(config: Config) -> dict[str, Target]:
    """The destinations as they are configured, served by nobody."""
    return {
        one.name: Target(
            name=one.name,
            plugin=one.destination(),
            terms=terms_of(one),
            policies=one.policies,
        )
        for one in config.destinations.values()
    }


def _tell_pieces(wanted: Wanted, pieces: list[Piece]) -> None:
    counts: Counter[tuple[str, str, str]] = Counter()
    filtered: Counter[str] = Counter()
    for piece in pieces:
        counts.update({(kind, name, source): number for kind, name, source, number in piece.counts})
        filtered.update(dict(piece.filtered))
    total = sum(counts.values())
    times = f"received from {format_instant(wanted.since)} to {format_instant(wanted.until)}"
    output.line(f"{total} events {times} would be sent to {wanted.to}; nothing was sent")
    _tell_lost(pieces[0].span)
    if gone := sum(piece.gone for piece in pieces):
        output.line(f"  {gone} positions in between hold nothing any more: damaged or deleted")
    for reason, number in filtered.most_common():
        output.line(f"  {number} more are filtered: {output.printable(reason)}")
    if not total:
        return
    output.line()
    rows = [
        (kind, name or "-", source, str(number)) for (kind, name, source), number in counts.most_common(_ROWS)
    ]
    output.table(("type", "event", "source", "events"), rows)
    if len(counts) > _ROWS:
        output.line(f"and {len(counts) - _ROWS} more kinds")
    output.line()
    output.line("first of all:")
    for sample in pieces[0].samples:
        output.line()
        for text in sample.splitlines():
            output.line(f"  {output.printable(text)}")
