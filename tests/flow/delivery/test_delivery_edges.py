"""Rarer turns: stores in trouble, parked events that are gone, connections that misbehave, time that is short."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Sequence

import pytest

from router.delivery import parking
from router.delivery.classify import NetworkError, UnusableRequest
from router.delivery.clock import SystemClock
from router.delivery.parking import Parking
from router.delivery.sending.http import ANSWER_BYTES, THREAD_BYTES, HttpClient
from router.delivery.sending.outgoing import Outgoing, outgoing
from router.delivery.verdict import Judgement, Verdict
from router.errors import StoreUnavailable
from router.events.calls import Identify, Track
from router.plugins.destination import Requests
from router.plugins.outcome import Outcome
from router.plugins.policies import Batching, Concurrency, Retry
from router.plugins.request import Request
from router.plugins.settings import Duration
from router.storage.cursor import Cursor
from router.storage.follower import Reading
from router.storage.letters import Parked
from router.storage.store import StoredSegment
from router.telemetry.happenings import DestinationPaused, DestinationResumed
from router.testing.fake_http import FakeHttp, Reply
from tests.flow.delivery.rig import Hook, HookSettings, Rig, envelope, rig


@pytest.fixture
async def service() -> AsyncIterator[FakeHttp]:
    async with FakeHttp() as one:
        yield one


@pytest.fixture
async def http() -> AsyncIterator[HttpClient]:
    one = HttpClient()
    yield one
    await one.close()


def hook(service: FakeHttp) -> Callable[[], Hook]:
    return lambda: Hook(HookSettings(url=service.url + "/hook"), name="crm")


def fail_reads(one: Rig, times: int) -> None:
    """Have the next reads of the store fail; nothing is in memory any more."""
    real = one.stream._read

    async def read(position: int, max_bytes: int) -> list[StoredSegment]:
        nonlocal times
        if times:
            times -= 1
            raise StoreUnavailable("the disk is away")
        return await real(position, max_bytes)

    one.stream._read = read
    one.stream._tail.clear()
    one.stream._cache.clear()


async def park_the_first(one: Rig, service: FakeHttp) -> None:
    service.rule = lambda request: Reply(status=500) if request.json() == "m0" else None
    one.publish_users("a", "b", "a", "b")
    await one.until(lambda: bool(one.store.parked) and one.store.ended == 2, step=0.5)
    service.rule = None


async def test_a_store_that_cannot_be_read_is_asked_again(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await one.kill()
        one.publish(*[envelope(n) for n in range(3)])
        fail_reads(one, 2)
        one.start()
        await one.finished(3, step=0.1)

        assert one.store.count("delivered") == 3


async def test_a_parked_event_that_cannot_be_read_waits_a_little_longer(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await park_the_first(one, service)
        fail_reads(one, 1)
        await one.finished(4, step=0.5)

        assert one.store.count("delivered") == 4


async def test_a_parked_event_that_is_gone_from_the_stream_expires(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await park_the_first(one, service)
        fail_reads(one, 0)
        del one.envelopes[0]
        await one.finished(4, step=0.5)

        assert (one.store.count("expired", "gone"), one.store.parked) == (1, {})


async def test_a_parked_event_that_is_refused_at_last_dies(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await park_the_first(one, service)
        service.rule = lambda request: Reply(status=422) if request.json() == "m0" else None
        await one.finished(4, step=0.5)

        assert [(letter.reason, letter.attempts) for letter in one.store.letters] == [("422", 3)]


async def test_a_parked_event_is_the_probe_when_there_is_nothing_else(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await park_the_first(one, service)
        service.script(Reply(status=429, headers={"Retry-After": "40"}))
        await one.finished(4, step=0.5)

        assert one.of(DestinationPaused)[-1].reason == "429"
        assert isinstance(one.of(DestinationResumed)[-1], DestinationResumed)
        assert not one.actor.status.is_paused


async def test_too_many_parked_events_pause_the_destination(
    service: FakeHttp, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parking, "MOST_PARKED", 1)
    async with rig(hook(service)) as one:
        service.rule = lambda request: Reply(status=500) if request.json() == "m0" else None
        one.publish(*[envelope(n) for n in range(6)])
        await one.until(
            lambda: any(paused.reason == "parked_full" for paused in one.of(DestinationPaused)), step=0.5
        )
        service.rule = None
        await one.finished(6, step=0.5)

        assert one.store.count("delivered") == 6


async def test_a_plugin_that_parks_and_is_out_of_time_at_once_dies(service: FakeHttp) -> None:
    class Mixed(Hook):
        def requests(self, events: Sequence[Track | Identify]) -> Requests:
            yield Request.get(self.settings.url)
            return [Outcome.delivered(), Outcome.retry("busy")]

    async with rig(
        lambda: Mixed(HookSettings(url=service.url), name="crm"),
        batching=Batching(max_events=2),
        retry=Retry(give_up=Duration(1)),
    ) as one:
        one.publish(envelope(0), envelope(1))
        await one.finished(2)

        assert (one.store.count("dead", "busy"), one.store.letters[0].attempts) == (1, 1)


async def test_a_late_wish_for_patience_prolongs_the_pause(service: FakeHttp) -> None:
    service.script(Reply(status=503), Reply(status=429, headers={"Retry-After": "50"}, is_held=True))
    async with rig(hook(service), concurrency=Concurrency(initial=2, max=2)) as one:
        one.publish(envelope(0), envelope(1))
        await one.until(lambda: one.actor.status.is_paused)
        service.release()
        await one.until(lambda: one.actor.status.in_flight == 0)

        assert await one.clock.wait_for_sleeper(longer_than=20) == 50


async def test_a_run_that_the_last_settlement_fails_ends_all_the_same(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        one.store.failures = 100
        one.publish(envelope(0))
        await service.wait(1)
        await one.clock.wait_for_sleeper()
        await one.stop()

        assert one.store.settlements == []


async def test_a_bug_in_the_actor_reaches_its_supervisor_as_it_is(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await one.kill()
        one.actor._may_read = lambda: 1 / 0  # type: ignore[method-assign,assignment,return-value]
        running = asyncio.create_task(one.actor.run())
        one.publish(envelope(0))

        with pytest.raises(ZeroDivisionError):
            await running


async def test_gaps_are_counted_only_where_the_cursor_has_not_passed(service: FakeHttp) -> None:
    async with rig(hook(service)) as one:
        await one.kill()
        one.store.cursor = Cursor(1, ((3, 5), (8, 9)))
        one.start()
        one.actor._intake.admit(Reading(0, 10, (), ((0, 4), (4, 10))))
        settlement = one.actor._state.ledger.take(0)

        assert settlement.record is not None
        assert [(run.first, run.count) for run in settlement.record.runs] == [(1, 2), (5, 3), (9, 1)]


async def test_the_order_may_be_given_up(service: FakeHttp) -> None:
    service.default = Reply(is_held=True)
    async with rig(hook(service), ordering="none", concurrency=Concurrency(initial=3, max=3)) as one:
        one.publish_users("a", "a", "a")
        await service.wait(3)

        assert service.most_at_once == 3


# --- the HTTP client --------------------------------------------------------------------------------------------


async def test_of_a_long_answer_the_first_64_kib_are_kept(service: FakeHttp, http: HttpClient) -> None:
    service.default = Reply(body=b"x" * (ANSWER_BYTES * 20))
    answer = await http.send(outgoing(Request.get(service.url)))

    assert len(answer.body) == ANSWER_BYTES


async def test_private_headers_do_not_follow_a_redirect_elsewhere(
    service: FakeHttp, http: HttpClient
) -> None:
    async with FakeHttp() as other:
        service.script(Reply(status=307, headers={"Location": other.url}))
        await http.send(
            outgoing(Request.post(service.url, json=1, headers={"Authorization": "Bearer t", "X-A": "b"}))
        )

        (got,) = other.requests
        assert ("authorization" in got.headers, got.headers["x-a"], got.body) == (False, "b", b"1")


@pytest.mark.parametrize("compress", [False, True])
async def test_a_body_of_megabytes_arrives(service: FakeHttp, http: HttpClient, compress: bool) -> None:
    body = b"0123456789" * (THREAD_BYTES // 5)

    def quiet(request: object) -> None:
        return None

    service.rule = quiet
    await http.send(Outgoing("POST", service.url, {}, body, compress))

    assert len(service.requests[0].body) == len(body)


async def test_cookies_are_not_kept(service: FakeHttp, http: HttpClient) -> None:
    service.script(Reply(headers={"Set-Cookie": "a=b"}))
    for _ in range(2):
        await http.send(outgoing(Request.get(service.url)))

    assert "cookie" not in service.requests[1].headers


async def test_a_name_that_does_not_exist_is_enotfound(
    http: HttpClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unknown(*arguments: object, **options: object) -> object:
        raise socket.gaierror(socket.EAI_NONAME, "unknown")

    monkeypatch.setattr(asyncio.get_running_loop(), "getaddrinfo", unknown)
    with pytest.raises(NetworkError) as caught:
        await http.send(outgoing(Request.get("http://nowhere.invalid/")))

    assert caught.value.code == "ENOTFOUND"


async def test_a_peer_that_does_not_speak_tls_is_econnaborted(service: FakeHttp, http: HttpClient) -> None:
    with pytest.raises(NetworkError) as caught:
        await http.send(outgoing(Request.get(service.url.replace("http:", "https:"))))

    assert caught.value.code == "ECONNABORTED"


async def test_an_answer_that_is_not_http_is_econnreset(http: HttpClient) -> None:
    async def babble(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"hello, world\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(babble, "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        with pytest.raises(NetworkError) as caught:
            await http.send(outgoing(Request.get(f"http://127.0.0.1:{port}/")))

    assert caught.value.code == "ECONNRESET"


# --- small parts ------------------------------------------------------------------------------------------------


async def test_the_system_clock_waits() -> None:
    clock = SystemClock()
    before = clock.monotonic()
    await clock.sleep(0.001)

    assert clock.monotonic() > before
    assert clock.now() > 1_700_000_000_000


def test_retry_after_does_not_kill_a_parked_event() -> None:
    lot = Parking((), give_up=3600, now=0, uniform=lambda low, high: high)
    row = Parked(0, 1, 0, 0, "429", ("ua",))
    retried = lot.again(row, Verdict(Judgement.THROTTLED, "429", 1e9), started_at=0, now=0)

    assert (retried.is_over, retried.row.due_at) == (False, 3_600_000)


async def test_a_paused_destination_with_nothing_but_parked_events_waits_for_their_time(
    service: FakeHttp,
) -> None:
    async with rig(hook(service)) as one:
        service.rule = lambda request: Reply(status=500) if request.json() == "m0" else None
        one.publish_users("a", "b")
        await one.until(lambda: bool(one.store.parked) and one.store.ended == 1, step=0.5)
        service.rule = None
        service.script(429, 429, 429)
        await one.finished(2, step=0.2)

        assert one.store.count("delivered") == 2


async def test_a_url_that_cannot_be_parsed_is_unusable(http: HttpClient) -> None:
    with pytest.raises(UnusableRequest):
        await http.send(outgoing(Request.get("http://[::1")))


async def test_a_header_with_a_line_end_is_unusable(service: FakeHttp, http: HttpClient) -> None:
    with pytest.raises(UnusableRequest):
        await http.send(outgoing(Request.get(service.url, headers={"X-A": "b\r\nX-Evil: 1"})))
