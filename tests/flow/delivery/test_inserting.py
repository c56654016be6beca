"""Insert functions that use `fetch`: asked when a batch is sent, and only their destination waits."""

from collections.abc import Sequence
from typing import Any

import pytest

from router.delivery.terms import Terms
from router.events.calls import AnyEvent, Track
from router.javascript.function_settings import FunctionSettings
from router.javascript.function_transformation import FunctionTransformation
from router.plugins.destination import Destination
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching
from router.plugins.request import Request
from router.plugins.settings import Secret
from router.plugins.transformation import Asking, Transformation
from router.telemetry.happenings import DestinationPaused, DestinationResumed
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.asking import ASK, BATCH, Plans, asked, bodies, by_path, plans, terms
from tests.flow.delivery.rig import Hook, HookSettings, envelope, identify, rig


async def test_what_is_answered_goes_into_the_event_that_is_sent(service: FakeHttp) -> None:
    service.rule = by_path({"/ask/E0": Reply(body=b"pro")})
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

        assert bodies(service) == ["m0=pro,m1=free"]
        assert one.store.count("delivered") == 2


async def test_who_is_asked_sees_none_of_the_destinations_credentials(service: FakeHttp) -> None:
    secrets = {"token": Secret("insert-secret")}
    async with rig(plans(service), terms=terms(service, secrets=secrets)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        ask, hook = service.requests
        assert (ask.headers.get("authorization"), ask.headers["x-key"]) == (None, "insert-secret")
        assert hook.headers["authorization"] == "Bearer s3cr3t-token"


@pytest.mark.parametrize("size", [1, 10])
async def test_protocols_23_each_event_meets_its_own_end_and_the_sum_holds(
    service: FakeHttp, size: int
) -> None:
    service.rule = by_path(
        {"/ask/E1": Reply(status=404), "/ask/E2": Reply(status=410), "/ask/E3": Reply(status=400)}
    )
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=size)) as one:
        one.publish(*[envelope(number) for number in range(4)], identify(4, "u4"), envelope(5))
        await one.finished(6)

        assert ",".join(bodies(service)) == "m0=free,m5=free"
        counts = {key[2]: number for key, number in one.store.counts.items() if len(key) == 3}
        assert counts == {
            "FILTERED_AT_INSERT_FUNCTION": 1,
            "DROPPED_BY_FUNCTION": 1,
            "UNSUPPORTED_EVENT_TYPE": 1,
            "MESSAGE_REJECTED": 1,
        }
        (letter,) = one.store.letters
        assert (letter.message_id, letter.answer) == ("m3", "ValidationError: bad (line 5)")


async def test_protocols_25_a_retry_error_is_retried_until_it_is_given_up_while_neighbours_go_on(
    service: FakeHttp,
) -> None:
    service.rule = by_path({"/ask/E1": Reply(status=503)})
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(4)])
        await one.finished(4, step=30)

        assert bodies(service) == ["m0=free,m2=free,m3=free"]
        (letter,) = one.store.letters
        assert (letter.message_id, letter.reason) == ("m1", "RETRY")
        assert letter.died_at - letter.first_tried_at >= 4 * 3600 * 1000 * 0.9


async def test_where_nobody_answers_the_destination_pauses_and_says_why(service: FakeHttp) -> None:
    service.rule = by_path({"/ask/E1": [Reply(is_reset=True), Reply(is_reset=True)]})
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(3)])
        await one.finished(3, step=1)

        assert one.of(DestinationPaused)[0].reason == "insert function ECONNRESET"
        assert one.of(DestinationResumed)
        assert sorted(",".join(bodies(service)).split(",")) == ["m0=free", "m1=free", "m2=free"]
        assert asked(service).count("/ask/E0") == 1


async def test_what_was_answered_is_not_asked_again_when_the_destination_fails(service: FakeHttp) -> None:
    service.rule = by_path({"/hook": [Reply(status=503), Reply(status=503)]})
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(3)])
        await one.finished(3, step=1)

        assert sorted(asked(service)) == ["/ask/E0", "/ask/E1", "/ask/E2"]
        assert one.of(DestinationPaused)[0].reason == "503"


