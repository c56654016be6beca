"""A small definition, and what comes out of it."""

import tomllib
from collections.abc import Sequence
from typing import Any

import msgspec

from router.events.calls import AnyEvent
from router.plugins.declarative.destination import DeclarativeDestination
from router.plugins.declarative.reading import define
from router.plugins.outcome import Outcome
from router.plugins.request import Request
from router.plugins.settings import setting_hook
from tests.flow.delivery.rig import envelope

TOML = """
description = "Send to the shop."

[settings.host]
description = "The host."
[settings.token]
description = "The key."
secret = true
[settings.tag]
description = "A mark on everything."
default = "none"

[request]
url = "https://{{settings.host}}/v1/{{payload.user}}"
headers = { Authorization = "Bearer {{settings.token}}" }

[[mappings]]
name = "orders"
trigger = 'type = "track" and event != "E9"'
payload = { user = { "@path" = "$.userId" }, n = { "@path" = "$.properties.n" } }
"""


def defined(toml: str = TOML, *more: str, kind: str = "shop") -> type[DeclarativeDestination]:
    """The class that a definition makes."""
    return define(tomllib.loads("\n".join([toml, *more])), "shop.toml", kind=kind)


def shop(cls: type[DeclarativeDestination], **settings: Any) -> DeclarativeDestination:
    """An instance of it."""
    given = {"host": "shop.test", "token": "s3cr3t", **settings}
    return cls(msgspec.convert(given, cls.settings_type(), dec_hook=setting_hook), name="shop")


def sent(
    destination: DeclarativeDestination, events: Sequence[AnyEvent]
) -> tuple[list[Request], Sequence[Outcome] | None]:
    """The requests for some events, and the outcomes at the end."""
    flow: Any = destination.requests(events)
    requests = []
    while True:
        try:
            requests.append(next(flow))
        except StopIteration as end:
            return requests, end.value


def body(request: Request) -> Any:
    """A JSON body."""
    return msgspec.json.decode(request.body)


def track(number: int = 1, **changes: Any) -> AnyEvent:
    """A track event of a user of its own."""
    return envelope(number, **changes).event
