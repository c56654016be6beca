"""Looking for profiles by traits, as far as somebody wants to wait, with a progress bar."""

import time
from collections.abc import Sequence

import click
from msgspec import Struct
from rich.console import Console
from rich.progress import Progress

from router.admin.profile_search import SEARCH, AskSearch
from router.admin.profiles import Shown
from router.cli.asking import Asking
from router.rules.identity.sought import SoughtTrait

SHOWN_AFTER_SECONDS = 1.0


class Trait(click.ParamType[SoughtTrait]):
    """`plan=gold`, or the name of a trait alone."""

    name = "name=value"

    def convert(
        self, value: str | SoughtTrait, param: click.Parameter | None, context: click.Context | None
    ) -> SoughtTrait:
        """Take it apart."""
        if isinstance(value, SoughtTrait):
            return value
        name, equals, text = value.partition("=")
        if not name:
            self.fail(f"{value!r} names no trait; write e.g. plan=gold", param, context)
        return SoughtTrait(name, text if equals else None)


class Search(Struct, frozen=True):
    """What came of a search."""

    profiles: Sequence[Shown]
    looked_at: int
    beyond: str
    """Where it stopped; empty when all were looked at."""


def search(put: Asking, wanted: AskSearch) -> Search:
    """Ask for piece after piece, until enough were found, or as many were looked at as may be."""
    found: list[Shown] = []
    looked_at, beyond = 0, wanted.beyond
    since = time.monotonic()
    console = Console(stderr=True)
    with Progress(console=console, transient=True, disable=not console.is_terminal) as progress:
        task = progress.add_task("", total=1.0, visible=False)
        while True:
            asked = AskSearch(
                space=wanted.space,
                traits=wanted.traits,
                collection=wanted.collection,
                beyond=beyond,
                limit=wanted.limit - len(found),
                most=wanted.most - looked_at,
            )
            piece = put(SEARCH, asked)
            if piece is None:
                return Search(found, looked_at, "")
            found += piece.profiles
            looked_at, beyond = looked_at + piece.looked_at, piece.beyond
            if not beyond or len(found) >= wanted.limit or looked_at >= wanted.most:
                return Search(found, looked_at, beyond)
            progress.update(
                task,
                completed=piece.share,
                description=f"{looked_at:,} profiles, {len(found)} found",
                visible=time.monotonic() - since > SHOWN_AFTER_SECONDS,
            )
