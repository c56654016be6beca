"""Calls of the program that embeds a router: the same road as a client's batch, without a socket."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self

import msgspec
from aiohttp import web

from router.api.doors import Doors
from router.api.mounting import mount
from router.errors import ConfigError, RequestRefused
from router.events.source import EMBEDDED_SOURCE, Source
from router.rules.request import Limits, Received, read_request
from router.storage.entry import Door, Entry

_PATH = re.compile(r"(/[A-Za-z0-9._~-]+)+")


class Embedding(ABC):
    """The six calls as methods. Each returns after the event is durable, and raises when it was not accepted.

    `RequestRefused` names the reason code of a call that a client would see dropped; `StorageError` says that
    nothing was kept and the call may be repeated. Every call takes `user_id`, `anonymous_id`, `message_id`,
    `timestamp`, `context`, `integrations` and `source` (the name of a configured source). Without `source` it comes
    from the source `embedded`, which a section `[sources.embedded]` gives a plan, enrichments or privacy controls.
    """

    sources: Mapping[str, Source]
    """The sources that a call may come from, by name."""

    doors: Doors
    """What is served, once the router runs."""
    mounted_at: str | None = None
    """The path below which it stands in another application; then it opens no port of its own."""

    def mount(self, app: web.Application, path: str) -> None:
        """Serve the tracking API below `path` of an aiohttp application, from the application's own port.

        The router starts and stops with the application; do not enter it yourself. SDKs get the address of the
        application with `path` as their host.
        """
        if not _PATH.fullmatch(path):
            raise ValueError(
                f'a router cannot be mounted at {path!r}; name a path without a slash at its end, e.g. "/events"'
            )
        if self.mounted_at is not None or hasattr(self, "doors"):
            raise ValueError("this router is mounted or running already; mount it once, before it starts")
        self.mounted_at = path
        mount(
            app,
            path,
            routes=lambda: self.doors.routes,
            body_limit=lambda: self.doors.server.bounds.body_bytes,
            life=self,
        )

    @abstractmethod
    async def __aenter__(self) -> Self:
        """Start."""

    @abstractmethod
    async def __aexit__(self, *error: object) -> None:
        """Stop."""

    @abstractmethod
    async def accept(self, entry: Entry, received: Received) -> None:
        """Keep a request durably."""

    @property
    @abstractmethod
    def limits(self) -> Limits:
        """What a call may weigh."""

    async def call(self, type: str, *, source: str = EMBEDDED_SOURCE, **fields: Any) -> None:
        """Make a call of any type with fields in the names of the protocol, e.g. `userId="u1"`."""
        if source not in self.sources:
            known = ", ".join(sorted(self.sources))
            raise ConfigError([f"source {source!r} is not configured; known are {known}"])
        member = {
            "type": type,
            **{name: _plain(value) for name, value in fields.items() if value is not None},
        }
        received = read_request(Door.EMBEDDED, msgspec.json.encode({"batch": [member]}), limits=self.limits)
        for refusal in received.refused:
            raise RequestRefused(400, refusal.reason, f"{type} call refused: {refusal.reason}")
        entry = Entry(source, Door.EMBEDDED, 0, len(received.calls), received.body)
        await self.accept(entry, received)

    async def track(self, event: str, *, properties: Mapping[str, Any] | None = None, **common: Any) -> None:
        """Something a user did."""
        await self.call("track", event=event, properties=properties, **_named(common))

    async def identify(self, *, traits: Mapping[str, Any] | None = None, **common: Any) -> None:
        """Who a user is."""
        await self.call("identify", traits=traits, **_named(common))

    async def page(
        self,
        name: str | None = None,
        *,
        category: str | None = None,
        properties: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> None:
        """A page of a website was seen."""
        await self.call("page", name=name, category=category, properties=properties, **_named(common))

    async def screen(
        self,
        name: str | None = None,
        *,
        category: str | None = None,
        properties: Mapping[str, Any] | None = None,
        **common: Any,
    ) -> None:
        """A screen of an app was seen."""
        await self.call("screen", name=name, category=category, properties=properties, **_named(common))

    async def group(self, group_id: str, *, traits: Mapping[str, Any] | None = None, **common: Any) -> None:
        """A user belongs to an account."""
        await self.call("group", groupId=group_id, traits=traits, **_named(common))

    async def alias(self, previous_id: str, **common: Any) -> None:
        """Two ids are one user."""
        await self.call("alias", previousId=previous_id, **_named(common))


_NAMES = {
    "user_id": "userId",
    "anonymous_id": "anonymousId",
    "message_id": "messageId",
    "timestamp": "timestamp",
    "context": "context",
    "integrations": "integrations",
    "source": "source",
}


def _named(common: Mapping[str, Any]) -> dict[str, Any]:
    unknown = sorted(set(common) - set(_NAMES))
    if unknown:
        raise TypeError(f"unknown argument {unknown[0]!r}; known are {', '.join(_NAMES)}")
    return {_NAMES[name]: value for name, value in common.items()}


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
