"""Requests that settle some of their events: each alone, and an event with the worst of its requests."""

from collections.abc import Callable, Sequence

import pytest

from router.delivery.sending import flow
from router.events.calls import Identify, Track
from router.plugins.destination import Requests
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching
from router.plugins.request import Request
from router.telemetry.happenings import DestinationPaused
from router.testing.fake_http import FakeHttp, Received, Reply
from tests.flow.delivery.rig import Hook, HookSettings, envelope, rig

Events = Sequence[Track | Identify]


class Each(Hook):
    """One request for each event."""

    def requests(self, events: Events) -> Requests:
        for event in events:
            yield Request.post(self.settings.url, json=event.message_id, settles=[event])
        return None


class Pair(Hook):
    """Two mappings, each with a request for every event."""

    def requests(self, events: Events) -> Requests:
        for event in events:
            for mapping in ("a", "b"):
                url = f"{self.settings.url}/{mapping}"
                yield Request.post(url, json=event.message_id, settles=[event])
        return None


class Chain(Hook):
    """For each event a second request with the answer to the first."""

    def requests(self, events: Events) -> Requests:
        for event in events:
            answer = yield Request.post(self.settings.url + "/make", json=event.message_id, settles=[event])
            made = f"{event.message_id}:{answer.status}"
            yield Request.post(self.settings.url + "/use", json=made, settles=[event])
        return None


def make(cls: type[Hook], service: FakeHttp) -> Callable[[], Hook]:
    return lambda: cls(HookSettings(url=service.url), name="crm")


def fail(service: FakeHttp, *bad: str, status: int, times: int = 1) -> None:
    """Answer `status` to the first requests whose "path body" is one of these."""
    left = dict.fromkeys(bad, times)

    def rule(request: Received) -> Reply | None:
        key = f"{request.path} {request.json()}"
        if left.get(key, 0):
            left[key] -= 1
            return Reply(status=status)
        return None

    service.rule = rule


def sent(service: FakeHttp) -> list[str]:
    return [f"{request.path} {request.json()}" for request in service.requests]


async def test_a_refused_request_kills_its_own_events_and_the_others_are_sent_once(service: FakeHttp) -> None:
    fail(service, "/ m1", status=400)
    async with rig(make(Each, service), batching=Batching(max_events=4)) as one:
        one.publish(*[envelope(n) for n in range(4)])
        await one.finished(4)

        assert sent(service) == ["/ m0", "/ m1", "/ m2", "/ m3"]
        assert (one.store.count("delivered"), one.store.count("dead", "400")) == (3, 1)
        assert '"m1"' in one.store.letters[0].request


async def test_a_service_that_is_not_well_gets_no_more_and_what_it_took_is_not_sent_again(
    service: FakeHttp,
) -> None:
    fail(service, "/ m1", status=503)
    async with rig(make(Each, service), batching=Batching(max_events=4)) as one:
        one.publish(*[envelope(n) for n in range(4)])
        await one.finished(4, step=1)

        assert sorted(sent(service)) == ["/ m0", "/ m1", "/ m1", "/ m2", "/ m3"]
        assert sent(service)[:2] == ["/ m0", "/ m1"]
        assert [one.store.attempts(n) for n in range(4)] == [1, 2, 1, 1]
        assert [paused.reason for paused in one.of(DestinationPaused)] == ["503"]


