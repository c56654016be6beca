"""What a destination would send, and what differs between two such lists, down to the place."""

from collections.abc import Sequence
from typing import Any

import msgspec

from router.delivery.difference import Change, Difference, compare
from router.delivery.preview import Shown, shown
from router.delivery.terms import Terms
from router.events.calls import AnyEvent, Identify, Track, decode_event
from router.events.envelope import Envelope
from router.javascript.function_settings import FunctionSettings
from router.javascript.function_transformation import FunctionTransformation
from router.plugins.destination import Destination, Requests
from router.plugins.policies import Batching
from router.plugins.request import Request
from router.plugins.settings import Settings


def track(position: int, source: str = "website") -> Envelope:
    event = Track(event="E", message_id=f"m{position}", user_id="u", received_at="r", timestamp="t")
    return Envelope(position, source, decode_event(event.json), 1)


class _Url(Settings, frozen=True):
    """Where to."""

    url: str = "http://a"


class _Plain(Destination[_Url, Track]):
    """One request for a batch."""

    kind = "plain"
    batching = Batching(max_events=2)

    def requests(self, events: Sequence[Track]) -> Requests | Sequence[Request]:
        return [Request.post(self.settings.url, json={"ids": [one.message_id for one in events]})]


class _Asking(_Plain):
    """Looks something up, then writes."""

    def requests(self, events: Sequence[Track]) -> Requests:
        answer = yield Request.get(f"{self.settings.url}/token")
        yield Request.post(self.settings.url, json=answer.json()["token"])
        return None


class _Broken(_Plain):
    """Raises."""

    def requests(self, events: Sequence[Track]) -> Requests | Sequence[Request]:
        raise KeyError("plan")


class _Delivering(Destination[_Url, AnyEvent]):
    """Speaks no HTTP."""

    kind = "delivering"


def of(
    cls: type[Destination[Any, Any]], *envelopes: Envelope, sources: frozenset[str] | None = None
) -> list[Shown]:
    return shown(cls(_Url(), name="crm"), Terms(sources=sources), envelopes)


def changed(old: Any, new: Any, **fields: Any) -> tuple[Difference, ...]:
    """The differences between two requests with these bodies."""
    one, other = (
        Shown(("m1", 0), 1, "POST", "http://a", body=msgspec.json.encode(body)) for body in (old, new)
    )
    other = msgspec.structs.replace(other, **fields)
    [change] = compare([one], [other], hide=lambda text: text.replace("s3cr3t", "***"))
    return change.differences


def test_events_are_shown_in_batches() -> None:
    found = of(_Plain, track(1), track(2), track(3))

    assert [(one.key, one.events) for one in found] == [(("m1", 0), 2), (("m3", 0), 1)]


def test_events_that_the_destination_does_not_take_are_left_out() -> None:
    identify = Identify(message_id="m2", user_id="u", received_at="r", timestamp="t")
    envelopes = (track(1), Envelope(2, "website", decode_event(identify.json), 1), track(3, source="app"))

    found = of(_Plain, *envelopes, sources=frozenset({"website"}))

    assert [(one.key, one.events) for one in found] == [(("m1", 0), 1)]


def test_a_request_whose_answer_matters_is_marked_and_the_next_is_not_shown() -> None:
    [found] = of(_Asking, track(1))

    assert (found.method, found.url, found.is_first_of_more) == ("GET", "http://a/token", True)


def test_a_plugin_that_raises_is_shown_as_failing() -> None:
    [found] = of(_Broken, track(1))

    assert (found.method, found.body) == ("fails", b"KeyError: 'plan'")


def test_a_destination_that_speaks_no_http_is_shown_its_events() -> None:
    [found] = of(_Delivering, track(1))

    assert (found.method, found.body) == ("deliver", track(1).event.json)


def test_no_event_gives_no_request() -> None:
    assert of(_Plain) == []


def test_the_same_requests_have_no_difference() -> None:
    assert compare(of(_Plain, track(1)), of(_Plain, track(1)), hide=str) == []


