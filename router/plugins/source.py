"""The contract of a source plugin: another way into the router than the tracking API, and nothing else.

It reads something (a table, a file, a queue) and hands over calls, each batch with the place to go on from. The engine
keeps both durably, starts the plugin again when it fails, and waits where the store is full: an author writes no retry.
"""

from collections.abc import Mapping, Sequence
from hashlib import blake2b
from typing import Any, ClassVar, Generic, Protocol, TypeVar

import msgspec
from msgspec import UNSET

from router.plugins.parameters import settings_of
from router.plugins.settings import Duration, Settings

SettingsT = TypeVar("SettingsT", bound=Settings)

Call = Mapping[str, Any] | bytes
"""A call as the tracking API takes it, e.g. `{"type": "track", "userId": "u1", "event": "Signed Up"}`; or its JSON."""


class Accept(Protocol):
    """What `run` is given to hand over calls: `await accept(calls, cursor=place)`."""

    async def __call__(self, calls: Sequence[Call], *, cursor: Any = UNSET) -> None:
        """Return once `calls` are durable, and then `cursor`; without one the place stays as it was.

        A call that a client would see dropped is refused alone: counted, and shown in `router tap --refused`. While
        the store takes nothing, this waits.
        """


class WayIn(Generic[SettingsT]):
    """What all that brings calls in has in common, whether it reads (`SourcePlugin`) or is sent (`WebhookSource`)."""

    kind: ClassVar[str]
    """The word in `kind = "…"`; what it reads or whose requests it takes, in lower case."""
    sample: ClassVar[str] = ""
    """A working configuration of it as TOML, without the section header."""
    sample_secrets: ClassVar[Mapping[str, str]] = {}
    """By setting, a made-up value for tests in the place of a reference in `sample`, where not any text will do."""

    def __init__(self, settings: SettingsT, *, name: str) -> None:
        self.settings = settings
        self.name = name

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings struct named in the class statement."""
        raise NotImplementedError


class SourcePlugin(WayIn[SettingsT]):
    """Brings calls in. Subclass as `class Name(SourcePlugin[NameSettings])` and write `run`.

    Calls come at least once: what was handed over before a crash may be read again, from the last cursor on. With a
    message id that is made from the row (`self.message_id(row.id)`) it counts once.
    """

    interval: ClassVar[Duration] = Duration(10)
    """How long after `run` has returned it is called again; `interval` in `router.toml` wins."""
    cursor: Any = None
    """The place that was kept last, as it comes back from JSON; None when there is none. The engine sets it."""

    async def open(self) -> None:
        """Get ready; called once, before `run`. Import a heavy SDK here."""

    async def run(self, accept: Accept) -> None:
        """Read from `self.cursor` on and hand over calls; return when there is nothing more for now, or never.

        What it raises ends this instance: it is closed, and a new one goes on from the last cursor, a little later
        each time.
        """
        raise NotImplementedError

    async def close(self) -> None:
        """Release everything; also called when `open` or `run` failed or was cancelled."""

    def message_id(self, *parts: Any) -> str:
        """A message id made of what tells this row from all others of the source: the same each time it is read."""
        identity = msgspec.json.encode([self.kind, self.name, *parts])
        return blake2b(identity, digest_size=16).hexdigest()

    @classmethod
    def settings_type(cls) -> type[Settings]:
        """The settings struct named in the class statement."""
        return settings_of(cls, SourcePlugin)
