"""What the tests of kills and bad days share."""

from collections.abc import AsyncIterator

import pytest

from tests.crash.sink import Sink


@pytest.fixture
async def sink() -> AsyncIterator[Sink]:
    """A webhook of the test's own."""
    one = Sink()
    await one.open()
    yield one
    await one.close()
