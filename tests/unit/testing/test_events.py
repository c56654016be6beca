"""Events for tests are those that a destination gets, and the same call makes the same event."""

from datetime import UTC, datetime

from router.events.calls import AnyEvent, decode_event
from router.testing import alias, group, identify, one_of_each, page, screen, track


def test_an_event_has_sensible_defaults() -> None:
    event = track("Signed Up")

    assert (event.type, event.user_id, event.timestamp) == ("track", "u1", "2030-05-01T10:00:00.000Z")
    assert event.received_at == event.original_timestamp == event.timestamp


def test_the_same_call_makes_the_same_bytes_and_another_call_another_id() -> None:
    assert track("A", properties={"n": 1}).json == track("A", properties={"n": 1}).json
    assert track("A", properties={"n": 1}).message_id != track("A", properties={"n": 2}).message_id


def test_everything_can_be_given() -> None:
    at = datetime(2031, 1, 2, 3, 4, 5, tzinfo=UTC)

    event = identify(
        user_id="u9", message_id="m9", timestamp=at, context={"ip": "192.0.2.1"}, traits={"a": 1}
    )

    assert (event.user_id, event.message_id, event.timestamp) == ("u9", "m9", "2031-01-02T03:04:05.000Z")
    assert (event.context, event.traits) == ({"ip": "192.0.2.1"}, {"a": 1})


def test_an_event_may_have_no_user() -> None:
    assert track("A", user_id=None).user_id is None
    assert track("A", anonymous_id="a1").user_id is None


def test_there_is_one_of_each_type() -> None:
    made = [track("A"), identify(), page("Home"), screen("Inbox"), group("acme"), alias("a1")]

    assert (
        [type(event) for event in one_of_each()] == [type(event) for event in made] == list(AnyEvent.__args__)
    )


def test_the_json_of_an_event_is_what_the_router_would_keep() -> None:
    for event in one_of_each():
        assert decode_event(event.json).replace().json == event.json
