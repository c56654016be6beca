"""Counts events that name a destination which nobody knows, once each whatever destinations there are."""

from collections import Counter
from collections.abc import Sequence

from router.events.calls import EMPTY_OBJECT
from router.events.step import Prepared
from router.rules.integrations import UnknownIntegrations

UNKNOWN_INTEGRATION = "UNKNOWN_INTEGRATION"
"""The reason code; such an event goes where it goes all the same."""


def count_unknown(events: Sequence[Prepared], unknown: UnknownIntegrations) -> Counter[tuple[str, ...]]:
    """The counters of a step; nothing where every event names only destinations that are known."""
    saying = [one for one in events if one.event.integrations_json != EMPTY_OBJECT]
    return Counter(
        ("filtered_at_destination", one.source, UNKNOWN_INTEGRATION)
        for one in saying
        if unknown.are_in(one.event)
    )
