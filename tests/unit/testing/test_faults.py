"""The fake service misbehaves as told: late, busy, now and then, or only with a fresh token."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from router.delivery.sending.http import HttpClient
from router.plugins.request import Answer, Request
from router.testing import FakeHttp, ManualClock, Reply, TokenEndpoint, first_of, flaky, rate_limited


@pytest.fixture
async def client() -> AsyncIterator[HttpClient]:
    one = HttpClient()
    yield one
    await one.close()


async def get(client: HttpClient, url: str, token: str = "") -> Answer:
    return await client.send(Request.get(url, headers={"Authorization": f"Bearer {token}"}))


async def test_a_late_answer_comes_when_the_clock_is_moved(client: HttpClient) -> None:
    clock = ManualClock()
    async with FakeHttp(clock=clock) as service, asyncio.TaskGroup() as tasks:
        service.script(Reply(delay=5, status=202))
        sending = tasks.create_task(get(client, service.url))
        assert await clock.wait_for_sleeper() == 5

        clock.advance(5)

        assert (await sending).status == 202


async def test_a_rate_limit_says_how_long_to_wait(client: HttpClient) -> None:
    clock = ManualClock()
    async with FakeHttp() as service:
        service.rule = rate_limited(2, per=60, clock=clock)
        clock.advance(15)

        answers = [await get(client, service.url) for _ in range(3)]
        clock.advance(45)
        later = await get(client, service.url)

    assert [one.status for one in answers] == [200, 200, 429]
    assert answers[2].headers["retry-after"] == "45"
    assert later.status == 200


async def test_every_nth_request_fails(client: HttpClient) -> None:
    async with FakeHttp() as service:
        service.rule = flaky(3, about=lambda received: received.path == "/x")

        statuses = [
            (await get(client, service.url + path)).status for path in ("/x", "/y", "/x", "/y", "/x", "/x")
        ]

    assert statuses == [200, 200, 200, 200, 503, 200]


async def test_a_token_is_wanted_issued_and_revoked(client: HttpClient) -> None:
    tokens = TokenEndpoint("/oauth")
    async with FakeHttp() as service:
        service.rule = first_of(tokens, flaky(100))

        before = (await get(client, service.url)).status
        token = (await get(client, service.url + "/oauth")).json()["access_token"]
        fresh = (await get(client, service.url, token)).status
        tokens.revoke()
        revoked = (await get(client, service.url, token)).status

    assert (token, tokens.issued) == ("token-1", 1)
    assert (before, fresh, revoked) == (401, 200, 401)
