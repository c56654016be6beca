"""A class that does not keep the contract of a transformation is refused when it is offered, with the remedy."""

from typing import Any

import pytest

from router.errors import PluginError
from router.events.calls import AnyEvent, Track
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.settings import Settings
from router.plugins.transformation import Transformation


class NoneSettings(Settings, frozen=True):
    """None."""


class Lazy(Transformation[NoneSettings, Track]):
    """Has no `transform`."""

    kind = "lazy"


class Nameless(Transformation):  # type: ignore[type-arg]
    """Names no settings."""

    kind = "nameless"

    def transform(self, event: Track) -> AnyEvent:
        return event


class Loose(Transformation[dict, Track]):  # type: ignore[type-arg,type-var]
    """Names settings that are none."""

    kind = "loose"

    def transform(self, event: Track) -> AnyEvent:
        return event


class Stranger:
    """Is no transformation."""

    kind = "stranger"


@pytest.mark.parametrize(
    ("cls", "message"),
    [
        (Lazy, "has no `transform`; write it"),
        (Nameless, "must name its settings and events: Transformation"),
        (Loose, "must be a subclass of Settings"),
        (Stranger, "is not a subclass of Transformation; write `class Stranger"),
    ],
)
def test_a_broken_contract_is_said(cls: type[Any], message: str) -> None:
    class Plugin:
        @hookimpl
        def register_transformations(self) -> list[type[Any]]:
            return [cls]

    with pytest.raises(PluginError, match=message):
        Registry.load(entry_points=False, built_in=False).with_plugin(Plugin())
