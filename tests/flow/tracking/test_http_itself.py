"""HTTP by its bytes: what is refused, what waits, what closes (tracking-api 6.3)."""

import asyncio

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, Reply, ask, connect, encoded, request_bytes, track

BODY = encoded(track())
AUTH = f"Authorization: {DEMO['Authorization']}\r\n".encode()
GOOD = request_bytes("POST", "/v1/track", BODY, DEMO)
HASTY = {"server": {"request_timeout": "300ms"}}


def head(*lines: str, path: str = "/v1/track", version: str = "HTTP/1.1") -> bytes:
    """The head of a POST with these header lines."""
    return (
        b"\r\n".join(
            [
                f"POST {path} {version}".encode(),
                b"Host: router.test",
                AUTH[:-2],
                *(one.encode("latin-1") for one in lines),
            ]
        )
        + b"\r\n\r\n"
    )


async def answered_and_closed(data: bytes) -> Reply:
    """What a router answers to these bytes, on a connection that it then closes."""
    async with running() as rig, await connect(rig) as connection:
        connection.send(data)
        reply = await connection.reply()
        assert await connection.is_closed()
        assert rig.delivered == []
        return reply


LENGTH = f"Content-Length: {len(BODY)}"
BAD_FRAMES = {
    "a negative length": head("Content-Length: -1") + BODY,
    "a length that is no number": head("Content-Length: many") + BODY,
    "a length with a plus": head(f"Content-Length: +{len(BODY)}") + BODY,
    "a length in hexadecimal": head("Content-Length: 0x1F") + BODY,
    "an empty length": head("Content-Length: ") + BODY,
    "a length with an underscore": head("Content-Length: 1_0") + BODY,
    "two different lengths": head(LENGTH, "Content-Length: 3") + BODY,
    "a list of different lengths": head(f"Content-Length: {len(BODY)}, 3") + BODY,
    "an unknown transfer coding": head("Transfer-Encoding: gzip") + BODY,
    "a second transfer coding": head("Transfer-Encoding: gzip, chunked") + b"0\r\n\r\n",
    "chunked that is not last": head("Transfer-Encoding: chunked, identity") + b"0\r\n\r\n",
    "a coding like chunked": head("Transfer-Encoding: xchunked") + b"0\r\n\r\n",
    "chunked beside a length": head("Transfer-Encoding: chunked", LENGTH) + b"0\r\n\r\n",
    "a chunk size that is no number": head("Transfer-Encoding: chunked") + b"zz\r\nabc\r\n0\r\n\r\n",
    "a negative chunk size": head("Transfer-Encoding: chunked") + b"-1\r\nabc\r\n0\r\n\r\n",
    "a chunk size with a prefix": head("Transfer-Encoding: chunked") + b"0x3\r\nabc\r\n0\r\n\r\n",
    "an enormous chunk size": head("Transfer-Encoding: chunked") + b"f" * 40 + b"\r\nabc\r\n0\r\n\r\n",
    "a chunk without its end": head("Transfer-Encoding: chunked") + b"3\r\nabcdef\r\n0\r\n\r\n",
    "a space before the colon": head("Content-Length : 3") + b"{}\n",
    "a header without a colon": head("Nonsense") + BODY,
    "a header without a name": head(": x") + BODY,
    "a folded header": head("X-A: b", " c", LENGTH) + BODY,
    "a zero in a header": head("X-A: b\0c", LENGTH) + BODY,
    "a bare return in a header": head("X-A: b\rc", LENGTH) + BODY,
    "no version": b"POST /v1/track\r\n\r\n",
    "an unknown version": head(LENGTH, version="HTTP/9.9x") + BODY,
    "no request": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "a space in the path": head(LENGTH, path="/v1/ track") + BODY,
}


@pytest.mark.parametrize("name", BAD_FRAMES)
async def test_a_request_with_a_bad_frame_is_refused_and_the_connection_closed(name: str) -> None:
    reply = await answered_and_closed(BAD_FRAMES[name])

    assert reply.status == 400
    assert reply.code


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a long request line", head(LENGTH, path="/v1/track?a=" + "x" * 9_000) + BODY),
        ("a long method", b"P" * 9_000 + b" /v1/track HTTP/1.1\r\n\r\n"),
        ("a long header", head("X-A: " + "x" * 9_000, LENGTH) + BODY),
        ("a long header name", head("X" * 9_000 + ": a", LENGTH) + BODY),
        ("a line without end", b"POST /" + b"x" * 100_000),
        ("a header without end", b"POST /v1/track HTTP/1.1\r\nX-A: " + b"x" * 100_000),
        ("many headers", head(*(f"X-{number}: a" for number in range(201)), LENGTH) + BODY),
        ("heavy headers", head(*(f"X-{number}: {'x' * 4_000}" for number in range(17)), LENGTH) + BODY),
    ],
)
async def test_a_head_that_is_too_large_is_refused_and_the_connection_closed(name: str, data: bytes) -> None:
    reply = await answered_and_closed(data)

    assert reply.status in (400, 414, 431)
    assert reply.code


