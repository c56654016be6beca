"""A connection survives bad clients and answers good ones in order."""

import asyncio

import msgspec
import pytest

from tests.unit.api.serving import CLOSE, client, post, serving


async def test_pipelined_requests_are_answered_in_order() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/held", b"1") + post("/echo", b"2") + post("/echo", b"3", CLOSE))
        await served.arrived.wait()
        served.release.set()

        bodies = [part.split(b"\r\n\r\n")[1] for part in (await one.read()).split(b"HTTP/1.1 200 OK")[1:]]

        assert bodies == [b"held:1", b"2", b"3"]


async def test_very_many_pipelined_requests_are_all_answered() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/echo", b"x") * 500 + post("/echo", b"y", CLOSE))

        assert (await one.read()).count(b"200 OK") == 501


async def test_an_error_behind_good_requests_does_not_overtake_their_answers() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/held", b"1"))
        await served.arrived.wait()
        one.send(b"GARBAGE\r\n\r\n")
        served.release.set()

        answers = await one.read()

        assert answers.index(b"held:1") < answers.index(b"400 Bad Request")


async def test_a_client_may_close_its_side_before_the_answer() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/held", b"1"))
        one.writer.write_eof()
        await served.arrived.wait()
        served.release.set()

        assert (await one.read()).endswith(b"held:1")


async def test_a_client_that_goes_away_is_forgotten_when_its_answer_is_ready() -> None:
    async with serving() as served:
        async with client(served) as one:
            one.send(post("/held", b"1") + post("/echo", b"never read") * 9)
            await served.arrived.wait()
            one.reset_on_close()
        async with client(served) as other:
            other.send(post("/echo", b"2"))
            await other.until(b"\r\n\r\n2")  # the loss of the first is known by now
            served.release.set()
            other.send(post("/echo", b"3", CLOSE))
            assert (await other.read()).endswith(b"3")

        assert served.server.held == 0
        assert [request.body for request in served.requests] == [b"1", b"2", b"3"]


async def test_a_handler_that_breaks_is_answered_503_and_harms_nobody_else() -> None:
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda loop, context: complaints.append(context))
    async with serving() as served, client(served) as bad, client(served) as good:
        bad.send(post("/broken"))
        head, body = (await bad.read()).split(b"\r\n\r\n")
        good.send(post("/echo", b"fine", CLOSE))

        assert head.startswith(b"HTTP/1.1 503")
        assert b"Retry-After: " in head
        assert msgspec.json.decode(body)["code"] == "unavailable"
        assert (await good.read()).endswith(b"fine")
        assert [type(one["exception"]) for one in complaints] == [KeyError]


@pytest.mark.parametrize("sent", [b"PO", b"POST /echo HTTP/1.1\r\nHost: x\r\nX: y", post()[:-1]])
async def test_a_request_that_does_not_end_is_answered_408(sent: bytes) -> None:
    async with serving(request_seconds=0.05) as served, client(served) as one:
        one.send(sent)
        head, body = (await one.read()).split(b"\r\n\r\n")

        assert head.startswith(b"HTTP/1.1 408")
        assert b"Connection: close" in head
        assert msgspec.json.decode(body)["code"] == "request_timeout"


async def test_a_connection_that_idles_too_long_is_closed_without_a_word() -> None:
    async with serving(idle_seconds=0.02, request_seconds=0.2) as served, client(served) as one:
        assert await one.read() == b""


async def test_a_request_that_is_being_answered_does_not_time_out() -> None:
    async with serving(idle_seconds=0.01, request_seconds=0.01) as served, client(served) as one:
        one.send(post("/held", b"1", CLOSE))
        await served.arrived.wait()
        async with client(served) as other:
            assert await other.read() == b""  # the clock was looked at meanwhile
        served.release.set()

        assert (await one.read()).endswith(b"held:1")


async def test_an_empty_line_between_requests_is_no_request() -> None:
    async with serving(request_seconds=0.05) as served, client(served) as one:
        one.send(post("/echo", b"1"))
        await one.until(b"\r\n\r\n1")
        one.send(b"\r\n")
        async with client(served) as other:
            other.send(b"P")
            assert b"408" in await other.read()
        one.send(post("/echo", b"2", CLOSE))

        assert (await one.read()).endswith(b"2")


async def test_bodies_that_arrive_share_a_budget() -> None:
    async with serving(held_bytes=1500) as served, client(served) as first, client(served) as second:
        first.send(post("/echo", b"x" * 1000)[:-1])
        second.send(post("/echo", b"y" * 1000)[:-1])

        done, _ = await asyncio.wait(
            [asyncio.ensure_future(one.read()) for one in (first, second)],
            return_when=asyncio.FIRST_COMPLETED,
        )

        assert b"503 Service Unavailable" in done.pop().result()


async def test_what_a_refused_client_still_sends_does_not_cost_it_the_answer() -> None:
    async with serving() as served, client(served) as one:
        one.send(b"POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5000000\r\n\r\n" + bytes(5_000_000))

        assert b"payload_too_large" in await one.until(b"}")


async def test_bodies_of_one_byte_chunks_are_put_together() -> None:
    async with serving() as served, client(served) as one:
        one.send(
            b"POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
            + b"1\r\nz\r\n" * 900
            + b"0\r\n\r\n"
        )

        assert (await one.read()).endswith(b"\r\n\r\n" + b"z" * 900)


