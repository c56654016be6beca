"""What an operator asks the router over HTTP."""

import aiohttp
import pytest

from router.testing.running import running


@pytest.mark.parametrize(("path", "word"), [("/health", "ok"), ("/ready", "ok"), ("/metrics", "router_")])
async def test_the_operator_is_answered_and_no_page_may_read_it(path: str, word: str) -> None:
    async with (
        running() as rig,
        aiohttp.ClientSession() as session,
        session.get(rig.url + path, headers={"Origin": "https://evil.test"}) as answer,
    ):
        assert answer.status == 200
        assert word in await answer.text()
        assert not any(name.startswith("Access-Control") for name in answer.headers)
