"""The verb `privacy`: fields that probably hold personal data, and those that people have classified."""

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

from msgspec import Struct

from router.admin.verbs import Desk, Nothing, Verb
from router.enrichment.findings import SHOWN_MILLISECONDS
from router.events.found_field import FoundField
from router.rules.privacy.classified import Classified
from router.rules.privacy.matchers import Colour


class Unclassified(Struct, frozen=True):
    """A field that waits for a colour."""

    path: str
    recommended: Colour
    matcher: str
    how: str
    looks_like: str
    events: int
    """Of those that were looked at."""
    sources: list[str]
    last_at: int
    first_at: int = 0


class Privacy(Struct, frozen=True):
    """What is known."""

    is_on: bool
    """Whether anything is looked for: there is a section `[privacy]`."""
    inbox: Sequence[Unclassified]
    inventory: Mapping[str, str]
    """The colour of each classified field."""


PRIVACY: Verb[Nothing, Privacy] = Verb("privacy", Nothing, Privacy)


def told(found: Iterable[FoundField], colours: Mapping[str, str] | None, *, now: int) -> Privacy:
    """What there is to say: red before yellow, then the most frequent; `colours` are None without a section."""
    classified = Classified(colours or ())
    waiting = [
        Unclassified(
            one.path,
            one.colour,
            one.matcher,
            one.how,
            one.looks_like,
            one.events,
            sorted(one.sources),
            one.last_at,
            one.first_at,
        )
        for one in found
        if one.last_at >= now - SHOWN_MILLISECONDS and not classified.has(one.path, one.key)
    ]
    waiting.sort(key=lambda one: (one.recommended != "red", -one.events, one.path))
    return Privacy(colours is not None, waiting, colours or {})


def answer_privacy(desk: Desk, tell: Callable[[], Privacy | Awaitable[Privacy]]) -> None:
    """Have `desk` answer: what a running router found is newer than what its store holds."""

    async def privacy(_: Nothing) -> Privacy:
        found = tell()
        return await found if inspect.isawaitable(found) else found

    desk.on(PRIVACY, privacy)
