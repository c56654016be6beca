"""What the router's owner may ask it, over the admin door or from the program that embeds it."""

from typing import TYPE_CHECKING

from router.admin.dead import answer_dead
from router.admin.history import answer_history
from router.admin.last import answer_last
from router.admin.overview import answer_overview
from router.admin.privacy import answer_privacy
from router.admin.profile_changes import answer_changes
from router.admin.profile_search import answer_search
from router.admin.profiles import answer_profiles
from router.admin.reload import RELOAD
from router.admin.replays import answer_replays
from router.admin.schema import answer_schema
from router.admin.verbs import Desk
from router.admin.where import answer_where
from router.ingestion.webhook_rows import lane_of

if TYPE_CHECKING:
    from router.app import Router


def desk_of(router: "Router") -> Desk:
    """A desk that answers every question about `router`, which runs."""
    desk, storage = Desk(), router.storage
    answer_overview(
        desk,
        storage,
        url=lambda: router.url,
        counters=router.counters,
        sources=lambda: {
            **router.plugin_sources.troubles,
            **router.webhooks.troubles,
            **router.diversions.troubles,
        },
    )
    answer_last(desk, storage)
    answer_schema(desk, router.inventory.rows, router.inventory.findings.rows)
    answer_history(desk, storage, now=router.clock.now)
    answer_privacy(desk, router.privacy)
    desk.on(RELOAD, lambda _: router.reloads.reread())
    answer_replays(desk, router.replays, storage, hide=lambda name, text: router.config.hidden(name, text))
    answer_dead(
        desk,
        storage,
        now=router.clock.now,
        destinations=lambda: router.destinations,
        accept=router.accept,
        lanes=lambda: {
            **{lane_of(name): hook for name, hook in router.webhooks.items()},
            **router.diversions,
        },
    )
    answer_where(
        desk,
        storage,
        statuses=lambda: {name: actor.status for name, actor in router.destinations.items()},
    )
    answer_profiles(desk, storage, router.profiles, rules=lambda: router.computed.rules)
    answer_search(desk, storage)
    answer_changes(desk, router.profile_log)
    return desk
