"""The settings that clients fetch before they send (browser-and-mobile 3). Public: no secret ever stands in it."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from router.events.source import Source

TAG_MANAGER_VERSION = "4.4.7"
"""The version of the Segment.io integration that analytics.js expects to read."""
_HOST = re.compile(r"[A-Za-z0-9._-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")


class Connected(Struct, frozen=True):
    """A destination that gets a source's events, as its clients may know it."""

    name: str
    """What events call it."""
    categories: frozenset[str] = frozenset()
    """The consent that it needs."""


def settings_json(
    source: Source, *, api_host: str, protocol: str, connected: Sequence[Connected] = ()
) -> bytes:
    """The settings of `source`. `api_host` is host, port and `/v1`.

    Of the destinations that are `connected`, clients are told those that need consent, or all if the source wants
    that; all are cloud mode. Where each of them needs consent, a client stops as a whole for a visitor who consents to
    nothing. There is no null in it: some mobile clients fail on one.
    """
    listed: dict[str, set[str]] = {}
    for one in connected:
        if one.categories or source.list_destinations:
            listed.setdefault(one.name, set()).update(one.categories)
    integrations: dict[str, Any] = {
        "Segment.io": {
            "apiKey": source.write_key,
            "apiHost": api_host,
            "protocol": protocol,
            "retryQueue": True,
            "addBundledMetadata": True,
            "unbundledIntegrations": list(listed),
            "maybeBundledConfigIds": {},
            "versionSettings": {"version": TAG_MANAGER_VERSION, "componentTypes": ["browser"]},
        }
    }
    for name, categories in listed.items():
        integrations[name] = {
            "bundlingStatus": "unbundled",
            "type": "server",
            "versionSettings": {"componentTypes": ["server"]},
        }
        if categories:
            integrations[name]["consentSettings"] = {"categories": sorted(categories)}
    return msgspec.json.encode(
        {
            "integrations": integrations,
            "plan": {
                "track": {"__default": {"enabled": True, "integrations": {}}},
                "identify": {"__default": {"enabled": True}},
                "group": {"__default": {"enabled": True}},
            },
            "edgeFunction": {},
            "middlewareSettings": {"routingRules": []},
            "enabledMiddleware": {},
            "remotePlugins": [],
            "metrics": {"sampleRate": 0, "host": api_host},
            "legacyVideoPluginsEnabled": False,
            "analyticsNextEnabled": True,
            "consentSettings": {
                "allCategories": sorted(set().union(*listed.values())),
                "hasUnmappedDestinations": any(not one.categories for one in connected),
            },
            "autoInstrumentationSettings": {"sampleRate": 0},
        }
    )


def public_host(
    public_url: str | None, headers: Mapping[str, str], *, is_proxied: bool, fallback: str
) -> tuple[str, str]:
    """How clients reach this router: (protocol, host with path). Never a constant, and never an inner name.

    The configured URL wins; else what a trusted proxy forwarded; else what the client wrote in `Host`. `fallback` is
    for clients that wrote none.
    """
    if public_url:
        protocol, _, host = public_url.rstrip("/").partition("://")
        return protocol, host
    protocol, host = "http", headers.get("Host", "")
    if is_proxied:
        forwarded = headers.get("X-Forwarded-Proto", "").split(",")[0].strip().lower()
        protocol = forwarded if forwarded in ("http", "https") else protocol
        host = headers.get("X-Forwarded-Host", "").split(",")[0].strip() or host
    return protocol, host if _HOST.fullmatch(host) else fallback
