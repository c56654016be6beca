"""A destination over real HTTP: answers, failures, pauses and their consequences."""

import asyncio

import pytest

from router.plugins.policies import Batching, Retry
from router.plugins.settings import Duration
from router.telemetry.happenings import BatchFailed, DestinationPaused, DestinationResumed, EventsDied
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.rig import Hook, HookSettings, envelope, rig
from tests.flow.delivery.talk import hook, ids, refuse, sent


async def test_an_event_is_delivered_and_the_cursor_moves(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

        assert (sent(service), one.store.cursor.floor) == ([["m0"], ["m1"]], 2)


async def test_a_batch_holds_what_waits_up_to_its_size(service: FakeHttp) -> None:
    async with rig(hook(service), batching=Batching(max_events=3)) as one:
        one.publish(*[envelope(n) for n in range(5)])
        await one.finished(5)

        assert sent(service) == [["m0", "m1", "m2"], ["m3", "m4"]]


async def test_one_connection_serves_one_request_after_the_other(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        one.publish(*[envelope(n) for n in range(4)])
        await one.finished(4)

        assert {request.connection for request in service.requests} == {0}


async def test_a_lone_batch_waits_for_more_no_longer_than_max_wait(service: FakeHttp) -> None:
    async with rig(hook(service), batching=Batching(max_events=3, max_wait=Duration(1))) as one:
        one.publish(envelope(0))
        assert await one.clock.wait_for_sleeper() == 1
        one.publish(envelope(1))
        one.clock.advance(1)
        await one.finished(2)

        assert sent(service) == [["m0", "m1"]]


async def test_operations_1_two_500_then_200_is_one_success_after_three_attempts(service: FakeHttp) -> None:
    service.script(500, 500, 200)
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=0.5)

        assert (one.store.attempts(0), one.store.count("delivered"), one.actor.status.pending) == (3, 1, 0)


async def test_operations_2_always_503_is_tried_with_growing_gaps_and_then_dies(service: FakeHttp) -> None:
    service.default = Reply(status=503)
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=30)

        gaps = [paused.seconds for paused in one.of(DestinationPaused)]
        assert gaps[:8] == [0.5, 1, 2, 4, 8, 16, 30, 30]
        assert (one.store.letters[0].reason, one.store.count("dead", "503")) == ("503", 1)
        assert one.store.letters[0].died_at - one.store.letters[0].first_tried_at >= 4 * 3600 * 1000


async def test_every_event_that_was_tried_dies_at_the_give_up_age(service: FakeHttp) -> None:
    service.default = Reply(status=503)
    async with rig(hook(service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(n) for n in range(5)])
        await one.finished(5, step=30)

        assert one.store.count("dead", "503") == 5


async def test_operations_3_a_400_is_one_attempt_and_a_dead_letter(service: FakeHttp) -> None:
    service.default = Reply(status=400, body=b"no such field")
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        letter = one.store.letters[0]
        assert (letter.reason, letter.attempts, letter.message_id) == ("400", 1, "m0")
        assert letter.answer.startswith("400")
        assert letter.answer.endswith("no such field")
        assert letter.event == envelope(0).event.json


async def test_a_dead_letter_keeps_the_request_without_its_secrets(service: FakeHttp) -> None:
    service.default = Reply(status=400, body=b"bad token s3cr3t-token")
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        letter = one.store.letters[0]
        assert letter.request.startswith(f"POST {service.url}/hook")
        assert '"m0"' in letter.request
        assert "s3cr3t-token" not in letter.request + letter.answer


async def test_a_400_in_a_batch_kills_the_refused_event_only(service: FakeHttp) -> None:
    refuse(service, "m5")
    async with rig(hook(service), batching=Batching(max_events=8)) as one:
        one.publish(*[envelope(n) for n in range(8)])
        await one.finished(8)

        assert (one.store.count("delivered"), [letter.message_id for letter in one.store.letters]) == (
            7,
            ["m5"],
        )
        assert one.of(EventsDied)[0].count == 1


