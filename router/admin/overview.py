"""The overview: what the router knows of its store, in one answer."""

from collections.abc import Awaitable, Callable, Mapping

from msgspec import Struct

from router.admin.verbs import Desk, Nothing, Verb
from router.storage.books import Books
from router.storage.store import Counts, DestinationState, Storage, StoreFacts


class Overview(Struct, frozen=True):
    """What a store holds."""

    url: str
    """Where the router listens; empty when none runs."""
    facts: StoreFacts
    counters: list[tuple[list[str], int]]
    """Durable counters: their name and labels, and the number."""
    destinations: list[DestinationState]
    books: Books
    """What the sums are drawn from, all of one moment."""
    source_troubles: dict[str, str] = {}
    """Why the plugin of a source reads nothing now, by the name of the source."""

    def counts(self) -> Mapping[tuple[str, ...], int]:
        """The counters by name."""
        return {tuple(name): amount for name, amount in self.counters}


OVERVIEW: Verb[Nothing, Overview] = Verb("overview", Nothing, Overview)


def answer_overview(
    desk: Desk,
    storage: Storage,
    *,
    url: Callable[[], str] = str,
    counters: Callable[[], Awaitable[Counts]] | None = None,
    sources: Callable[[], dict[str, str]] = dict,
) -> None:
    """Have `desk` answer for `storage`; a running router adds its address, what no commit has carried yet, and what
    its source plugins lack."""

    async def overview(_: Nothing) -> Overview:
        counts = await (counters or storage.counters)()
        return Overview(
            url=url(),
            facts=await storage.facts(),
            counters=[(list(name), amount) for name, amount in counts.items()],
            destinations=list(await storage.destinations()),
            books=await storage.books(),
            source_troubles=sources(),
        )

    desk.on(OVERVIEW, overview)