@pytest.mark.parametrize(
    "lines",
    [
        ["X-A: " + "x" * 8_000],
        [f"X-{number}: a" for number in range(190)],
        [f"X-{number}: {'x' * 4_000}" for number in range(15)],
    ],
)
async def test_a_large_head_within_the_limits_is_accepted(lines: list[str]) -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(head(*lines, LENGTH) + BODY)

        assert (await connection.reply()).status == 200


async def test_a_long_request_line_within_the_limit_is_accepted() -> None:
    async with running() as rig:
        assert (await ask(rig, "/v1/track?a=" + "x" * 8_000, track())).status == 200


async def test_two_equal_lengths_are_refused_or_one() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(head(LENGTH, LENGTH) + BODY)

        assert (await connection.reply()).status in (200, 400)


async def test_a_length_over_the_limit_is_refused_before_the_body_comes() -> None:
    reply = await answered_and_closed(head("Content-Length: 600000", path="/v1/batch"))

    assert (reply.status, reply.code) == (400, "payload_too_large")


async def test_an_enormous_length_is_refused_before_the_body_comes() -> None:
    reply = await answered_and_closed(head("Content-Length: " + "9" * 15, path="/v1/batch"))

    assert (reply.status, reply.code) == (400, "payload_too_large")


@pytest.mark.parametrize("path", ["/v1/m", "/v1/attribution", "/v1/nothing", "/health"])
async def test_no_path_reads_a_body_without_end(path: str) -> None:
    reply = await answered_and_closed(head("Content-Length: 999999999", path=path) + b"x" * 100_000)

    assert reply.status in (400, 404, 405)


async def test_a_chunked_body_is_cut_off_soon_after_the_limit() -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    sent = 0
    async with running() as rig, await connect(rig) as connection:
        connection.send(head("Transfer-Encoding: chunked", path="/v1/batch"))
        try:
            while sent < 1000:
                connection.send(chunk)
                await connection.writer.drain()
                sent += 1
        except ConnectionError:
            pass

    assert sent < 1000


async def test_a_chunked_body_over_the_limit_is_answered() -> None:
    chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
    reply = await answered_and_closed(head("Transfer-Encoding: chunked", path="/v1/batch") + chunk * 8)

    assert (reply.status, reply.code) == (400, "payload_too_large")


async def test_a_chunked_body_in_small_pieces_is_read() -> None:
    chunks = b"".join(b"1;ext=1\r\n%c\r\n" % byte for byte in BODY)
    async with running() as rig, await connect(rig) as connection:
        connection.send(head("Transfer-Encoding: chunked") + chunks + b"0\r\nX-Trailer: a\r\n\r\n")

        assert (await connection.reply()).status == 200
        assert len(await rig.shelf.wait(1)) == 1


@pytest.mark.parametrize(
    "data",
    [
        GOOD[:10],
        GOOD[: -len(BODY) - 4],
        GOOD[: -len(BODY)],
        GOOD[:-1],
        head("Transfer-Encoding: chunked"),
        head("Transfer-Encoding: chunked") + b"3\r\n{}",
    ],
)
async def test_a_request_that_does_not_arrive_in_time_is_answered_408_and_closed(data: bytes) -> None:
    async with running(HASTY) as rig, await connect(rig) as connection:
        connection.send(data)
        reply = await connection.reply()

        assert (reply.status, reply.code) == (408, "request_timeout")
        assert await connection.is_closed()


@pytest.mark.parametrize("rest", [len(BODY) + 100, len(BODY)])
async def test_a_request_that_trickles_in_is_answered_408(rest: int) -> None:
    async with running(HASTY) as rig, await connect(rig) as connection:
        connection.send(GOOD[:-rest])
        async with asyncio.TaskGroup() as tasks:
            reading = tasks.create_task(connection.reply())
            trickling = tasks.create_task(_trickle(connection.writer, GOOD[-rest:]))
            reply = await reading
            trickling.cancel()

        assert reply.status == 408


async def _trickle(writer: asyncio.StreamWriter, data: bytes) -> None:
    """Send a byte each 30 ms: much slower than the router waits."""
    ticks = asyncio.Event()
    for byte in data:
        writer.write(bytes([byte]))
        try:
            await asyncio.wait_for(ticks.wait(), 0.03)
        except TimeoutError:
            continue


async def test_a_second_request_that_does_not_arrive_in_time_is_answered_408() -> None:
    async with running(HASTY) as rig, await connect(rig) as connection:
        connection.send(GOOD + GOOD[:-1])

        assert (await connection.reply()).status == 200
        assert (await connection.reply()).status == 408


async def test_a_connection_may_be_idle_between_requests_for_longer_than_a_request_may_take() -> None:
    async with running(HASTY) as rig, await connect(rig) as idle, await connect(rig) as slow:
        idle.send(GOOD)
        await idle.reply()
        for _ in range(2):  # the time that a request may take passes twice
            async with await connect(rig) as slow:
                slow.send(GOOD[:-1])
                assert (await slow.reply()).status == 408
        idle.send(GOOD)

        assert (await idle.reply()).status == 200


async def test_a_new_connection_may_be_idle_for_longer_than_a_request_may_take() -> None:
    async with running(HASTY) as rig, await connect(rig) as idle:
        async with await connect(rig) as slow:
            slow.send(GOOD[:-1])
            assert (await slow.reply()).status == 408
        idle.send(GOOD)

        assert (await idle.reply()).status == 200