async def test_a_413_halves_the_batch_and_loses_nothing(service: FakeHttp) -> None:
    service.rule = lambda request: Reply(status=413) if len(ids(request)) > 2 else None
    async with rig(hook(service), batching=Batching(max_events=8)) as one:
        one.publish(*[envelope(n) for n in range(8)])
        await one.finished(8)

        assert one.store.count("delivered") == 8


async def test_a_single_event_that_is_too_large_dies(service: FakeHttp) -> None:
    service.default = Reply(status=413)
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert one.store.letters[0].reason == "413"


async def test_operations_5_retry_after_of_60_is_honoured(service: FakeHttp) -> None:
    service.script(Reply(status=429, headers={"Retry-After": "60"}))
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        assert await one.clock.wait_for_sleeper(longer_than=20) == 60
        one.clock.advance(59.9)
        await asyncio.sleep(0)
        assert len(service.requests) == 1
        one.clock.advance(0.1)
        await one.finished(1)

        assert (len(service.requests), one.store.attempts(0)) == (2, 2)


async def test_operations_6_a_refused_connection_is_retried_with_its_code(service: FakeHttp) -> None:
    def nowhere() -> Hook:
        return Hook(HookSettings(url="http://127.0.0.1:1/hook"), name="crm")

    async with rig(nowhere) as one:
        one.publish(envelope(0))
        await one.until(lambda: bool(one.of(DestinationPaused)))

        assert one.of(DestinationPaused)[0].reason == "ECONNREFUSED"


async def test_operations_7_no_answer_within_the_timeout_counts_as_etimedout_and_is_retried(
    service: FakeHttp,
) -> None:
    service.script(Reply(is_held=True))
    async with rig(hook(service), retry=Retry(timeout=Duration(5))) as one:
        one.publish(envelope(0))
        await service.wait(1)
        assert await one.clock.wait_for_sleeper() == 5
        one.clock.advance(5)
        await one.finished(1, step=0.5)

        assert (one.of(BatchFailed)[0].reason, one.store.attempts(0)) == ("ETIMEDOUT", 2)


@pytest.mark.parametrize("reply", [Reply(is_reset=True), Reply(is_cut=True)])
async def test_a_broken_answer_is_retried_as_a_reset_connection(service: FakeHttp, reply: Reply) -> None:
    service.script(reply)
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=0.5)

        assert one.of(BatchFailed)[0].reason == "ECONNRESET"


async def test_operations_8_a_destination_that_is_down_does_not_slow_another(service: FakeHttp) -> None:
    async with FakeHttp() as down, rig(hook(down)) as sick, rig(hook(service)) as well:
        down.default = Reply(status=503)
        sick.publish(*[envelope(n) for n in range(10)])
        well.publish(*[envelope(n) for n in range(10)])
        await well.finished(10)

        assert (well.store.count("delivered"), sick.store.ended, well.clock.monotonic()) == (10, 0, 0)


