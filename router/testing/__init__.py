"""For people who test what they build on the router. Nothing here uses a network beyond 127.0.0.1, nor sleeps.

| for | there is |
|---|---|
| events as a destination gets them | `track`, `identify`, `page`, `screen`, `group`, `alias`, `one_of_each` |
| what a destination sends, and what follows | `exchange(Chat, [track("A")], answers=[400])`, `configured`, `answer` |
| the same, kept in a file beside the test | the fixture `recorded`, and `pytest --record` |
| what a source hands over | `take(Poll, cursor=7)`; also with `configured` |
| what a webhook source makes of a request | `receive(Shop, webhook_request({"id": 7}), answers=[…])` |
| a whole router in this process | `running`, in `router.testing.running`; or the fixture `event_router` |
| what an enricher adds | `enriched(Weather, track("A", context={…}))`, `enricher(Weather, city="…")` |
| whether an event was sent | `assert_tracked(events, "Order Completed", user_id="u1")`, `assert_sent` |
| a service that misbehaves as told | `FakeHttp`, `Reply`, `rate_limited`, `flaky`, `TokenEndpoint`, `first_of` |
| time that obeys | `ManualClock` |
| what every destination promises | the conformance suite: pytest runs it unasked; `broken_promises(Chat)` |

Names are loaded when they are first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from router.testing.assertions import assert_sent, assert_tracked
    from router.testing.clock import ManualClock
    from router.testing.collect import Shelf, collect_plugin
    from router.testing.conformance.suite import broken_promises
    from router.testing.enriching import enriched, enricher
    from router.testing.events import alias, group, identify, one_of_each, page, screen, track
    from router.testing.exchanging import Exchange, answer, exchange
    from router.testing.fake_http import FakeHttp, Received, Reply
    from router.testing.faults import TokenEndpoint, first_of, flaky, rate_limited
    from router.testing.receiving import Made, receive, webhook_request
    from router.testing.sample import configured
    from router.testing.taking import Taken, take
    from router.testing.threaded import ThreadedRouter

_HOMES = {
    "router.testing.assertions": ("assert_sent", "assert_tracked"),
    "router.testing.faults": ("TokenEndpoint", "first_of", "flaky", "rate_limited"),
    "router.testing.threaded": ("ThreadedRouter",),
    "router.testing.clock": ("ManualClock",),
    "router.testing.collect": ("Shelf", "collect_plugin"),
    "router.testing.conformance.suite": ("broken_promises",),
    "router.testing.enriching": ("enriched", "enricher"),
    "router.testing.events": ("alias", "group", "identify", "one_of_each", "page", "screen", "track"),
    "router.testing.exchanging": ("Exchange", "answer", "exchange"),
    "router.testing.fake_http": ("FakeHttp", "Received", "Reply"),
    "router.testing.receiving": ("Made", "receive", "webhook_request"),
    "router.testing.sample": ("configured",),
    "router.testing.taking": ("Taken", "take"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "Exchange",
    "FakeHttp",
    "Made",
    "ManualClock",
    "Received",
    "Reply",
    "Shelf",
    "Taken",
    "ThreadedRouter",
    "TokenEndpoint",
    "alias",
    "answer",
    "assert_sent",
    "assert_tracked",
    "broken_promises",
    "collect_plugin",
    "configured",
    "enriched",
    "enricher",
    "exchange",
    "first_of",
    "flaky",
    "group",
    "identify",
    "one_of_each",
    "page",
    "rate_limited",
    "receive",
    "screen",
    "take",
    "track",
    "webhook_request",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'router.testing' has no attribute {name!r}")
    return getattr(import_module(_HOME_OF[name]), name)


def __dir__() -> list[str]:
    return sorted(__all__)
