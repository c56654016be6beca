"""A fake service for each test."""

from collections.abc import AsyncIterator

import pytest

from router.testing.fake_http import FakeHttp


@pytest.fixture
async def service() -> AsyncIterator[FakeHttp]:
    async with FakeHttp() as one:
        yield one
