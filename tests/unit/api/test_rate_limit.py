"""The token bucket of a source."""

from router.api.rate_limit import RateLimit
from router.events.source import Source


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def source(rate: int, name: str = "web") -> Source:
    return Source(name=name, write_key="k", rate_limit=rate)


def test_a_burst_of_twice_the_rate_passes_and_no_more() -> None:
    limit = RateLimit(Clock())

    waits = [limit.wait(source(10)) for _ in range(21)]

    assert waits == [0] * 20 + [1]


def test_tokens_come_back_with_time() -> None:
    clock = Clock()
    limit = RateLimit(clock)
    while not limit.wait(source(10)):
        pass

    clock.now += 0.1

    assert [limit.wait(source(10)) for _ in range(2)] == [0, 1]


def test_zero_switches_the_limit_off() -> None:
    limit = RateLimit(Clock())

    assert {limit.wait(source(0)) for _ in range(10_000)} == {0}


def test_sources_do_not_share_a_bucket() -> None:
    limit = RateLimit(Clock())
    while not limit.wait(source(1, "web")):
        pass

    assert limit.wait(source(1, "app")) == 0


def test_a_clock_that_stands_still_gives_nothing() -> None:
    limit = RateLimit(Clock())
    for _ in range(2):
        limit.wait(source(1))

    assert [limit.wait(source(1)) for _ in range(3)] == [1, 1, 1]