async def test_a_307_is_followed(service: FakeHttp) -> None:
    service.script(Reply(status=307, headers={"Location": "/elsewhere"}))
    async with rig(hook(service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert [request.path for request in service.requests] == ["/hook", "/elsewhere"]
        assert sent(service) == [["m0"], ["m0"]]


async def test_a_destination_that_is_down_pauses_and_goes_on_in_order(service: FakeHttp) -> None:
    service.script(503, 503, 503)
    async with rig(hook(service), batching=Batching(max_events=2)) as one:
        one.publish_users("a", "a", "b", "a", "b", "a")
        await one.finished(6, step=0.5)

        got = [name for request in service.requests[3:] for name in ids(request)]
        assert [name for name in got if name in ("m0", "m1", "m3", "m5")] == ["m0", "m1", "m3", "m5"]
        assert [name for name in got if name in ("m2", "m4")] == ["m2", "m4"]
        assert len(one.of(DestinationResumed)) == 1


async def test_nothing_is_settled_while_a_destination_is_down(service: FakeHttp) -> None:
    service.default = Reply(status=503)
    async with rig(hook(service)) as one:
        one.publish(*[envelope(n) for n in range(10)])
        await one.until(lambda: len(service.requests) > 20, step=30)

        assert (one.store.settlements, one.actor.status.is_paused) == ([], True)


async def test_the_probe_after_a_pause_is_one_event_of_another_user(service: FakeHttp) -> None:
    service.script(503)
    async with rig(hook(service), batching=Batching(max_events=2)) as one:
        one.publish_users("a", "b", "c", "d")
        await one.finished(4, step=0.5)

        assert sent(service)[:2] == [["m0", "m1"], ["m2"]]


async def test_an_event_answered_500_is_parked_while_others_are_delivered(service: FakeHttp) -> None:
    refuse(service, "m3", status=500)
    async with rig(hook(service), batching=Batching(max_events=8)) as one:
        one.publish(*[envelope(n) for n in range(30)])
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 29, step=0.5)

        assert list(one.store.parked) == [3]
        assert one.clock.monotonic() < 30


async def test_a_lone_bad_event_among_single_requests_is_parked(service: FakeHttp) -> None:
    refuse(service, "m0", status=500)
    async with rig(hook(service)) as one:
        one.publish(*[envelope(n) for n in range(5)])
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 4, step=0.5)

        assert one.store.parked[0].keys == ("uu0",)


async def test_a_parked_event_is_delivered_when_its_time_comes_and_then_those_behind_it(
    service: FakeHttp,
) -> None:
    refuse(service, "m0", status=500)
    async with rig(hook(service)) as one:
        one.publish_users("a", "b", "a", "b", "a")
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 2, step=0.5)
        assert one.actor.status.held == 2
        service.rule = None
        await one.finished(5, step=1)

        assert sent(service)[-3:] == [["m0"], ["m2"], ["m4"]]
        assert (one.store.parked, one.store.cursor.floor) == ({}, 5)


async def test_a_clock_that_is_set_back_does_not_hold_a_parked_event(service: FakeHttp) -> None:
    refuse(service, "m0", status=500)
    async with rig(hook(service)) as one:
        one.publish_users("a", "b")
        await one.until(lambda: bool(one.store.parked), step=0.5)
        one.clock.set(-7200)
        service.rule = None
        before = one.clock.monotonic()
        await one.finished(2, step=1)

        assert one.clock.monotonic() - before < 60


async def test_a_parked_event_dies_at_the_give_up_age(service: FakeHttp) -> None:
    refuse(service, "m0", status=500)
    async with rig(hook(service)) as one:
        one.publish_users("a", "b", "a", "b", "a")
        await one.finished(5, step=60)

        assert (one.store.count("dead", "500"), one.store.count("delivered")) == (1, 4)
        assert 15 <= one.store.letters[0].attempts <= 20


async def test_the_floor_that_is_told_never_passes_a_parked_event(service: FakeHttp) -> None:
    refuse(service, "m1", status=500)
    async with rig(hook(service)) as one:
        one.publish(*[envelope(n) for n in range(5)])
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 4, step=0.5)
        await one.until(lambda: one.moves[-1].completed == 3)

        assert (one.moves[-1].floor, one.store.cursor.floor) == (1, 5)


async def test_a_burst_of_401_pauses_for_credentials_and_kills_nothing(service: FakeHttp) -> None:
    service.default = Reply(status=401)
    async with rig(hook(service), batching=Batching(max_events=5)) as one:
        one.publish(*[envelope(n) for n in range(10)])
        await one.until(lambda: len(service.requests) > 10, step=30)
        assert one.of(DestinationPaused)[0].reason == "credentials 401"
        service.default = Reply()
        await one.finished(10, step=30)

        assert (one.store.count("delivered"), one.store.letters) == (10, [])


async def test_an_event_that_alone_is_answered_404_dies(service: FakeHttp) -> None:
    refuse(service, "m2", status=404)
    async with rig(hook(service)) as one:
        one.publish(*[envelope(n) for n in range(6)])
        await one.finished(6, step=0.5)

        assert [(letter.message_id, letter.reason) for letter in one.store.letters] == [("m2", "404")]
