"""Pace, windows, settlements and restarts of a destination over real HTTP."""

import asyncio

from router.delivery.terms import Terms
from router.events.calls import Page
from router.plugins.policies import Batching, Concurrency, Rate, Retry
from router.plugins.settings import Duration
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.rig import envelope, rig
from tests.flow.delivery.talk import hook, ids, refuse, sent


async def test_as_many_batches_are_on_their_way_as_concurrency_allows(service: FakeHttp) -> None:
    service.default = Reply(is_held=True)
    async with rig(hook(service), concurrency=Concurrency(initial=4, max=4)) as one:
        one.publish(*[envelope(n) for n in range(10)])
        await service.wait(4)
        service.default = Reply()
        service.release()
        await one.finished(10)

        assert service.most_at_once == 4


async def test_events_of_one_user_are_never_on_their_way_at_once(service: FakeHttp) -> None:
    service.default = Reply(is_held=True)
    async with rig(hook(service), concurrency=Concurrency(initial=4, max=4)) as one:
        one.publish_users("a", "a", "b", "a", "b", "c")
        await service.wait(3)
        assert sorted(sent(service)) == [["m0"], ["m2"], ["m5"]]
        service.default = Reply()
        service.release()
        await one.finished(6)

        assert [name for (name,) in sent(service) if name in ("m0", "m1", "m3")] == ["m0", "m1", "m3"]


async def test_a_rate_spreads_requests_over_the_period(service: FakeHttp) -> None:
    async with rig(hook(service), rate=Rate(requests=2, per=Duration(1))) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(1)
        assert await one.clock.wait_for_sleeper() == 0.5
        await one.finished(3, step=0.5)

        assert one.clock.monotonic() >= 1.0


async def test_operations_14_an_event_of_a_type_it_does_not_take_is_filtered(service: FakeHttp) -> None:
    page = Page(message_id="m1", user_id="a", received_at="r", timestamp="t")
    async with rig(hook(service)) as one:
        one.publish(envelope(0), envelope(1).replace_event(page), envelope(2))
        await one.finished(3)

        assert one.store.count("filtered", "UNSUPPORTED_EVENT_TYPE") == 1
        assert (one.store.count("dead"), sent(service)) == (0, [["m0"], ["m2"]])


async def test_events_of_sources_that_are_not_connected_only_move_the_cursor(service: FakeHttp) -> None:
    async with rig(hook(service), terms=Terms(sources=frozenset({"website"}))) as one:
        one.publish(envelope(0), envelope(1, source="app"), envelope(2))
        await one.until(lambda: one.store.cursor.floor == 3)

        assert (one.store.accepted, one.store.count("delivered"), sent(service)) == (2, 2, [["m0"], ["m2"]])


async def test_a_settlement_that_fails_is_repeated_and_counts_once(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        one.store.failures = 3
        one.publish(*[envelope(n) for n in range(4)])
        await one.finished(4, step=0.1)

        assert (one.store.count("delivered"), one.store.cursor.floor) == (4, 4)


async def test_no_more_than_a_window_is_read_ahead_of_what_is_settled(service: FakeHttp) -> None:
    async with rig(hook(service), batching=Batching(max_events=5), window=10) as one:
        one.store.failures = 1
        for first in range(0, 50, 5):
            one.publish(*[envelope(n) for n in range(first, first + 5)])
        await service.wait(2)
        await one.clock.wait_for_sleeper()
        for _ in range(50):
            await asyncio.sleep(0)
        assert len(service.requests) <= 3
        await one.finished(50, step=0.1)

        assert one.store.count("delivered") == 50


def delivered_once(service: FakeHttp) -> dict[str, int]:
    found: dict[str, int] = {}
    for request in service.requests:
        for name in ids(request):
            found[name] = found.get(name, 0) + 1
    return found


async def test_operations_9_a_kill_repeats_only_what_was_not_settled(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)
        service.script(Reply(is_held=True))
        one.publish(envelope(3), envelope(4))
        await service.wait(4)
        await one.kill()
        one.start()
        await one.finished(5)

        assert delivered_once(service) == {"m0": 1, "m1": 1, "m2": 1, "m3": 2, "m4": 1}


async def test_a_restart_skips_what_is_finished_above_the_floor(service: FakeHttp) -> None:
    service.rule = lambda request: Reply(is_held=ids(request) == ["m0"])
    async with rig(hook(service), concurrency=Concurrency(initial=2, max=2)) as one:
        one.publish(*[envelope(n) for n in range(4)])
        await one.finished(3)
        assert one.store.cursor.floor == 0
        await one.kill()
        service.rule = None
        one.start()
        await one.finished(4)

        assert delivered_once(service) == {"m0": 2, "m1": 1, "m2": 1, "m3": 1}


async def test_a_parked_event_and_its_barrier_survive_a_restart(service: FakeHttp) -> None:
    refuse(service, "m0", status=500)
    async with rig(hook(service)) as one:
        one.publish_users("a", "b", "a", "b", "a")
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 2, step=0.5)
        await one.kill()
        one.start()
        await one.until(lambda: one.actor.status.held == 2)
        service.rule = None
        await one.finished(5, step=1)

        assert sent(service)[-3:] == [["m0"], ["m2"], ["m4"]]


async def test_operations_31_stopping_lets_what_is_on_its_way_end_and_settles_it(service: FakeHttp) -> None:
    service.script(Reply(is_held=True))
    async with rig(hook(service)) as one:
        one.publish(envelope(0), envelope(1))
        await service.wait(1)
        stopping = asyncio.create_task(one.stop())
        await asyncio.sleep(0)
        service.release()
        await stopping

        assert (one.store.count("delivered"), one.store.cursor.floor) == (1, 1)


async def test_stopping_does_not_wait_for_an_answer_that_does_not_come(service: FakeHttp) -> None:
    service.script(Reply(is_held=True))
    async with rig(hook(service), retry=Retry(timeout=Duration(60))) as one:
        one.publish(envelope(0))
        await service.wait(1)
        stopping = asyncio.create_task(one.stop())
        await one.clock.wait_for_sleeper()
        while one.clock.next_due is not None and one.clock.next_due > 10:
            await asyncio.sleep(0)
        one.clock.advance(10)
        await stopping

        assert one.store.ended == 0


async def test_positions_that_are_gone_from_the_stream_expire(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await one.kill()
        for first in range(0, 30, 10):
            one.publish(*[envelope(n) for n in range(first, first + 10)])
        one.stream.resume(29)
        one.stream.resume(30)
        for position in (3, 4):
            del one.envelopes[position]
        one.start()
        await one.finished(30)

        assert (one.store.count("expired", "gone"), one.store.count("delivered")) == (2, 28)
