"""A class that does not keep the contract of an enricher is refused when it is offered, with the remedy."""

from typing import Any

import pytest

from router.errors import PluginError
from router.plugins.enricher import Enricher
from router.plugins.hookspecs import hookimpl
from router.plugins.registry import Registry
from router.plugins.settings import Settings


class NoSettings(Settings, frozen=True):
    """None."""


def enricher(**attributes: Any) -> type[Any]:
    """A class that keeps the contract, but for `attributes`."""

    class Good(Enricher[NoSettings]):
        kind = "good"
        reads = ("ip",)
        adds = ("location",)

        def add(self, given: Any) -> Any:
            return {}

    for name, value in attributes.items():
        setattr(Good, name, value)
    return Good


class WithoutParameter(Enricher):  # type: ignore[type-arg]
    """Names no settings."""

    kind = "bare"
    reads = ("ip",)
    adds = ("location",)

    def add(self, given: Any) -> Any:
        return {}


def offer(cls: type[Any]) -> Registry:
    """A registry with it."""

    class Plugin:
        @hookimpl
        def register_enrichments(self) -> list[type[Any]]:
            return [cls]

    return Registry.load(entry_points=False).with_plugin(Plugin(), name="mine")


def test_a_class_that_keeps_it_is_offered() -> None:
    cls = enricher()

    assert offer(cls).enrichments == {"good": cls}


@pytest.mark.parametrize(
    ("cls", "words"),
    [
        (type("Other", (), {"kind": "other"}), "is not a subclass of Enricher; write `class Other"),
        (enricher(add=Enricher.add), "has no `add`; write it"),
        (enricher(reads=()), 'needs reads = ("…",)'),
        (enricher(adds="location"), 'needs adds = ("…",)'),
        (
            enricher(adds=("location", "consent")),
            "adds context.consent, which senders alone set; add another",
        ),
        (enricher(adds=("ip",)), "adds context.ip"),
        (WithoutParameter, "must name its settings: Enricher"),
    ],
)
def test_one_that_does_not_is_refused(cls: type[Any], words: str) -> None:
    with pytest.raises(PluginError) as caught:
        offer(cls)

    assert words in str(caught.value)
