"""An assertion about events says what was sent instead."""

import pytest

from router.testing import assert_sent, assert_tracked, identify, track

EVENTS = [
    track("Order Completed", user_id="u1", properties={"total": 12.5, "currency": "EUR"}),
    track("Order Started", user_id="u1"),
    identify(user_id="u1", traits={"plan": "pro"}),
]


def test_an_event_that_was_sent_is_returned() -> None:
    found = assert_tracked(EVENTS, "Order Completed", user_id="u1", properties={"total": 12.5})

    assert found["properties"] == {"total": 12.5, "currency": "EUR"}


def test_events_may_be_dictionaries() -> None:
    assert assert_sent([{"type": "identify", "userId": "u2"}], "identify", user_id="u2")["userId"] == "u2"


def test_a_failure_shows_the_nearest_events_and_what_differs() -> None:
    with pytest.raises(AssertionError) as caught:
        assert_tracked(EVENTS, "Order Completed", user_id="u2", properties={"total": 13, "coupon": "X"})

    assert str(caught.value).splitlines() == [
        '{"type": "track", "event": "Order Completed", "userId": "u2", "properties": {"total": 13, "coupon": "X"}} '
        "was not sent; 3 events were",
        '  {"type": "track", "event": "Order Completed", "userId": "u1"}',
        '    userId is "u1", not "u2"',
        "    properties.total is 12.5, not 13",
        '    properties.coupon is missing; "X" is wanted',
        '  {"type": "track", "event": "Order Started", "userId": "u1"}',
        '    event is "Order Started", not "Order Completed"',
        '    userId is "u1", not "u2"',
        "    properties.total is missing; 13 is wanted",
        '    properties.coupon is missing; "X" is wanted',
        '  {"type": "identify", "userId": "u1"}',
        '    type is "identify", not "track"',
        '    event is missing; "Order Completed" is wanted',
        '    userId is "u1", not "u2"',
        '    properties is missing; {"total": 13, "coupon": "X"} is wanted',
    ]


def test_nothing_sent_is_said() -> None:
    with pytest.raises(AssertionError, match="was not sent; 0 events were"):
        assert_tracked([], "A")


def test_how_often_may_be_said() -> None:
    twice = [track("A", message_id="1"), track("A", message_id="2")]

    assert_tracked(twice, "A", times=2)
    assert_tracked(twice, "B", times=0)
    with pytest.raises(AssertionError, match="was sent 2 times, not 1"):
        assert_tracked(twice, "A", times=1)


def test_none_means_absent() -> None:
    assert_tracked([track("A", user_id=None, anonymous_id="a1")], "A", user_id=None, anonymous_id="a1")
