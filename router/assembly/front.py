"""How the doors are joined to a router: what they may ask, and whom they hand calls to."""

import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from router.api.browser import AnalyticsJs
from router.api.doors import Doors, Surroundings
from router.api.health import Health
from router.api.profiles.door import ProfileDoor
from router.api.proxies import Proxies
from router.api.rate_limit import RateLimit
from router.api.settings import Connected
from router.api.tracking import TrackingDoor
from router.api.webhooks import WebhookDoor
from router.assembly.webhooks import taking
from router.events.source import Source

if TYPE_CHECKING:
    from router.app import Router

INSTALLED_ANALYTICS_JS = Path(sys.prefix) / "share" / "pointsman" / "analytics-js"
"""Where `make install` puts the build of analytics.js."""


def doors(router: "Router") -> Doors:
    """The doors of `router`, closed."""
    server = router.config.server
    around = _surroundings(router, Proxies(server.trusted_proxies))
    rate_limit = RateLimit(router.clock.monotonic)
    tracking = TrackingDoor(
        sources=around.sources,
        accept=router.ingestion.accept,
        count=router.ingestion.count,
        limits=around.limits,
        proxies=around.proxies,
        rate_limit=rate_limit,
        signals=router.signals,
        is_strict=server.strict_write_keys,
        foreign=lambda key: foreign_source(router, key),
    )
    hooks = WebhookDoor(
        sources=webhooks_by_key(router),
        keep=router.webhooks.keep,
        count=router.ingestion.count,
        rate_limit=rate_limit,
        signals=router.signals,
        is_strict=server.strict_write_keys,
        foreign=lambda key: foreign_source(router, key),
    )
    profiles = ProfileDoor(
        router.storage,
        take_away=partial(router.profiles.take_away, by="profile_api"),
        computed=lambda: router.computed.rules,
        now=router.clock.now,
        monotonic=router.clock.monotonic,
        spaces=around.spaces,
        prefix=around.prefix,
    )
    return Doors(tracking, hooks, profiles, around, request_seconds=server.request_timeout)


def refit(router: "Router") -> None:
    """Have the open doors, if there are any, go by the configuration that the router has now."""
    if not router.has_doors:
        return
    server = router.config.server
    around = _surroundings(router, Proxies(server.trusted_proxies))
    router.doors.tracking.follow(
        sources=around.sources,
        limits=around.limits,
        proxies=around.proxies,
        is_strict=server.strict_write_keys,
    )
    router.doors.webhooks.follow(sources=webhooks_by_key(router), is_strict=server.strict_write_keys)
    router.doors.follow(around, request_seconds=server.request_timeout)


def _surroundings(router: "Router", proxies: Proxies) -> Surroundings:
    server = router.config.server
    folder = Path(server.analytics_js) if server.analytics_js else INSTALLED_ANALYTICS_JS
    return Surroundings(
        sources=sources_by_key(router),
        connected=lambda source: connected(router, source),
        limits=router.limits,
        public_url=server.public_url,
        proxies=proxies,
        analytics_js=AnalyticsJs(folder),
        health=lambda: health(router),
        ready=lambda: ready(router),
        metrics=lambda: metrics(router),
        spaces=router.config.spaces,
        prefix=router.mounted_at or "",
    )


def connected(router: "Router", source: Source) -> list[Connected]:
    """The destinations that get the events of `source`."""
    live = [one for one in router.config.destinations.values() if one.retire is None]
    return [
        Connected(one.addressee.names[0], one.categories)
        for one in live
        if one.sources is None or source.name in one.sources
    ]


def sources_by_key(router: "Router") -> dict[str, Source]:
    """The sources that clients can reach: those whose data may be here."""
    return {
        source.write_key: source
        for source in router.sources.values()
        if source.write_key and not _is_foreign(router, source)
    }


def webhooks_by_key(router: "Router") -> dict[str, Source]:
    """Those of them that take a vendor's requests."""
    hooked = taking(router.config)
    return {key: source for key, source in sources_by_key(router).items() if source.name in hooked}


def foreign_source(router: "Router", key: str) -> str:
    """Name of the source of another region that has this write key; empty when there is none."""
    found = (one.name for one in router.sources.values() if one.write_key == key and _is_foreign(router, one))
    return next(found, "")


def _is_foreign(router: "Router", source: Source) -> bool:
    return source.region not in (None, router.config.server.region)


async def health(router: "Router") -> Health:
    """Whether anything is wrong that an operator should know."""
    facts = await router.storage.facts()
    troubles = []
    if not facts.is_writable:
        troubles.append(f"the store cannot be written: {facts.trouble}")
    if router.failure is not None:
        troubles.append(str(router.failure))
    troubles += router.audit.troubles
    statuses = {name: actor.status for name, actor in router.destinations.items()}
    paused = {name: status.reason for name, status in statuses.items() if status.is_paused}
    return Health(
        tuple(troubles),
        {
            "accepted": facts.inbox_next,
            "processed": facts.inbox_cursor,
            "stream": facts.stream_next,
            "paused": paused,
            "sources": {
                **router.plugin_sources.troubles,
                **router.webhooks.briefs,
                **router.diversions.briefs,
            },
            "replays": {name: str(standing) for name, standing in router.replays.standings().items()},
            "warnings": facts.warnings,
        },
    )


async def ready(router: "Router") -> Health:
    """Whether calls are accepted and what was accepted moves on: progress, not mere existence."""
    found = await health(router)
    stuck = router.progress.trouble
    return Health((*found.troubles, stuck), found.facts) if stuck else found


async def metrics(router: "Router") -> bytes:
    """The text of `/metrics`."""
    storage = router.storage
    return router.metrics.text(await storage.facts(), await router.counters(), await storage.books())