async def test_an_event_that_the_destination_refuses_is_found_without_asking_again(service: FakeHttp) -> None:
    service.rule = lambda request: (
        Reply(status=400) if request.path == "/hook" and b"m2=" in request.body else None
    )
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(5)])
        await one.finished(5)

        assert [letter.message_id for letter in one.store.letters] == ["m2"]
        assert len(asked(service)) == 5


async def test_a_finished_step_of_a_function_is_not_sent_again(service: FakeHttp) -> None:
    code = ASK.replace("const answer", "await fetch(url + '/first', { method: 'POST' });\n const answer")
    service.rule = by_path({"/ask/E0": [Reply(is_reset=True)]})
    async with rig(plans(service), terms=terms(service, code)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=1)

        assert [request.path for request in service.requests] == ["/first", "/ask/E0", "/ask/E0", "/hook"]


async def test_a_batch_is_asked_about_together_and_taken_apart_where_it_is_refused(service: FakeHttp) -> None:
    known = b'{"E0":"pro","E1":"none","E3":"free","E4":"free"}'
    service.rule = lambda request: Reply(body=known) if request.path == "/ask" else None
    async with rig(plans(service), terms=terms(service, BATCH), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(5)])
        await one.finished(5)

        assert sorted(",".join(bodies(service)).split(",")) == ["m0=pro", "m3=free", "m4=free"]
        assert [(letter.message_id, letter.reason) for letter in one.store.letters] == [
            ("m2", "MESSAGE_REJECTED")
        ]
        assert one.store.count("filtered", "FILTERED_AT_INSERT_FUNCTION") == 1
        assert sorted(",".join(bodies(service, "/ask")).split(",")) == ["E0", "E1", "E3", "E4"]


async def test_the_destination_that_delivers_by_itself_gets_what_the_function_made(service: FakeHttp) -> None:
    got: list[Any] = []

    class Own(Destination[HookSettings, AnyEvent]):
        kind = "own"

        async def deliver(self, events: Sequence[AnyEvent]) -> list[Outcome]:
            got.extend(event.fields["properties"] for event in events)
            return [
                Outcome.retry("busy") if event.message_id == "m1" and len(got) == 3 else Outcome.delivered()
                for event in events
            ]

    def make() -> Own:
        return Own(HookSettings(url=service.url), name="own")

    async with rig(make, terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(3)])
        await one.finished(3, step=1)

        assert [properties["plan"] for properties in got] == ["free"] * 4
        assert sorted(asked(service)) == ["/ask/E0", "/ask/E1", "/ask/E2"]


async def test_events_that_a_function_puts_into_other_groups_are_not_sent_together(service: FakeHttp) -> None:
    class Grouped(Plans):
        def group_by(self, event: AnyEvent) -> str:
            return str(event.properties.get("plan"))  # type: ignore[union-attr]

    service.rule = by_path({"/ask/E1": Reply(body=b"pro"), "/ask/E3": Reply(body=b"pro")})

    def make() -> Grouped:
        return Grouped(HookSettings(url=service.url + "/hook"), name="crm")

    async with rig(make, terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(envelope(0), envelope(1), envelope(2, "u"), envelope(3, "u"), envelope(4, "u"))
        await one.finished(5)

        assert bodies(service) == ["m0=free,m2=free", "m1=pro,m3=pro", "m4=free"]
        assert len(asked(service)) == 5


async def test_a_function_behind_one_that_asks_sees_what_that_made(service: FakeHttp) -> None:
    plain = (
        "function onTrack(event) { event.properties.plan += '!'; return event.event === 'E1' ? null : event }"
    )
    async with rig(plans(service), terms=terms(service, ASK, plain), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(3)])
        await one.finished(3)

        assert bodies(service) == ["m0=free!,m2=free!"]


async def test_a_parked_event_is_asked_about_again_and_may_be_dropped_then(service: FakeHttp) -> None:
    service.rule = by_path({"/ask/E1": [Reply(status=503), Reply(status=404)]})
    async with rig(plans(service), terms=terms(service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(3)])
        await one.finished(3, step=1)

        assert one.store.count("filtered", "FILTERED_AT_INSERT_FUNCTION") == 1
        assert (one.store.parked, one.store.count("delivered")) == ({}, 2)


