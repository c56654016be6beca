"""The settings that clients fetch before they send (browser-and-mobile 3). Public: no secret ever stands in it."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from router.events.source import Source

TAG_MANAGER_VERSION = "4.4.7"
"""The version of the Segment.io integration that analytics.js expects to read."""


def settings_json(source: Source, *, api_host: str, protocol: str, destinations: Sequence[str] = ()) -> bytes:
    """The settings of `source`. `api_host` is host, port and `/v1`; `destinations` are names to list as cloud mode.

    There is no null in it: some mobile clients fail on one.
    """
    integrations: dict[str, Any] = {
        "Segment.io": {
            "apiKey": source.write_key,
            "apiHost": api_host,
            "protocol": protocol,
            "retryQueue": True,
            "addBundledMetadata": True,
            "unbundledIntegrations": list(destinations),
            "maybeBundledConfigIds": {},
            "versionSettings": {"version": TAG_MANAGER_VERSION, "componentTypes": ["browser"]},
        }
    }
    for name in destinations:
        integrations[name] = {
            "bundlingStatus": "unbundled",
            "type": "server",
            "versionSettings": {"componentTypes": ["server"]},
        }
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
            "consentSettings": {"allCategories": [], "hasUnmappedDestinations": True},
            "autoInstrumentationSettings": {"sampleRate": 0},
        }
    )


def public_host(public_url: str | None, headers: Mapping[str, str], *, is_proxied: bool) -> tuple[str, str]:
    """How clients reach this router: (protocol, host with path). Never a constant, and never an inner name.

    The configured URL wins; else what a trusted proxy forwarded; else what the client wrote in `Host`.
    """
    if public_url:
        protocol, _, host = public_url.rstrip("/").partition("://")
        return protocol, host
    protocol, host = "http", headers.get("Host", "")
    if is_proxied:
        protocol = headers.get("X-Forwarded-Proto", protocol).split(",")[0].strip()
        host = headers.get("X-Forwarded-Host", host).split(",")[0].strip()
    return protocol, host
