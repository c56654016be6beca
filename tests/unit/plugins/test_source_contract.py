"""A class that does not keep the contract of a source plugin is refused when it is offered, with the remedy."""

from typing import Any

import pytest

from router import Accept, Settings, SourcePlugin, hookimpl
from router.errors import PluginError
from router.plugins.registry import Registry


class NoneSettings(Settings, frozen=True):
    """None."""


class Poll(SourcePlugin[NoneSettings]):
    """Keeps it."""

    kind = "poll"

    async def run(self, accept: Accept) -> None:
        return None


class Lazy(SourcePlugin[NoneSettings]):
    """Has no `run`."""

    kind = "lazy"


class Hasty(SourcePlugin[NoneSettings]):
    """Does not wait."""

    kind = "hasty"

    def run(self, accept: Accept) -> None:  # type: ignore[override]
        return None


class Yielding(SourcePlugin[NoneSettings]):
    """Yields calls."""

    kind = "yielding"

    async def run(self, accept: Accept) -> Any:
        yield {}


class Shut(Poll):
    """Closes without being awaited."""

    kind = "shut"

    def close(self) -> None:  # type: ignore[override]
        return None


class Worded(Poll):
    """Has an interval in words."""

    kind = "worded"
    interval = "30s"  # type: ignore[assignment]


class Nameless(SourcePlugin):  # type: ignore[type-arg]
    """Names no settings."""

    kind = "nameless"

    async def run(self, accept: Accept) -> None:
        return None


class Loose(SourcePlugin[dict]):  # type: ignore[type-arg,type-var]
    """Names settings that are none."""

    kind = "loose"

    async def run(self, accept: Accept) -> None:
        return None


class Stranger:
    """Is no source."""

    kind = "stranger"


def offering(cls: type[Any]) -> object:
    class Plugin:
        @hookimpl
        def register_sources(self) -> list[type[Any]]:
            return [cls]

    return Plugin()


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Lazy, "has no `run`; write it"),
        (Hasty, "`run` is not awaited; write `async def run`"),
        (Yielding, "`run` is not awaited; write `async def run`, without `yield`"),
        (Shut, "`close` is not awaited; write `async def close`"),
        (Worded, r"has the interval '30s'; write e\.g\. `interval = Duration\(30\)`"),
        (Nameless, r"must name its settings: SourcePlugin\[Settings\]"),
        (Loose, "must be a subclass of Settings"),
        (Stranger, "is not a subclass of SourcePlugin; write `class Stranger"),
    ],
)
def test_a_broken_contract_is_said(cls: type[Any], message: str) -> None:
    with pytest.raises(PluginError, match=message):
        Registry.load(entry_points=False, built_in=False).with_plugin(offering(cls))


def test_two_plugins_of_one_kind_are_refused() -> None:
    registry = Registry.load(entry_points=False, built_in=False).with_plugin(offering(Poll), name="one")

    with pytest.raises(PluginError, match="two plugins offer the source kind 'poll'"):
        registry.with_plugin(offering(Poll), name="two")


def test_a_message_id_tells_rows_sources_and_kinds_apart_and_is_always_the_same() -> None:
    class Other(Poll):
        kind = "other"

    one, two, other = (
        Poll(NoneSettings(), name="a"),
        Poll(NoneSettings(), name="b"),
        Other(NoneSettings(), name="a"),
    )
    ids = [
        one.message_id(1),
        one.message_id("1"),
        one.message_id(1, 1),
        two.message_id(1),
        other.message_id(1),
    ]

    assert len({*ids}) == len(ids)
    assert one.message_id(1) == Poll(NoneSettings(), name="a").message_id(1) == ids[0]
    assert all(len(each) <= 100 for each in ids)
