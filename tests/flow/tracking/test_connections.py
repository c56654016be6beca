"""Connections: kept, piped, closed, cut, and many of them (tracking-api 6.3)."""

import asyncio
import socket
import struct
from typing import Any

import pytest

from router.testing.running import running
from tests.flow.tracking.client import DEMO, ask, connect, encoded, request_bytes, track

BODY = encoded(track())
GOOD = request_bytes("POST", "/v1/track", BODY, DEMO)
PIECES = [1, 2, 7, 64]


async def test_a_connection_takes_one_request_after_the_other() -> None:
    async with running() as rig, await connect(rig) as connection:
        for _ in range(5):
            connection.send(GOOD)
            assert (await connection.reply()).status == 200

        assert len(await rig.shelf.wait(5)) == 5


async def test_requests_may_be_piped() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(GOOD * 50)

        assert [(await connection.reply()).status for _ in range(50)] == [200] * 50
        assert len(await rig.shelf.wait(50)) == 50


async def test_answers_come_in_the_order_of_piped_requests() -> None:
    bad = request_bytes("POST", "/v1/track", b"{bad", DEMO)
    empty = request_bytes("POST", "/v1/track", b"", DEMO)
    unknown = request_bytes("POST", "/v1/nothing", BODY, DEMO)
    async with running() as rig, await connect(rig) as connection:
        connection.send((GOOD + bad + empty + unknown) * 3)

        assert [(await connection.reply()).status for _ in range(12)] == [200, 400, 400, 404] * 3


@pytest.mark.parametrize("size", PIECES)
async def test_a_request_may_come_in_pieces(size: int) -> None:
    async with running() as rig, await connect(rig) as connection:
        for at in range(0, len(GOOD), size):
            connection.send(GOOD[at : at + size])
            await connection.writer.drain()

        assert (await connection.reply()).status == 200


async def test_an_empty_body_is_answered_and_the_connection_stays() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("POST", "/v1/track", b"", DEMO))
        assert (await connection.reply()).code == "invalid_json"
        connection.send(GOOD)

        assert (await connection.reply()).status == 200


async def test_a_post_without_length_has_an_empty_body() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(b"POST /v1/track HTTP/1.1\r\nHost: a\r\n\r\n" + GOOD)

        assert [(await connection.reply()).status for _ in range(2)] == [400, 200]


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/pixel/track", "/health"])
async def test_a_refused_request_whose_body_came_leaves_the_connection_usable_or_closes_it(path: str) -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("POST", path, BODY, DEMO))
        reply = await connection.reply()

        assert reply.status in (404, 405)
        if reply.headers.get("connection") == "close":
            assert await connection.is_closed()
        else:
            connection.send(GOOD)
            assert (await connection.reply()).status == 200


async def test_a_client_that_asks_for_it_is_closed_after_the_answer() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("POST", "/v1/track", BODY, {**DEMO, "Connection": "close"}))
        reply = await connection.reply()

        assert (reply.status, reply.headers["connection"]) == (200, "close")
        assert await connection.is_closed()


async def test_what_follows_a_request_that_asks_to_close_is_not_taken() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("POST", "/v1/track", BODY, {**DEMO, "Connection": "close"}) + GOOD)
        reply = await connection.reply()
        assert await connection.is_closed()
        await rig.drained()

        assert len(rig.delivered) == (1 if reply.status == 200 else 0)


async def test_http_1_0_is_answered_and_closed() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(GOOD.replace(b"HTTP/1.1", b"HTTP/1.0"))

        assert (await connection.reply()).status == 200
        assert await connection.is_closed()


async def test_http_1_0_stays_open_when_the_client_asks_for_it() -> None:
    old = GOOD.replace(b"HTTP/1.1\r\n", b"HTTP/1.0\r\nConnection: keep-alive\r\n")
    async with running() as rig, await connect(rig) as connection:
        connection.send(old)
        assert (await connection.reply()).headers["connection"] == "keep-alive"
        connection.send(old)

        assert (await connection.reply()).status == 200


