"""A source plugin under examination: what its class says of itself. It is not run: what it reads is not here."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any

from router.config.model import SourceConfig
from router.plugins.source import WayIn
from router.testing.conformance.specimen import NAME, secrets_in
from router.testing.sample import read_source, sample_of


class SourceSpecimen:
    """One source class, to be asked for its sample and its secrets."""

    section_name = "sources.NAME"
    """Where its sample stands in `router.toml`."""

    def __init__(self, cls: type[WayIn[Any]]) -> None:
        self.cls = cls

    @cached_property
    def config(self) -> SourceConfig:
        """Its sample as the router reads it; raises ConfigError."""
        return read_source(self.cls, sample_of(self.cls), name=NAME)

    @property
    def secrets(self) -> Iterable[str]:
        """The values of all its secrets."""
        return {secret.reveal() for secret in secrets_in(self.config.settings)} - {""}

    def shown(self) -> str:
        """Whatever of it might come into a log."""
        return f"{self.config!r} {self.config.settings!r} {self.config.plugin()!r}"