async def test_operations_15_one_event_and_two_mappings_with_one_failing_are_one_success_and_one_failure(
    service: FakeHttp,
) -> None:
    """Counted by mapping, as the rule wants; the event itself ends once, with the worse of the two (house.md, 4)."""
    fail(service, "/a m0", status=400)
    async with rig(make(Pair, service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert sent(service) == ["/a m0", "/b m0"]
        assert (one.store.count("child_delivered"), one.store.count("child_dead", "400")) == (1, 1)
        assert (one.store.count("delivered"), one.store.count("dead", "400")) == (0, 1)


async def test_children_that_all_arrive_are_counted_with_their_event(service: FakeHttp) -> None:
    async with rig(make(Pair, service), batching=Batching(max_events=2)) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

        assert (one.store.count("child_delivered"), one.store.count("delivered")) == (4, 2)


async def test_of_an_event_with_two_requests_only_the_failed_one_is_sent_again(service: FakeHttp) -> None:
    fail(service, "/b m0", status=503)
    async with rig(make(Pair, service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=1)

        assert sent(service) == ["/a m0", "/b m0", "/b m0"]
        assert (one.store.count("child_delivered"), one.store.count("delivered")) == (2, 1)


async def test_a_refused_child_is_not_sent_again_while_its_sibling_is_tried(service: FakeHttp) -> None:
    fail(service, "/a m0", status=400, times=9)
    other = service.rule
    assert other is not None
    times = iter([503, 200])
    service.rule = lambda request: other(request) if request.path == "/a" else Reply(status=next(times, 200))
    async with rig(make(Pair, service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=1)

        assert sent(service) == ["/a m0", "/b m0", "/b m0"]
        assert (one.store.count("child_delivered"), one.store.count("child_dead", "400")) == (1, 1)


async def test_an_event_that_is_given_up_counts_its_children_too(service: FakeHttp) -> None:
    service.rule = lambda request: Reply(status=503) if request.path == "/b" else None
    async with rig(make(Pair, service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=30)

        assert (one.store.count("child_delivered"), one.store.count("child_dead", "503")) == (1, 1)
        assert one.store.count("dead", "503") == 1


async def test_a_flow_goes_on_with_others_where_the_answer_it_needs_is_missing(service: FakeHttp) -> None:
    fail(service, "/make m1", status=400)
    async with rig(make(Chain, service), batching=Batching(max_events=3)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)

        assert sent(service) == ["/make m0", "/use m0:200", "/make m1", "/make m2", "/use m2:200"]
        assert (one.store.count("delivered"), one.store.count("dead", "400")) == (2, 1)


async def test_a_second_step_that_fails_is_sent_again_without_the_first(service: FakeHttp) -> None:
    fail(service, "/use m1:200", status=503)
    async with rig(make(Chain, service), batching=Batching(max_events=3)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3, step=1)

        assert sent(service).count("/make m0") == sent(service).count("/make m1") == 1
        assert (sent(service).count("/use m1:200"), sent(service).count("/use m0:200")) == (2, 1)
        assert one.store.count("delivered") == 3


async def test_events_that_are_refused_together_are_taken_apart(service: FakeHttp) -> None:
    class Halves(Hook):
        def requests(self, events: Events) -> Requests:
            for part in (events[:4], events[4:]):
                if part:
                    yield Request.post(self.settings.url, json=[one.message_id for one in part], settles=part)
            return None

    service.rule = lambda request: Reply(status=413 if "m2" in request.json() else 200)
    async with rig(make(Halves, service), batching=Batching(max_events=8)) as one:
        one.publish(*[envelope(n) for n in range(8)])
        await one.finished(8)

        assert [request.json() for request in service.requests] == [
            ["m0", "m1", "m2", "m3"],
            ["m4", "m5", "m6", "m7"],
            ["m0", "m1"],
            ["m2", "m3"],
            ["m2"],
            ["m3"],
        ]
        assert (one.store.count("delivered"), one.store.count("dead", "413")) == (7, 1)


async def test_a_question_that_settles_nothing_is_needed_only_where_its_answer_is_used(
    service: FakeHttp,
) -> None:
    class Asking(Hook):
        def requests(self, events: Events) -> Requests:
            yield Request.get(self.settings.url + "/ask", settles=())
            yield Request.post(self.settings.url, json="go", settles=events)
            return None

    service.script(404 + 18)
    async with rig(make(Asking, service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        assert one.store.count("delivered") == 1


async def test_a_question_that_nobody_can_answer_now_stops_the_batch(service: FakeHttp) -> None:
    class Asking(Hook):
        def requests(self, events: Events) -> Requests:
            yield Request.get(self.settings.url + "/ask", settles=())
            yield Request.post(self.settings.url, json="go", settles=events)
            return None

    service.script(503)
    async with rig(make(Asking, service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=1)

        assert [request.method for request in service.requests] == ["GET", "GET", "POST"]


async def test_the_worse_of_answer_and_outcome_counts(service: FakeHttp) -> None:
    class Judging(Hook):
        def requests(self, events: Events) -> Requests:
            for event in events:
                yield Request.post(self.settings.url, json=event.message_id, settles=[event])
            return [Outcome.rejected("E1"), Outcome.delivered(), Outcome.delivered()]

    fail(service, "/ m1", status=400)
    async with rig(make(Judging, service), batching=Batching(max_events=3)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)

        assert (
            one.store.count("delivered"),
            one.store.count("dead", "E1"),
            one.store.count("dead", "400"),
        ) == (
            1,
            1,
            1,
        )


async def test_a_request_that_settles_a_stranger_is_the_plugins_error(service: FakeHttp) -> None:
    class Wrong(Hook):
        def requests(self, events: Events) -> Requests:
            yield Request.post(self.settings.url, json=1, settles=[envelope(99).event])  # type: ignore[list-item]
            return None

    async with rig(make(Wrong, service)) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert (one.actor.status.reason, service.requests) == ("PLUGIN_ERROR", [])


async def test_a_generator_that_never_ends_is_stopped(
    service: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    class For(Hook):
        def requests(self, events: Events) -> Requests:
            while True:
                yield Request.post(self.settings.url, json=1)

    monkeypatch.setattr(flow, "REQUESTS_PER_EVENT", 5)
    async with rig(make(For, service)) as one:
        one.publish(envelope(0))
        await one.until(lambda: one.actor.status.is_paused)

        assert (one.actor.status.reason, len(service.requests)) == ("PLUGIN_ENDLESS", 6)


async def test_the_engine_adds_the_same_key_whenever_a_step_is_sent(service: FakeHttp) -> None:
    class Keyed(Pair):
        idempotency_header = "Idempotency-Key"

    fail(service, "/a m0", status=503)
    async with rig(make(Keyed, service)) as one:
        one.publish(envelope(0))
        await one.finished(1, step=1)

        assert [request.headers["idempotency-key"] for request in service.requests] == ["m0", "m0", "m0.1"]


async def test_a_key_that_the_plugin_gave_stays_and_a_question_has_none(service: FakeHttp) -> None:
    class Own(Hook):
        idempotency_header = "Idempotency-Key"

        def requests(self, events: Events) -> Requests:
            yield Request.get(self.settings.url)
            yield Request.post(self.settings.url, json=1, headers={"idempotency-key": "mine"})
            return None

    async with rig(make(Own, service)) as one:
        one.publish(envelope(0))
        await one.finished(1)

        keys = [request.headers.get("idempotency-key") for request in service.requests]
        assert keys == [None, "mine"]


async def test_what_must_be_alike_shares_a_batch_and_users_keep_their_order(service: FakeHttp) -> None:
    class Grouped(Hook):
        def group_by(self, event: Track | Identify) -> str:
            return "even" if int(event.message_id[1:]) % 2 == 0 else "odd"

    async with rig(make(Grouped, service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(n, user) for n, user in enumerate(("u1", "u1", "u1", "u2", "u3"))])
        await one.finished(5)

        assert [request.json() for request in service.requests] == ["m0,m4", "m1,m3", "m2"]


async def test_a_group_by_that_raises_harms_its_event_only(service: FakeHttp) -> None:
    class Picky(Hook):
        def group_by(self, event: Track | Identify) -> str:
            if event.message_id == "m1":
                raise KeyError("account")
            return "all"

    async with rig(make(Picky, service), batching=Batching(max_events=10)) as one:
        one.publish(*[envelope(n) for n in range(3)])
        await one.finished(3)

        assert [request.json() for request in service.requests] == ["m0,m2", "m1"]


class Reading(Hook):
    """Reads in the answer of a 200 whether the service has the event."""

    def requests(self, events: Sequence[Track | Identify]) -> Requests:
        answer = yield Request.post(self.settings.url, json=[event.message_id for event in events])
        return [Outcome.retry("BUSY") if answer.body == b"busy" else Outcome.delivered() for _ in events]


async def test_an_event_that_the_author_wants_to_try_again_is_sent_again(service: FakeHttp) -> None:
    service.script(Reply(body=b"busy"), Reply(body=b"busy"))
    async with rig(lambda: Reading(HookSettings(url=service.url), name="crm")) as one:
        one.publish(envelope(0))
        await one.finished(1, step=1)

        assert len(service.requests) == 3
        assert one.store.count("delivered") == 1
