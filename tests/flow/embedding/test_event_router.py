"""People who test their own product's events get a router in memory, whether or not their tests have a loop."""

import pytest
from segment.analytics import Client

from router import ConfigError
from router.testing import ThreadedRouter, assert_sent, assert_tracked


def test_events_of_an_sdk_can_be_asserted(event_router: ThreadedRouter) -> None:
    analytics = Client(event_router.write_key, host=event_router.url)
    analytics.track("u1", "Order Completed", {"total": 12.5})
    analytics.shutdown()

    assert_tracked(event_router.events(count=1), "Order Completed", user_id="u1", properties={"total": 12.5})


def test_embedded_calls_can_be_made_without_a_loop(event_router: ThreadedRouter) -> None:
    event_router.track("A", user_id="u1")
    event_router.identify(user_id="u1", traits={"plan": "pro"})
    event_router.page("Home", user_id="u1")
    event_router.screen("Inbox", user_id="u1")
    event_router.group("acme", user_id="u1")
    event_router.alias("a1", user_id="u1")

    events = event_router.events()

    assert [one["type"] for one in events] == ["track", "identify", "page", "screen", "group", "alias"]
    assert_sent(events, "identify", traits={"plan": "pro"})


async def test_it_works_beside_a_running_loop(event_router: ThreadedRouter) -> None:
    event_router.track("A", user_id="u1")

    assert_tracked(event_router.events(), "A", times=1)


def test_two_of_them_share_nothing() -> None:
    with ThreadedRouter() as one, ThreadedRouter() as other:
        one.track("A", user_id="u1")

        assert (len(one.events()), len(other.events())) == (1, 0)


def test_a_configuration_that_cannot_be_used_is_said_at_once() -> None:
    with pytest.raises(ConfigError, match="port"), ThreadedRouter({"server": {"port": -1}}):
        pass