async def test_a_client_that_waits_for_100_is_told_to_continue() -> None:
    data = request_bytes("POST", "/v1/track", BODY, {**DEMO, "Expect": "100-continue"})
    async with running() as rig, await connect(rig) as connection:
        connection.send(data[: -len(BODY)])
        first = await connection.reply()
        connection.send(BODY)

        assert first.status == 100
        assert (await connection.reply()).status == 200


async def test_a_client_that_expects_100_but_sends_at_once_is_answered() -> None:
    data = request_bytes("POST", "/v1/track", BODY, {**DEMO, "Expect": "100-continue"})
    async with running() as rig, await connect(rig) as connection:
        connection.send(data)
        reply = await connection.reply()
        if reply.status == 100:
            reply = await connection.reply()

        assert reply.status == 200


async def test_a_body_that_is_too_large_is_refused_instead_of_continued() -> None:
    headers = {**DEMO, "Expect": "100-continue", "Content-Length": "600000"}
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("POST", "/v1/batch", b"", headers))

        assert (await connection.reply()).status == 400
        assert await connection.is_closed()


async def test_another_expectation_is_answered_as_json() -> None:
    async with running() as rig:
        reply = await ask(rig, "/v1/track", track(), headers={**DEMO, "Expect": "a miracle"})

    assert reply.status == 200 or (reply.status == 417 and reply.code)


@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "TLS/1.2"])
async def test_an_upgrade_is_not_taken(upgrade: str) -> None:
    headers = {**DEMO, "Connection": "Upgrade", "Upgrade": upgrade}
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("POST", "/v1/track", BODY, headers))

        assert (await connection.reply()).status in (200, 400)


async def test_the_answer_to_head_has_no_body_and_the_connection_stays() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("HEAD", "/health", b"", {}))
        reply = await connection.reply(method="HEAD")
        connection.send(GOOD)

        assert (reply.status, int(reply.headers["content-length"]) > 0) == (200, True)
        assert (await connection.reply()).status == 200


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/track", "/v1/projects/unknown/settings"])
async def test_the_answer_to_a_refused_head_has_no_body_and_the_connection_stays(path: str) -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(request_bytes("HEAD", path, b"", {}))
        await connection.reply(method="HEAD")
        connection.send(GOOD)

        assert (await connection.reply()).status == 200


async def test_a_client_that_goes_away_during_the_commit_does_not_disturb_others() -> None:
    async with running() as rig:
        leaving = [await connect(rig) for _ in range(20)]
        staying = [await connect(rig) for _ in range(20)]
        for left, stayed in zip(leaving, staying, strict=True):
            left.send(GOOD)
            stayed.send(GOOD)
            left.writer.transport.abort()
        replies = [await connection.reply() for connection in staying]
        await rig.drained()
        for connection in (*leaving, *staying):
            connection.writer.close()

        assert {reply.status for reply in replies} == {200}
        assert 20 <= len(rig.delivered) <= 40


async def test_a_client_that_resets_leaves_the_router_well() -> None:
    async with running() as rig:
        for _ in range(10):
            connection = await connect(rig)
            plug = connection.writer.get_extra_info("socket")
            plug.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            connection.send(GOOD[:-3])
            connection.writer.close()

        assert (await ask(rig, "/v1/track", track())).status == 200


async def test_a_client_that_reads_no_answers_does_not_disturb_others() -> None:
    config: dict[str, Any] = {"sources": {"website": {"write_key": "wk_demo", "rate_limit": 0}}}
    async with running(config) as rig, await connect(rig) as deaf:
        deaf.send(request_bytes("GET", "/v1/projects/wk_demo/settings", b"", {}) * 2_000)

        assert (await ask(rig, "/v1/track", track())).status == 200


async def test_an_answer_is_sent_whole_to_a_client_that_half_closed() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(GOOD)
        connection.writer.write_eof()

        assert (await connection.reply()).status == 200


async def test_requests_on_their_way_are_answered_when_the_router_stops() -> None:
    async with running() as rig, await connect(rig) as connection:
        connection.send(GOOD)
        async with asyncio.TaskGroup() as tasks:
            reply = tasks.create_task(connection.reply())
            await rig.shelf.wait(1)
            await rig.stop()
        await rig.start()

        assert reply.result().status == 200
