"""Segment's source functions as they are: what they say, what they throw, and when they are tried again."""

import asyncio
from typing import Any

import pytest

from router.ingestion.webhook_actor import wait_after
from router.telemetry.happenings import MembersRefused
from router.telemetry.side_happenings import WebhookFailed
from router.testing.clock import ManualClock
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.webhooks.rig import KEY, function, hooked

EVERYTHING = """
async function onRequest(request, settings) {
  Segment.identify({ userId: "u1", traits: { name: settings.name } });
  Segment.track({ event: "E", anonymousId: "a1", properties: { a: 1 }, context: { locale: "de" } });
  Segment.group({ groupId: "g1", userId: "u1", traits: { name: "G" } });
  Segment.page({ name: "P", userId: "u1" });
  Segment.screen({ name: "S", userId: "u1", timestamp: "2020-01-01T00:00:00Z", messageId: "mine" });
  Segment.alias({ previousId: "a1", userId: "u1" });
}
"""
SETS = """
async function onRequest() {
  Segment.set({ collection: "products", id: "1", properties: { name: "Shoe" } });
  Segment.group({ groupId: "g1" });
  Segment.track({ event: "E", userId: "u1" });
}
"""


async def test_a_function_emits_every_type_of_call() -> None:
    async with hooked(function(EVERYTHING, settings={"name": "Jane"})) as one:
        await one.post({})
        events = await one.events(6)

        assert [event["type"] for event in events] == [
            "identify", "track", "group", "page", "screen", "alias",
        ]  # fmt: skip
        assert events[0]["traits"] == {"name": "Jane"}
        assert (events[1]["anonymousId"], events[1]["context"]) == ("a1", {"locale": "de"})
        assert (events[4]["messageId"], events[4]["timestamp"]) == ("mine", "2020-01-01T00:00:00.000Z")
        assert len({event["messageId"] for event in events}) == 6
        assert await one.counts() == {
            ("side_put", "source shop"): 1,
            ("side_done", "source shop"): 1,
            ("successfully_received", "shop"): 6,
            ("accepted", "collect"): 6,
            ("delivered", "collect"): 6,
        }


async def test_what_cannot_be_taken_is_refused_alone_and_shown() -> None:
    async with hooked(function(SETS)) as one:
        await one.post({})

        assert [event["event"] for event in await one.events(1)] == ["E"]
        refused = await one.hears(MembersRefused)
        assert [index for index, _ in refused.refused] == [0, 1]
        assert b"Shoe" in refused.members[0]
        await one.emptied()
        failed = {
            name: amount for name, amount in (await one.counts()).items() if name[0] == "failed_on_ingest"
        }
        assert sum(failed.values()) == 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("throw new Error('no')", "BAD_REQUEST"),
        ("null.x", "BAD_REQUEST"),
        ("throw 7", "BAD_REQUEST"),
        ("throw new EventNotSupported('no')", "UNSUPPORTED_EVENT_TYPE"),
        ("throw new ValidationError('no')", "MESSAGE_REJECTED"),
        ("throw new InvalidEventPayload('no')", "MESSAGE_REJECTED"),
        ("Segment.track({ userId: 'u1' })", "MESSAGE_REJECTED"),
        ("await new Promise(() => {})", "BAD_REQUEST"),
    ],
)
async def test_an_error_ends_a_request_with_its_name_and_takes_none_of_its_calls(
    code: str, reason: str
) -> None:
    throws = f"""
    async function onRequest(request) {{
      if (request.json().ok) return Segment.track({{ event: "Fine", userId: "u1" }});
      console.log("seen", 1);
      Segment.track({{ event: "Never", userId: "u1" }});
      {code};
    }}"""
    async with hooked(function(throws)) as one:
        await one.post({"id": 7})
        failed = await one.hears(WebhookFailed)
        await one.emptied()

        [letter] = await one.rig.router.storage.dead_letters("source shop", 5)
        assert (letter.reason, letter.attempts, letter.event) == (reason, 1, b'{"id":7}')
        assert letter.answer.endswith("seen 1")
        assert (failed.reason, failed.is_over) == (reason, True)

        await one.post({"ok": True})
        assert [event["event"] for event in await one.events(1)] == ["Fine"]


@pytest.mark.parametrize(
    ("code", "reasons"),
    [
        ("throw new RetryError('later')", {"RETRY"}),
        ("while (true);", {"FUNCTION_TIMEOUT", "FUNCTIONS_LOCK_OUT"}),
    ],
)
async def test_what_may_do_better_later_is_tried_six_times(code: str, reasons: set[str]) -> None:
    clock = ManualClock()
    fails = f"async function onRequest() {{ {code} }}"
    async with hooked(function(fails, time_limit="20ms"), clock=clock) as one:
        await one.post({})
        waits = []
        for number in range(1, 6):
            failed = await one.hears(WebhookFailed, number)
            assert failed.reason in reasons
            assert (failed.attempts, failed.is_over) == (number, False)
            waits.append(failed.seconds)
            await clock.wait_for_sleeper(longer_than=30)
            clock.advance(failed.seconds + 1)
        last = await one.hears(WebhookFailed, 6)
        await one.emptied()

        assert (last.attempts, last.is_over) == (6, True)
        assert 60 <= waits[0] <= 180
        assert all(60 <= wait <= 1200 for wait in waits)
        [letter] = await one.rig.router.storage.dead_letters("source shop", 5)
        assert letter.attempts == 6


