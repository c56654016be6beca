"""`take` shows what a source plugin hands over, judged as the engine judges it."""

import asyncio
from typing import Any

import pytest

from router import Accept, Secret, Settings, SourcePlugin
from router.testing import configured, take


class FeedSettings(Settings, frozen=True):
    """What it reads."""

    first: int = 0
    """The first number; 0 by default."""
    token: Secret = Secret("")
    """Its key."""


class Feed(SourcePlugin[FeedSettings]):
    """Counts up."""

    kind = "feed"
    sample = 'settings.first = 5\nsettings.token = "env:FEED_TOKEN"'

    async def run(self, accept: Accept) -> None:
        number = self.settings.first if self.cursor is None else self.cursor
        call = {"type": "track", "userId": "u1", "event": str(number)}
        await accept([call, {**call, "userId": None}], cursor=number + 1)

    async def close(self) -> None:
        self.is_closed = True


class Endless(Feed):
    """Never ends."""

    kind = "endless"

    async def run(self, accept: Accept) -> None:
        while True:
            await super().run(accept)


class Broken(Feed):
    """Does not read."""

    kind = "broken"

    async def run(self, accept: Accept) -> None:
        raise LookupError("no such table")


def test_calls_refusals_and_the_cursor_are_shown() -> None:
    done = take(configured(Feed, first=3))

    assert done.calls == [{"type": "track", "userId": "u1", "event": "3"}]
    assert (done.refused, done.cursor) == (["no_user_anon_id"], 4)


def test_it_begins_at_the_cursor_that_is_given_and_ends_closed() -> None:
    feed = configured(Feed, first=3)

    assert [call["event"] for call in take(feed, cursor=7).calls] == ["7"]
    assert feed.is_closed


def test_a_run_that_never_returns_ends_after_so_many_calls() -> None:
    assert [call["event"] for call in take(configured(Endless, first=1), calls=3).calls] == ["1", "2", "3"]


def test_a_class_is_used_with_its_sample() -> None:
    assert [call["event"] for call in take(Feed).calls] == ["5"]
    assert configured(Feed).settings.token.reveal().startswith("made-up")


def test_what_it_raises_is_raised() -> None:
    with pytest.raises(LookupError, match="no such table"):
        take(configured(Broken, first=1))


def test_it_takes_no_longer_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    class Waiting(Feed):
        kind = "waiting"

        async def run(self, accept: Any) -> None:
            await asyncio.Event().wait()

    monkeypatch.setattr("router.testing.taking.SECONDS", 0.01)
    with pytest.raises(TimeoutError):
        take(configured(Waiting, first=1))
