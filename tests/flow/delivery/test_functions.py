"""Destination functions in JavaScript, delivered by the engine like any other destination."""

from typing import Any

from router.javascript.function_destination import FunctionDestination
from router.javascript.function_settings import FunctionSettings
from router.plugins.policies import Batching
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.rig import envelope, identify, rig

STEPS = """
async function onTrack(event, { url }) {
  const found = await fetch(url + "/find/" + event.event);
  const sent = await fetch(url + "/send", { method: "POST", body: await found.text() });
  if (sent.status >= 500) throw new RetryError("not now");
  if (!sent.ok) throw new ValidationError("refused");
}
"""
BATCH = """
async function onBatch(events, { url }) {
  for (const event of events) if (event.event === "E2") throw new ValidationError("bad");
  const sent = await fetch(url + "/batch", { method: "POST", body: events.map((event) => event.event).join() });
  const results = await sent.json();
  return events.map((event) => ({ status: results[event.event] ?? 200 }));
}
"""


def function(service: FakeHttp, code: str, **settings: Any) -> Any:
    known = FunctionSettings(code=code, settings={"url": service.url}, **settings)
    return lambda: FunctionDestination(known, name="crm")


async def test_answers_go_back_into_the_function(service: FakeHttp) -> None:
    service.rule = lambda request: Reply(body=b"contact 7") if request.path.startswith("/find") else None
    async with rig(function(service, STEPS)) as one:
        one.publish(envelope(0), identify(1, "u"))
        await one.finished(2)

        assert [(one.method, one.path, one.body) for one in service.requests] == [
            ("GET", "/find/E0", b""),
            ("POST", "/send", b"contact 7"),
        ]
        assert one.store.count("filtered", "UNSUPPORTED_EVENT_TYPE") == 1


async def test_protocols_25_a_retry_error_is_retried_for_four_hours_and_then_a_dead_letter(
    service: FakeHttp,
) -> None:
    service.rule = lambda request: Reply(status=500) if request.path == "/send" else None
    async with rig(function(service, STEPS)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=30)

        (letter,) = one.store.letters
        assert (letter.reason, one.store.count("dead", "RETRY")) == ("RETRY", 1)
        assert letter.answer == "RetryError: not now (line 5)"
        assert letter.died_at - letter.first_tried_at >= 4 * 3600 * 1000


async def test_protocols_24_of_a_batch_each_event_has_its_own_end(service: FakeHttp) -> None:
    service.script(Reply(body=b'{"E0":200,"E1":400,"E3":500}'))
    service.default = Reply(body=b"{}")
    async with rig(function(service, BATCH), batching=Batching(max_events=10)) as one:
        one.publish(envelope(0), envelope(1), envelope(3))
        await one.finished(3, step=1)

        assert [request.body for request in service.requests] == [b"E0,E1,E3", b"E3"]
        assert one.store.count("dead", "400") == 1


async def test_an_event_for_which_a_batch_is_refused_is_looked_for(service: FakeHttp) -> None:
    service.default = Reply(body=b"{}")
    async with rig(function(service, BATCH), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(5)])
        await one.finished(5, step=1)

        assert [letter.message_id for letter in one.store.letters] == ["m2"]
        assert sorted(b",".join(request.body for request in service.requests).split(b",")) == [
            b"E0", b"E1", b"E3", b"E4",
        ]  # fmt: skip


async def test_a_function_that_never_ends_holds_nobody_else_up(service: FakeHttp) -> None:
    code = STEPS.replace("const found", "if (event.event === 'E0') for (;;);\n const found")
    async with rig(function(service, code, time_limit=0.05)) as one:
        one.publish(*[envelope(number) for number in range(4)])
        await one.until(lambda: one.store.ended >= 3, step=30)

        assert "/find/E0" not in [request.path for request in service.requests]
