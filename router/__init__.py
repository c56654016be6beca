"""Pointsman: an event router that speaks Segment's protocol, in one Python process.

This is the only public door: what embedders and plugin authors import stands here. A name is loaded when it is
first used, so `import router` and `router --help` stay quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.app import Router
    from router.config.load import load
    from router.errors import (
        ConfigError,
        DeliveryError,
        Rejected,
        RetryLater,
        RouterError,
        Snooze,
        StorageError,
        Unauthorized,
    )
    from router.events.calls import Alias, AnyEvent, Event, Group, Identify, Page, Screen, Track
    from router.events.profile import ProfileSnapshot
    from router.events.reserved import amount, currency, trait
    from router.plugins.auth import (
        Auth,
        AwsAuth,
        BasicAuth,
        BearerAuth,
        ClientCredentialsAuth,
        HeaderAuth,
        HmacAuth,
        QueryAuth,
        RefreshTokenAuth,
    )
    from router.plugins.declarative.reading import read_destination
    from router.plugins.destination import Destination, Requests
    from router.plugins.dropped import Dropped
    from router.plugins.enricher import Enricher
    from router.plugins.hookspecs import hookimpl
    from router.plugins.outcome import Outcome
    from router.plugins.policies import Batching, Concurrency, Rate, Retry
    from router.plugins.request import Answer, Request
    from router.plugins.settings import Duration, Secret, Settings, Size
    from router.plugins.source import Accept, SourcePlugin
    from router.plugins.transformation import Transformation
    from router.plugins.webhook import WebhookRequest, WebhookSource

__all__ = [
    "Accept",
    "Alias",
    "Answer",
    "AnyEvent",
    "Auth",
    "AwsAuth",
    "BasicAuth",
    "Batching",
    "BearerAuth",
    "ClientCredentialsAuth",
    "Concurrency",
    "ConfigError",
    "DeliveryError",
    "Destination",
    "Dropped",
    "Duration",
    "Enricher",
    "Event",
    "Group",
    "HeaderAuth",
    "HmacAuth",
    "Identify",
    "Outcome",
    "Page",
    "ProfileSnapshot",
    "QueryAuth",
    "Rate",
    "RefreshTokenAuth",
    "Rejected",
    "Request",
    "Requests",
    "Retry",
    "RetryLater",
    "Router",
    "RouterError",
    "Screen",
    "Secret",
    "Settings",
    "Size",
    "Snooze",
    "SourcePlugin",
    "StorageError",
    "Track",
    "Transformation",
    "Unauthorized",
    "WebhookRequest",
    "WebhookSource",
    "amount",
    "currency",
    "hookimpl",
    "load",
    "read_destination",
    "trait",
]

_HOMES = {
    "router.app": ("Router",),
    "router.config.load": ("load",),
    "router.errors": (
        "ConfigError",
        "DeliveryError",
        "Rejected",
        "RetryLater",
        "RouterError",
        "Snooze",
        "StorageError",
        "Unauthorized",
    ),
    "router.events.calls": ("Alias", "AnyEvent", "Event", "Group", "Identify", "Page", "Screen", "Track"),
    "router.events.profile": ("ProfileSnapshot",),
    "router.events.reserved": ("amount", "currency", "trait"),
    "router.plugins.auth": (
        "Auth",
        "AwsAuth",
        "BasicAuth",
        "BearerAuth",
        "ClientCredentialsAuth",
        "HeaderAuth",
        "HmacAuth",
        "QueryAuth",
        "RefreshTokenAuth",
    ),
    "router.plugins.declarative.reading": ("read_destination",),
    "router.plugins.destination": ("Destination", "Requests"),
    "router.plugins.dropped": ("Dropped",),
    "router.plugins.enricher": ("Enricher",),
    "router.plugins.hookspecs": ("hookimpl",),
    "router.plugins.outcome": ("Outcome",),
    "router.plugins.policies": ("Batching", "Concurrency", "Rate", "Retry"),
    "router.plugins.request": ("Answer", "Request"),
    "router.plugins.settings": ("Duration", "Secret", "Settings", "Size"),
    "router.plugins.source": ("Accept", "SourcePlugin"),
    "router.plugins.transformation": ("Transformation",),
    "router.plugins.webhook": ("WebhookRequest", "WebhookSource"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'router' has no attribute {name!r}")
    value = getattr(import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