async def test_an_answer_in_parts_is_sent_in_chunks() -> None:
    async with serving() as served, client(served) as one:
        one.send(b"GET /parts HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        assert (await one.read()).endswith(b"\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")


async def test_a_large_answer_arrives_whole_at_a_slow_reader() -> None:
    async with serving() as served, client(served) as one:
        one.send(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        _, body = (await one.read()).split(b"\r\n\r\n", 1)

        assert len(body) == 4 << 20


async def test_head_is_answered_without_a_body() -> None:
    async with serving() as served, client(served) as one:
        one.send(b"HEAD /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")

        answer = await one.read()

        assert b"Content-Length: 1\r\n" in answer
        assert answer.endswith(b"\r\n\r\n")


async def test_what_is_for_the_operator_cannot_be_read_by_a_page() -> None:
    async with serving() as served, client(served) as one:
        one.send(
            b"GET /private HTTP/1.1\r\nHost: x\r\nOrigin: https://evil.test\r\nConnection: close\r\n\r\n"
        )

        assert b"Access-Control" not in await one.read()


async def test_stopping_answers_what_is_complete_and_closes_what_idles() -> None:
    async with serving() as served, client(served) as busy, client(served) as idle:
        busy.send(post("/held", b"1"))
        await served.arrived.wait()
        closing = asyncio.ensure_future(served.server.close())
        assert await idle.read() == b""
        served.release.set()
        await closing

        assert (await busy.read()).endswith(b"held:1")


async def test_a_handler_that_never_ends_does_not_hold_up_stopping() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/held", b"1"))
        await served.arrived.wait()

        await served.server.close(seconds=0.01)

        assert served.server.connections == set()


async def test_an_origin_that_would_break_the_head_is_not_echoed() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/echo", b"1", CLOSE, b"Origin: https://x\tSet-Cookie: a"))

        assert b"Set-Cookie" not in await one.read()


async def test_a_client_that_reads_nothing_of_its_answer_is_cut_off() -> None:
    async with serving(stalled_seconds=0.01, request_seconds=0.1) as served, client(served) as one:
        one.writer.transport.pause_reading()  # type: ignore[attr-defined]
        one.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")

        async with asyncio.timeout(10):
            await served.ended.wait()


@pytest.mark.parametrize("target", [b"http://x/echo?a=1", b"/echo?a=1", b"/echo/?a=1", b"/echo?a=1#here"])
async def test_every_form_of_a_target_is_understood(target: bytes) -> None:
    async with serving() as served, client(served) as one:
        one.send(b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)
        await one.read()

        assert [(request.path, request.query) for request in served.requests] == [("/echo", "a=1")]


async def test_another_protocol_is_not_spoken() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/echo", b"1", b"Connection: upgrade", b"Upgrade: websocket"))

        answer = await one.read()

        assert answer.startswith(b"HTTP/1.1 200")
        assert b"Connection: close" in answer


async def test_a_client_that_waits_for_leave_to_send_gets_it() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/echo", b"", b"Expect: 100-continue", CLOSE).replace(b"Length: 0", b"Length: 2"))
        leave = await one.until(b"\r\n\r\n")
        one.send(b"ab")

        assert leave == b"HTTP/1.1 100 Continue\r\n\r\n"
        assert (await one.read()).endswith(b"ab")


async def test_an_old_client_may_keep_its_connection() -> None:
    async with serving() as served, client(served) as one:
        one.send(b"GET /echo HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
        assert b"Connection: keep-alive" in await one.until(b"\r\n\r\n-")
        one.send(b"GET /echo HTTP/1.0\r\n\r\n")

        assert b"Connection: close" in await one.read()


async def test_who_closes_its_side_gets_the_answers_to_all_it_sent() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/held", b"1") + post("/echo", b"2"))
        one.writer.write_eof()
        await served.arrived.wait()
        served.release.set()

        assert (await one.read()).count(b"200 OK") == 2


async def test_nothing_is_read_behind_a_request_that_ends_the_connection() -> None:
    async with serving() as served, client(served) as one:
        one.send(post("/echo", b"1", CLOSE) + post("/echo", b"2"))

        assert (await one.read()).count(b"HTTP/1.1") == 1


async def test_a_head_without_end_is_refused() -> None:
    async with serving() as served, client(served) as one:
        one.send(b"GET /echo HTTP/1.1\r\nHost: x\r\n" + b"X: %b\r\n" % bytes(b"a" * 990) * 90)

        assert b"HTTP/1.1 431" in await one.until(b"}")


async def test_a_stream_of_parts_ends_with_its_reader() -> None:
    async with serving() as served:
        async with client(served) as one:
            one.send(b"GET /endless HTTP/1.1\r\nHost: x\r\n\r\n")
            await one.read(1 << 20)
        async with asyncio.timeout(10):
            await served.ended.wait()

        assert served.server.connections == set()


@pytest.mark.parametrize("target", [b"/\xff", b"/echo?a=\xff", b"/echo?a=\xc3\xa9"])
async def test_a_target_that_is_not_ascii_breaks_nothing(target: bytes) -> None:
    async with serving() as served, client(served) as one:
        one.send(b"GET %b HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" % target)

        assert (await one.read())[9:12] in (b"200", b"400", b"404")