async def test_a_function_that_never_ends_harms_its_event_only(service: FakeHttp) -> None:
    code = ASK.replace("const answer", "if (event.event === 'E0') for (;;);\n const answer")
    async with rig(
        plans(service), terms=terms(service, code, time_limit=0.05), batching=Batching(max_events=10)
    ) as one:
        one.publish(*[envelope(number) for number in range(4)])
        await one.until(lambda: one.store.ended >= 3, step=30)

        assert sorted(",".join(bodies(service)).split(",")) == ["m1=free", "m2=free", "m3=free"]


CHANGES = """
function onTrack(event) {
  if (event.event === "E1") BREAK;
  event.properties.plan = "x";
  return event;  // no fetch
}
"""
CHANGES_ALL = f"{CHANGES.replace('onTrack', 'one')}\nfunction onBatch(events) {{ return events.map(one) }}"


@pytest.mark.parametrize("code", [CHANGES, CHANGES_ALL])
@pytest.mark.parametrize(
    ("breach", "reason"),
    [
        ("event.messageId = 'm0'", "TRANSFORMATION_ERROR"),
        ("event.type = 'page'", "TRANSFORMATION_ERROR"),
        ("return 5", "BAD_REQUEST"),
        ("delete event.event", "BAD_REQUEST"),
        ("throw new Error('x')", "BAD_REQUEST"),
        ("nothing.here", "BAD_REQUEST"),
    ],
)
async def test_an_event_that_comes_back_as_none_dies_at_once_and_alone(
    service: FakeHttp, code: str, breach: str, reason: str
) -> None:
    changes = terms(service, code.replace("BREAK", breach))
    async with rig(plans(service), terms=changes, batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(number) for number in range(3)])
        await one.finished(3)

        assert sorted(",".join(bodies(service)).split(",")) == ["m0=x", "m2=x"]
        counts = {key[2]: number for key, number in one.store.counts.items() if len(key) == 3}
        assert counts == {reason: 1}


async def test_a_function_without_fetch_keeps_its_place_before_the_batch() -> None:
    plain = FunctionTransformation(
        FunctionSettings(code="function onTrack(event) { return event }"), name="a"
    )

    assert not plain.asks()


class Fickle(Transformation[HookSettings, Track]):
    """Asks about track calls, and keeps the contract only where it wants to."""

    kind = "fickle"
    is_insert_function = True

    def asks(self) -> bool:
        return True

    def asking(self, events: Sequence[Track]) -> Asking:
        yield Request.get(f"{self.settings.url}/ask/{events[0].event}", settles=events)
        return [Outcome.delivered() if events[0].event == "E1" else events[0]]


async def test_other_types_pass_a_function_and_one_that_says_nothing_is_asked_until_it_is_given_up(
    service: FakeHttp,
) -> None:
    fickle = Fickle(HookSettings(url=service.url), name="fickle")

    def make() -> Hook:
        return Hook(HookSettings(url=service.url + "/hook"), name="crm")

    async with rig(make, terms=Terms(asking=(fickle,)), batching=Batching(max_events=10)) as one:
        one.publish(envelope(0), envelope(1), identify(2, "u2"))
        await one.finished(3, step=60)

        assert bodies(service) == ['"m0,m2"']
        (letter,) = one.store.letters
        assert (letter.message_id, letter.reason) == ("m1", "PLUGIN_ERROR")
        assert "/ask/None" not in asked(service)


async def test_where_the_first_of_two_functions_has_no_answer_the_second_is_not_asked(
    service: FakeHttp,
) -> None:
    second = ASK.replace("/ask/", "/second/").replace('|| "free"', '+ "!"')
    service.rule = by_path({"/ask/E1": [Reply(is_reset=True)]})
    async with rig(plans(service), terms=terms(service, ASK, second), batching=Batching(max_events=2)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2, step=1)

        first_hook = next(index for index, one in enumerate(service.requests) if one.path == "/hook")
        paths = [request.path for request in service.requests]
        assert paths.index("/second/E0") > paths.index("/ask/E1")
        assert paths[:first_hook].count("/ask/E1") <= 2
        assert sorted(",".join(bodies(service)).split(",")) == ["m0=!", "m1=!"]