def test_waits_grow_and_stay_within_twenty_minutes() -> None:
    waits = [[wait_after(tries) for _ in range(200)] for tries in range(1, 7)]

    assert all(60 <= one <= 180 for one in waits[0])
    assert all(120 <= one <= 360 for one in waits[1])
    assert all(600 <= one <= 1200 for one in waits[5])
    assert wait_after(1, 900.0) == 900.0
    assert wait_after(1, 10_000.0) == 1200.0


async def test_a_request_that_fails_holds_back_no_other() -> None:
    code = """
    async function onRequest(request) {
      const { n } = request.json();
      if (n === 0) throw new RetryError("later");
      Segment.track({ event: `E${n}`, userId: "u1" });
    }"""
    async with hooked(function(code), clock=ManualClock()) as one:
        for number in range(4):
            await one.post({"n": number})

        events = await one.events(3)
        assert sorted(event["event"] for event in events) == ["E1", "E2", "E3"]
        assert await one.waiting() == {"source shop": 1}
        assert "RETRY" in one.rig.router.webhooks.troubles.get("shop", "RETRY")


ASKS = """
async function onRequest(request, settings) {
  const { n } = request.json();
  Segment.track({ event: `before ${n}`, userId: "u1" });
  const response = await fetch(settings.url + n, { method: "POST", body: "x", headers: { "X-Key": settings.key } });
  const found = await response.json();
  Segment.track({ event: `after ${n}`, userId: "u1", properties: { status: response.status, found } });
}
"""


async def test_what_a_function_fetches_is_sent_and_its_answer_goes_back_in() -> None:
    async with FakeHttp() as service:
        service.default = Reply(status=500, body=b'{"name":"Jane"}')
        settings = {"settings": {"url": service.url + "/"}, "secrets": {"key": "k-secret"}}
        async with hooked(function(ASKS, **settings)) as one:
            await one.post({"n": 1})

            events = await one.events(2)
            assert [event["event"] for event in events] == ["before 1", "after 1"]
            assert events[1]["properties"] == {"status": 500, "found": {"name": "Jane"}}
            assert service.requests[0].headers["x-key"] == "k-secret"


async def test_requests_that_are_worked_on_side_by_side_do_not_mix_their_calls() -> None:
    async with FakeHttp() as service:
        service.default = Reply(body=b"{}")
        settings = {"settings": {"url": service.url + "/"}}
        async with hooked(function(ASKS, **settings)) as one:
            await asyncio.gather(*(one.post({"n": number}) for number in range(20)))

            names = [event["event"] for event in await one.events(40)]
            assert sorted(names) == sorted([f"{word} {n}" for n in range(20) for word in ("before", "after")])
            for n in range(20):
                assert names.index(f"before {n}") + 1 == names.index(f"after {n}")


async def test_a_service_that_cannot_be_reached_is_a_reason_to_try_again() -> None:
    async with FakeHttp() as service:
        nowhere = service.url
    settings = {"settings": {"url": nowhere + "/"}}
    async with hooked(function(ASKS, **settings)) as one:
        await one.post({"n": 1})
        failed = await one.hears(WebhookFailed)

        assert (failed.reason, failed.is_over) == ("ECONNREFUSED", False)
        assert await one.waiting() == {"source shop": 1}


async def test_a_run_that_takes_too_long_is_tried_again() -> None:
    clock = ManualClock()
    async with FakeHttp() as service:
        service.default = Reply(is_held=True)
        settings: dict[str, Any] = {"settings": {"url": service.url + "/"}}
        async with hooked(function(ASKS, **settings), clock=clock) as one:
            await one.post({"n": 1})
            await service.wait(1)
            clock.advance(6)
            failed = await one.hears(WebhookFailed)

            assert (failed.reason, failed.is_over) == ("FUNCTION_TIMEOUT", False)
            assert "5 s" in failed.error


async def test_a_secret_is_shown_nowhere() -> None:
    throws = "async function onRequest(request, settings) { throw new Error('key ' + settings.token) }"
    async with hooked(function(throws, secrets={"token": "t0ken-abc"})) as one:
        path = f"/v1/functions/{KEY}?shop=7&token=query-secret&bare-secret"
        await one.post({}, path, headers={"Authorization": "Bearer vendor-secret"})
        failed = await one.hears(WebhookFailed)
        await one.emptied()

        [letter] = await one.rig.router.storage.dead_letters("source shop", 5)
        shown = f"{failed} {letter.answer} {letter.request} {one.rig.router.webhooks.troubles}"
        assert "t0ken-abc" not in shown
        for secret in ("vendor-secret", "query-secret", "bare-secret"):
            assert secret not in shown
        assert letter.request.startswith("POST /v1/functions/***?shop=***&token=***&***\n")
