"""The suite finds each promise that a source plugin breaks, and nothing else."""

from typing import Any

import pytest

from router import Accept, Secret, Settings, SourcePlugin
from router.testing import broken_promises


class GoodSettings(Settings, frozen=True):
    """All is well."""

    token: Secret
    """The key."""


class Good(SourcePlugin[GoodSettings]):
    """Keeps every promise."""

    kind = "good"
    sample = 'settings.token = "env:GOOD_TOKEN"'

    async def run(self, accept: Accept) -> None:
        return None


class NoSample(Good):
    """Has none."""

    kind = "no_sample"
    sample = ""


class SilentSettings(Settings, frozen=True):
    """Says nothing."""

    path: str = ""


class Silent(SourcePlugin[SilentSettings]):
    """Explains nothing."""

    kind = "silent"

    async def run(self, accept: Accept) -> None:
        return None


class OpenSettings(Settings, frozen=True):
    """Shows its key."""

    api_key: str = ""
    """The key."""


class Open(SourcePlugin[OpenSettings]):
    """Has a key that is text."""

    kind = "open"

    async def run(self, accept: Accept) -> None:
        return None


class Telling(Good):
    """Tells its key."""

    kind = "telling"

    def __repr__(self) -> str:
        return f"Telling({self.settings.token.reveal()})"


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (
            NoSample,
            "source 'no_sample' does not come with a sample that works: its `sample` cannot be loaded",
        ),
        (
            Silent,
            "source 'silent' does not explain each of its settings: nothing is written under SilentSettings.path",
        ),
        (Open, "source 'open' does not keep its secrets to itself: `api_key` of its settings is a str"),
        (Telling, "source 'telling' does not keep its secrets to itself: a secret can be read in its `repr`"),
    ],
)
def test_a_broken_promise_is_named(cls: type[SourcePlugin[Any]], words: str) -> None:
    [said] = broken_promises(cls).values()

    assert said.startswith(words)


def test_a_good_source_keeps_every_promise() -> None:
    assert broken_promises(Good) == {}
