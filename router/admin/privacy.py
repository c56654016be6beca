"""The verb `privacy`: fields that probably hold personal data, and those that people have classified."""

from collections.abc import Callable, Mapping, Sequence

from msgspec import Struct

from router.admin.verbs import Desk, Nothing, Verb
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


class Privacy(Struct, frozen=True):
    """What is known."""

    is_on: bool
    """Whether anything is looked for: there is a section `[privacy]`."""
    inbox: Sequence[Unclassified]
    inventory: Mapping[str, str]
    """The colour of each classified field."""


PRIVACY: Verb[Nothing, Privacy] = Verb("privacy", Nothing, Privacy)


def answer_privacy(desk: Desk, tell: Callable[[], Privacy]) -> None:
    """Have `desk` answer; only a running router can, for it is kept in memory."""

    async def privacy(_: Nothing) -> Privacy:
        return tell()

    desk.on(PRIVACY, privacy)
