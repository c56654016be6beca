"""Destination functions of Segment fetch through the engine, and what they throw decides about their event."""

from typing import Any

import pytest

from router.javascript.function_destination import FunctionDestination
from router.javascript.function_settings import FunctionSettings
from router.plugins.outcome import Outcome
from router.plugins.settings import Secret
from router.testing import answer, exchange, identify, page, track

POST = """async function onTrack(event, settings) {
  const response = await fetch("https://crm.example.com/" + encodeURIComponent(event.event), {
    method: "POST", headers: { Authorization: "Basic " + btoa(settings.key + ":") }, body: JSON.stringify(event),
  });
  if (response.status >= 500 || response.status === 429) throw new RetryError("status " + response.status);
  if (response.status === 400) throw new ValidationError(await response.text());
  if (!response.ok) throw new Error("status " + response.status);
}"""


def function(code: str, **settings: Any) -> FunctionDestination:
    return FunctionDestination(FunctionSettings(code=code, **settings), name="crm")


def test_a_fetch_is_a_request_of_the_engine() -> None:
    event = track("Ä")

    done = exchange(function(POST, secrets={"key": Secret("s3cret")}), [event])

    (request,) = done.requests
    assert (request.method, request.url) == ("POST", "https://crm.example.com/%C3%84")
    assert request.headers["authorization"] == "Basic czNjcmV0Og=="
    assert request.body == event.json
    assert done.outcomes == [Outcome.delivered()]


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (204, Outcome.delivered()),
        (400, Outcome.rejected("MESSAGE_REJECTED")),
        (404, Outcome.rejected("BAD_REQUEST")),
        (503, Outcome.retry("RETRY")),
    ],
)
def test_what_a_function_throws_decides(status: int, outcome: Outcome) -> None:
    assert exchange(function(POST), [track("A")], answers=[status]).outcomes == [outcome]


@pytest.mark.parametrize(
    ("thrown", "outcome"),
    [
        ("new EventNotSupported('x')", Outcome.rejected("UNSUPPORTED_EVENT_TYPE")),
        ("new InvalidEventPayload('x')", Outcome.rejected("MESSAGE_REJECTED")),
        ("new RetryError('x')", Outcome.retry("RETRY")),
        ("'only words'", Outcome.rejected("BAD_REQUEST")),
        ("undefined", Outcome.rejected("BAD_REQUEST")),
    ],
)
def test_errors_have_the_codes_of_segment(thrown: str, outcome: Outcome) -> None:
    code = f"async function onTrack() {{ throw {thrown} }}"

    assert exchange(function(code), [track("A")]).outcomes == [outcome]


def test_a_service_that_wants_to_be_left_alone_is() -> None:
    done = exchange(function(POST), [track("A")], answers=[answer(429, headers={"Retry-After": "7"})])

    assert done.outcomes == [Outcome.retry("RETRY", 7.0)]


def test_a_function_that_never_ends_is_tried_again_and_the_others_are_sent() -> None:
    code = (
        "async function onTrack(event) { if (event.event === 'bad') for (;;); await fetch('https://a.b/') }"
    )

    done = exchange(function(code, time_limit=0.1), [track("bad"), track("B")])

    assert done.outcomes == [Outcome.retry("FUNCTION_TIMEOUT"), Outcome.delivered()]


def test_where_there_is_no_answer_the_event_is_tried_again_and_the_function_is_not_asked() -> None:
    code = "async function onTrack(event) { try { await fetch('https://a.example.com/') } catch { throw new Error() } }"

    done = exchange(function(code), [track("A")], answers=[ConnectionResetError()])

    assert done.outcomes == [Outcome.retry("ECONNRESET")]


def test_a_type_without_a_handler_never_reaches_the_function() -> None:
    done = exchange(function(POST), [page("Home"), track("A")])

    assert done.outcomes == [Outcome("filtered", "UNSUPPORTED_EVENT_TYPE"), Outcome.delivered()]


BATCH = """
async function onBatch(events) {
  await fetch("https://crm.example.com/", { method: "POST", body: JSON.stringify(events.map((event) => event.event)) });
  return RESULT;
}
"""


def test_a_batch_is_one_call_of_every_type() -> None:
    done = exchange(function(BATCH.replace("RESULT", "undefined")), [track("A"), track("B"), identify()])

    assert done.body() == ["A", "B", None]
    assert done.outcomes == [Outcome.delivered()] * 3


def test_protocols_24_a_batch_says_what_becomes_of_each_event() -> None:
    code = BATCH.replace("RESULT", "[{ status: 200 }, { status: 400, errormessage: 'no' }, { status: 500 }]")

    done = exchange(function(code), [track("A"), track("B"), track("C")])

    assert done.outcomes == [Outcome.delivered(), Outcome.rejected("400"), Outcome.retry("500")]


def test_a_batch_of_one_says_so_too() -> None:
    done = exchange(function(BATCH.replace("RESULT", "[{ status: 429 }]")), [track("A")])

    assert done.outcomes == [Outcome.retry("429")]


def test_results_that_are_not_one_for_each_event_are_no_results() -> None:
    done = exchange(function(BATCH.replace("RESULT", "[{ status: 200 }]")), [track("A"), track("B")])

    assert done.outcomes == [Outcome.rejected("BAD_REQUEST")] * 2
