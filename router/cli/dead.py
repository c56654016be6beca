"""`router dead`: the events that were given up, and what becomes of them."""

import time
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import click
import msgspec
from rich.console import Console
from rich.progress import Progress

from router.admin.dead import (
    DROP,
    LIST,
    MOST_WAITING,
    RETRY,
    SHOW,
    LetterIds,
    Letters,
    ListLetters,
    Refused,
)
from router.cli import configuration, output
from router.cli.asking import Asking, opened
from router.cli.failure import Failure
from router.cli.letters import show_letter, show_page
from router.cli.moment import MOMENT
from router.ingestion.webhook_rows import lane_of
from router.storage.dead_letters import SLICE, LetterQuery

_WAIT_SECONDS = 1.0
_REFUSED_SHOWN = 10


@click.group()
def dead() -> None:
    """See the events that were given up; send them again or forget them."""


def _filters(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        click.option(
            "--user", help="Only events of this user id, or anonymous id where there is no user id."
        ),
        click.option("--event", help="Only this track event, or this type of call."),
        click.option("--until", type=MOMENT, help="Died before this time."),
        click.option("--since", type=MOMENT, help='Died since: "2h" (ago) or "2030-03-17T12:00:00Z".'),
        click.option("--reason", help="Only with this reason."),
        click.option(
            "--destination", help='Only of this destination; of a source with a function "source NAME".'
        ),
    ):
        command = option(command)
    return command


@dead.command("list")
@_filters
@click.option("--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="How many.")
@click.option("--beyond", type=int, help="Go on behind this id: the last of the page before.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object a line.")
@configuration.option
def list_letters(limit: int, beyond: int | None, as_json: bool, file: str, **filters: Any) -> None:
    """List dead letters, the newest first."""
    with opened(file) as put:
        page = _page(put, ListLetters(_query(filters), limit, beyond))
    if as_json:
        for line in page.lines:
            output.line(msgspec.json.encode(line).decode())
    else:
        show_page(page)


@dead.command()
@click.argument("id", type=int)
@click.option("--json", "as_json", is_flag=True, help="As one JSON object.")
@configuration.option
def show(id: int, as_json: bool, file: str) -> None:
    """Show one dead letter: the event, what was sent, what was answered."""
    with opened(file) as put:
        shown = put(SHOW, LetterIds([id]))
    if shown is None or not shown.letters:
        raise Failure(f"there is no dead letter {id}; `router dead list` shows which there are")
    if as_json:
        letter = msgspec.structs.asdict(shown.letters[0])
        letter.pop("entry")
        output.line(msgspec.json.encode({**letter, "event": letter["event"].decode()}).decode())
    else:
        show_letter(shown.letters[0])


@dead.command()
@click.argument("ids", type=int, nargs=-1)
@_filters
@click.option("--all", "everything", is_flag=True, help="All letters that match, or simply all.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@configuration.option
def retry(ids: Sequence[int], everything: bool, yes: bool, file: str, **filters: Any) -> None:
    """Send dead letters again, the oldest first.

    Each becomes pending again and is tried at once. Events that were delivered since are not taken back, so a user's
    events may arrive in another order.
    """
    outline = configuration.read_outline(file)
    configured = (*outline.destinations, *(lane_of(source) for source in outline.workspaces))
    refused: list[Refused] = []
    patience = _Patience()

    def send_again(put: Asking, some: Sequence[int]) -> int:
        done, left = 0, list(some)
        while left:
            answer = put(RETRY, LetterIds(left, configured))
            if answer is None:
                break
            done += answer.done
            refused.extend(answer.refused)
            left = list(answer.waiting)
            if left:
                patience.wait(put)
        return done

    done = _work(send_again, "Send {} again?", ids, everything, yes, file, filters)
    output.line(f"{_letters(done)} on the way again." if done else "Nothing was sent again.")
    for one in refused[:_REFUSED_SHOWN]:
        click.echo(f"dead letter {one.id}: {one.why}", err=True)
    if len(refused) > _REFUSED_SHOWN:
        click.echo(f"… and {len(refused) - _REFUSED_SHOWN} more", err=True)
    if refused:
        raise click.exceptions.Exit(1)


@dead.command()
@click.argument("ids", type=int, nargs=-1)
@_filters
@click.option("--all", "everything", is_flag=True, help="All letters that match, or simply all.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@configuration.option
def drop(ids: Sequence[int], everything: bool, yes: bool, file: str, **filters: Any) -> None:
    """Forget dead letters. Their events stay counted as dead, and cannot be sent again."""

    def forget(put: Asking, some: Sequence[int]) -> int:
        answer = put(DROP, LetterIds(some))
        return answer.done if answer else 0

    done = _work(forget, "Forget {}?", ids, everything, yes, file, filters)
    output.line(f"{_letters(done)} forgotten." if done else "Nothing was forgotten.")


def _work(
    do: Callable[[Asking, Sequence[int]], int],
    question: str,
    ids: Sequence[int],
    everything: bool,
    yes: bool,
    file: str,
    filters: dict[str, Any],
) -> int:
    """Do something with the letters that are named or match, slice by slice; how many it was done with."""
    query = _query(filters)
    if bool(ids) == everything or (ids and query):
        raise click.UsageError("name the ids of letters, or say --all, with filters for all that match")
    with opened(file) as put:
        total = len(ids) or _page(put, ListLetters(query, 1)).total
        if not total:
            return 0
        if not yes and not ids:
            click.confirm(question.format(_letters(total)), abort=True)
        done = 0
        with Progress(console=Console(stderr=True), transient=True, disable=total <= SLICE) as progress:
            task = progress.add_task("", total=total)
            for some in _slices(put, ids, query):
                done += do(put, some)
                progress.advance(task, len(some))
        return done


class _Patience:
    """Waits while the router sends what was given to it, and says so once; then it takes more."""

    def __init__(self) -> None:
        self._is_told = False

    def wait(self, put: Asking) -> None:
        full = f"{MOST_WAITING} events of one destination are on their way again"
        if not put.is_router:
            raise Failure(f"{full}; run the router, and send the others when these are through")
        if not self._is_told:
            self._is_told = True
            click.echo(f"{full}; the others follow by and by. Ctrl-C leaves them as they are.", err=True)
        time.sleep(_WAIT_SECONDS)


def _slices(put: Asking, ids: Sequence[int], query: LetterQuery) -> Iterator[Sequence[int]]:
    """The ids, oldest first. What dies while this goes on is not among them, or it would never end."""
    if ids:
        for start in range(0, len(ids), SLICE):
            yield ids[start : start + SLICE]
        return
    newest = _page(put, ListLetters(query, 1, is_counted=False)).lines
    last, beyond = newest[0].id if newest else 0, 0
    while beyond < last:
        lines = _page(put, ListLetters(query, SLICE, beyond, newest_first=False, is_counted=False)).lines
        found = [line.id for line in lines if line.id <= last]
        if not found:
            return
        yield found
        beyond = found[-1]


def _page(put: Asking, asked: ListLetters) -> Letters:
    return put(LIST, asked) or Letters((), 0)


def _query(filters: dict[str, Any]) -> LetterQuery:
    return LetterQuery(**{name: value for name, value in filters.items() if value is not None})


def _letters(count: int) -> str:
    return "1 dead letter" if count == 1 else f"{count} dead letters"
