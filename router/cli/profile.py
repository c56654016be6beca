"""`router profile`: what is known of people and accounts, and what changes of it; joining and parting them by hand."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import click
from rich.console import Console
from rich.progress import Progress

from router.admin.profile_search import AskSearch
from router.admin.profiles import (
    MERGE,
    MOST_ON_A_PAGE,
    PAGE,
    SHOW,
    SPLIT,
    AskMerge,
    AskPage,
    AskProfiles,
    AskSplit,
    Shown,
    Sought,
)
from router.cli import configuration, output
from router.cli.asking import Asking, opened
from router.cli.failure import Failure
from router.cli.profile_changes import lines
from router.cli.profile_search import Search, Trait
from router.cli.profile_search import search as look
from router.cli.profile_words import as_json, searched, show_page, show_profile
from router.rules.identity.sought import SoughtTrait
from router.storage.profile import COLLECTIONS, Collection

_EXPORTED_AT_ONCE = 100
_NAME = 'NAME is an identifier such as "user_id:u1" or "email:ann@example.com", or the id of a profile.'


def _place(command: Callable[..., None]) -> Callable[..., None]:
    for option in (
        configuration.option,
        click.option("--space", default="default", show_default=True, help="The workspace of the profiles."),
        click.option(
            "--accounts",
            is_flag=True,
            help="Names are those of accounts; by default they are those of users.",
        ),
    ):
        command = option(command)
    return command


@click.group()
def profile() -> None:
    """See the profiles; join two, part one, write them to a file."""


@profile.command()
@click.argument("name")
@click.option("--json", "is_json", is_flag=True, help="As one JSON object.")
@_place
def show(name: str, is_json: bool, file: str, space: str, accounts: bool) -> None:
    """Show one profile: its identifiers, traits, links and merges.

    NAME is an identifier such as "user_id:u1", or the id of a profile.
    """
    with opened(file) as put:
        [found] = _find(put, [name], space, accounts)
    if is_json:
        output.line(as_json(found))
    else:
        show_profile(found)


@profile.command()
@click.argument("name", required=False)
@click.option(
    "--trait",
    "traits",
    type=Trait(),
    multiple=True,
    help="Only profiles with this trait, e.g. plan=gold or plan; more than one must all be there.",
)
@click.option(
    "--limit", type=click.IntRange(1, MOST_ON_A_PAGE), default=50, show_default=True, help="How many."
)
@click.option(
    "--most",
    type=click.IntRange(1),
    default=100_000,
    show_default=True,
    help="With --trait: look at so many at most.",
)
@click.option("--beyond", default="", help="Go on behind this id: the last of the page before.")
@click.option("--json", "is_json", is_flag=True, help="One JSON object a line.")
@_place
def search(
    name: str | None,
    traits: Sequence[SoughtTrait],
    limit: int,
    most: int,
    beyond: str,
    is_json: bool,
    file: str,
    space: str,
    accounts: bool,
) -> None:
    """List profiles, the oldest first; with NAME only the one that it leads to.

    NAME is an identifier such as "email:ann@example.com": it must be whole. With --trait one profile after the other
    is looked at, so that takes its time where there are many.
    """
    if name is not None and traits:
        raise Failure("NAME leads to one profile and --trait looks for many; write one of the two")
    done: Search | None = None
    with opened(file) as put:
        if name is not None:
            profiles, beyond = list(_find(put, [name], space, accounts)), ""
        elif traits:
            done = look(put, AskSearch(space, traits, _collection(accounts), beyond, limit, most))
            profiles, beyond = list(done.profiles), done.beyond
        else:
            page = put(PAGE, AskPage(space, _collection(accounts), beyond, limit))
            profiles, beyond = (list(page.profiles), page.beyond) if page else ([], "")
    if is_json:
        for one in profiles:
            output.line(as_json(one))
    elif done is None or profiles:
        show_page(profiles, beyond if done is None else "")
    if done is not None:
        click.echo(searched(done), err=is_json)


@profile.command()
@click.argument("one")
@click.argument("other")
@click.option("--yes", is_flag=True, help="Do not ask.")
@_place
def merge(one: str, other: str, yes: bool, file: str, space: str, accounts: bool) -> None:
    """Make one profile of two, whatever the limits say. The older one stays.

    ONE and OTHER are identifiers such as "user_id:u1", or ids of profiles. It cannot be undone: `split` gives a new
    profile identifiers, but traits and events stay.
    """
    with opened(file) as put:
        first, second = _find(put, [one, other], space, accounts)
        if not yes and first.profile.id != second.profile.id:
            click.confirm(f"Merge {first.profile.id} and {second.profile.id}?", abort=True)
        done = put(MERGE, AskMerge([first.profile.id, second.profile.id]))
    if done is not None:
        gone = second if done.id == first.profile.id else first
        output.line(f"{gone.profile.id} is a part of {done.id} now.")


@profile.command()
@click.argument("name")
@click.argument("identifiers", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@_place
def split(name: str, identifiers: Sequence[str], yes: bool, file: str, space: str, accounts: bool) -> None:
    """Move identifiers of a profile to a new one.

    NAME is the profile; IDENTIFIERS are those that leave, such as "email:ann@example.com". Traits, links and past
    events stay where they are.
    """
    moved = tuple(_identifier(one) for one in identifiers)
    with opened(file) as put:
        [found] = _find(put, [name], space, accounts)
        if not yes:
            click.confirm(f"Move {_count(len(moved))} of {found.profile.id} to a new profile?", abort=True)
        done = put(SPLIT, AskSplit(found.profile.id, moved))
    if done is not None:
        output.line(f"{done.id} has {_count(len(moved))} of {found.profile.id} now.")


@profile.command()
@click.argument("name", required=False)
@click.option(
    "--to",
    "target",
    type=click.Path(dir_okay=False, path_type=Path),
    help="A new file; by default the terminal.",
)
@_place
def export(name: str | None, target: Path | None, file: str, space: str, accounts: bool) -> None:
    """Write all profiles as JSON, one a line; with NAME only that one.

    What changes meanwhile may be in it as it was or as it is.
    """
    with opened(file) as put, _target(target) as writing:
        if name is not None:
            writing.write(as_json(_find(put, [name], space, accounts)[0]) + "\n")
            return
        count = 0
        with Progress(console=Console(stderr=True), transient=True, disable=target is None) as progress:
            task = progress.add_task("profiles", total=None)
            for one in _all(put, space, _collection(accounts)):
                writing.write(as_json(one) + "\n")
                count += 1
                progress.update(task, completed=count, description=f"{count:,} profiles")
    click.echo(f"{count:,} profiles written", err=True)


@profile.command()
@click.option(
    "--from",
    "number",
    type=click.IntRange(0),
    help="Begin with this number; by default with the oldest that is kept, with --follow with the next.",
)
@click.option("--follow", is_flag=True, help="Go on with what comes, until you press Ctrl-C.")
@click.option("--count", type=click.IntRange(min=1), help="Stop after so many lines.")
@configuration.option
def changes(number: int | None, follow: bool, count: int | None, file: str) -> None:
    """Write what changed of the profiles, as JSON, one change a line.

    All workspaces, in the order in which it happened: profiles that were created, merged and deleted, identifiers
    that they got and lost, traits, links. Changes are kept as long as events are ([storage] retention); where some
    that were asked for are gone, a line of the kind "gone" says which.
    """
    try:
        with opened(file) as put:
            left = count
            for line in lines(put, number=number, is_followed=follow):
                output.line(line)
                left = None if left is None else left - 1
                if left == 0:
                    return
        if follow:
            raise Failure("no router runs, so nothing more comes; start one with `router run`")
    except KeyboardInterrupt:
        pass  # the usual way to end it


def _all(put: Asking, space: str, collection: Collection) -> Iterator[Shown]:
    beyond = ""
    while True:
        page = put(PAGE, AskPage(space, collection, beyond, _EXPORTED_AT_ONCE, whole=True))
        if page is None:
            return
        yield from page.profiles
        beyond = page.beyond
        if not beyond:
            return


@contextmanager
def _target(path: Path | None) -> Iterator[IO[str]]:
    if path is None:
        yield sys.stdout
        return
    try:
        with path.open("x", encoding="utf-8") as opened:
            yield opened
    except FileExistsError:
        raise Failure(f"{path} is there already; choose another name, or remove it") from None
    except OSError as error:
        raise Failure(f"{path} cannot be written: {error.strerror}") from None


def _find(put: Asking, names: Sequence[str], space: str, accounts: bool) -> list[Shown]:
    """The profiles of these names; the first that is not there ends the command."""
    sought = [_sought(one, space, _collection(accounts)) for one in names]
    found = put(SHOW, AskProfiles(sought))
    profiles: list[Shown] = []
    for name, one in zip(names, found.profiles if found else [None] * len(names), strict=True):
        if one is None:
            where = f"space {space!r}, {_collection(accounts)}"
            remedy = "`router profile search` lists those that there are, --space names another space"
            raise Failure(f"no profile has {output.printable(name)} ({where}); {remedy}")
        profiles.append(one)
    return profiles


def _sought(name: str, space: str, collection: Collection) -> Sought:
    if name.startswith(("use_", "gro_")) and ":" not in name:
        return Sought(space, collection, id=name)
    type, value = _identifier(name)
    return Sought(space, collection, type, value)


def _identifier(text: str) -> tuple[str, str]:
    """Type and value; a type is written small, and so is an email."""
    type, colon, value = text.partition(":")
    if not colon or not type or not value:
        raise Failure(f"{output.printable(text)!r} names no profile; {_NAME}")
    type = type.lower()
    return type, value.lower() if type == "email" else value


def _collection(accounts: bool) -> Collection:
    return COLLECTIONS[int(accounts)]


def _count(identifiers: int) -> str:
    return "1 identifier" if identifiers == 1 else f"{identifiers} identifiers"