def test_requests_are_added_and_removed() -> None:
    found = compare(of(_Plain, track(1)), of(_Plain, track(2)), hide=str)

    assert [(one.what, one.first_message_id) for one in found] == [("removed", "m1"), ("added", "m2")]
    assert isinstance(found[0], Change)


def test_a_changed_value_is_shown_with_its_path() -> None:
    assert changed({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}) == (Difference("body.a.b[1]", "2", "3"),)


def test_added_and_removed_members_have_one_side() -> None:
    assert changed({"a": 1}, {"b": None}) == (Difference("body.a", "1", ""), Difference("body.b", "", "null"))


def test_a_longer_list_shows_what_is_added() -> None:
    assert changed([1], [1, {"x": 2}]) == (Difference("body[1]", "", '{"x": 2}'),)


def test_a_number_and_a_truth_are_different() -> None:
    assert changed({"a": 1}, {"a": True}) == (Difference("body.a", "1", "true"),)


def test_bodies_that_are_no_json_are_compared_as_text() -> None:
    assert changed({}, {}, body=b"\xff") == (Difference("body", "{}", "\ufffd"),)


def test_json_written_in_another_way_is_said_to_be_the_same() -> None:
    assert changed({"a": 1}, {}, body=b'{ "a": 1 }') == (
        Difference("body", "the same JSON", "written in another way"),
    )


def test_method_url_and_headers_are_compared() -> None:
    found = changed({}, {}, method="PUT", url="http://b", headers=(("X-A", "1"),))

    assert found == (
        Difference("method", "POST", "PUT"),
        Difference("url", "http://a", "http://b"),
        Difference("headers.X-A", "", "1"),
    )


def test_secrets_are_hidden_wherever_they_stand() -> None:
    found = changed(
        {"a": "s3cr3t"}, {"a": "x"}, url="http://s3cr3t", headers=(("Authorization", "Basic eA=="),)
    )

    assert "s3cr3t" not in repr(found)
    assert "eA==" not in repr(found)


def test_a_long_value_is_cut() -> None:
    [found] = changed({"a": "x" * 5000}, {"a": ""})

    assert len(found.old) < 300


def test_open_json_of_any_depth_is_compared() -> None:
    deep: Any = 1
    other: Any = 2
    for _ in range(200):
        deep, other = {"d": deep}, {"d": other}

    [found] = changed(deep, other)

    assert (found.old, found.new) == ("1", "2")


ASK = """
async function onTrack(event, { url }) {
  if (event.messageId === "m3") return null;
  if (event.messageId === "m2") await fetch("https://ask.example.com/" + event.userId);
  event.properties = { plan: "pro" };
  return event;
}
"""


def inserted(cls: type[Destination[Any, Any]], code: str, *envelopes: Envelope) -> list[Shown]:
    function = FunctionTransformation(FunctionSettings(code=code), name="ask")
    return shown(cls(_Url(), name="crm"), Terms(asking=(function,)), envelopes)


def test_of_an_event_about_which_an_insert_function_asks_the_question_is_shown() -> None:
    found = inserted(_Plain, ASK, track(1), track(2))

    assert [(one.url, one.events, one.is_first_of_more) for one in found] == [
        ("https://ask.example.com/u", 1, True),
        ("http://a", 1, False),
    ]
    assert found[1].body == b'{"ids":["m1"]}'
    assert [one.key for one in found] == [("m1", 0), ("m1", 1)]


def test_an_event_that_an_insert_function_drops_without_asking_is_not_shown() -> None:
    assert inserted(_Plain, ASK, track(3)) == []


def test_what_is_delivered_without_http_is_shown_as_the_insert_function_leaves_it() -> None:
    [found] = inserted(_Delivering, ASK, track(1))

    assert (found.method, msgspec.json.decode(found.body)["properties"]) == ("deliver", {"plan": "pro"})


def test_an_insert_function_that_breaks_is_shown_as_failing() -> None:
    [found] = inserted(
        _Plain, "function onBatch() { throw 1 /* fetch */ }", *[track(number) for number in (1, 2)]
    )

    assert (found.method, found.body) == ("fails", b"Rejected: function 'ask': Error: 1")
