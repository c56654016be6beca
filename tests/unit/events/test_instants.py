"""Times as clients write them, and as the router writes them."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.events.times import format_instant, parse_instant

FIRST = -62_135_596_800_000
LAST = 253_402_300_799_999
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

READ: list[tuple[Any, int]] = [
    ("1970-01-01T00:00:00.000Z", 0),
    ("1969-12-31T23:59:59.999Z", -1),
    ("0001-01-01T00:00:00.000Z", FIRST),
    ("9999-12-31T23:59:59.999Z", LAST),
    ("2024-02-29T00:00:00.000Z", 1_709_164_800_000),
    ("1970-01-01T00:00:00.001999Z", 1),
    ("1970-01-01T00:00:00.001999999Z", 1),
    ("1970-01-01", 0),
    ("1970-01-01T00:00:01", 1_000),
    ("1970-01-01T00:00:01z", 1_000),
    ("1970-01-01T01:00:00+01:00", 0),
    ("1969-12-31T23:00:00-01:00", 0),
    ("1970-01-01 00:00:00.000Z", 0),
    ("  1970-01-01T00:00:00Z\n", 0),
    (0, 0),
    (1, 1_000),
    (-1, -1_000),
    (1.5, 1_500),
    (99_999_999_999, 99_999_999_999_000),
    (100_000_000_000, 100_000_000_000),
    (-100_000_000_000, -100_000_000_000),
]
NO_TIMES: list[Any] = [
    "", " ", "Z", "now", "2030", "2030-13-01", "2030-02-30T00:00:00.000Z", "2023-02-29T00:00:00.000Z",
    "0000-01-01T00:00:00.000Z", "10000-01-01T00:00:00.000Z", "2030-05-01T24:00:00.000Z", "2030-05-01T10:60:00.000Z",
    "2030-05-01T10:00:60.000Z", "20300501T1000+02:00.000Z", "20300501T100000.000.000Z", "+030-05-01T10:00:00.000Z",
    "2030-05-01T10:00:00. 12Z", "2030-05-01T10:00:00.+12Z", "2030-05-01T10:00:00.000Z" * 3, "x" * 1_000_000,
    1e300, -1e300, float("inf"), float("-inf"), float("nan"), 10**400, 2.6e14,
]  # fmt: skip


@pytest.mark.parametrize(("value", "milliseconds"), READ)
def test_a_time_is_read(value: Any, milliseconds: int) -> None:
    assert parse_instant(value) == milliseconds


@pytest.mark.parametrize("value", NO_TIMES, ids=lambda value: str(value)[:40])
def test_what_is_no_time_is_none(value: Any) -> None:
    assert parse_instant(value) is None


@pytest.mark.parametrize(
    ("milliseconds", "text"),
    [
        (0, "1970-01-01T00:00:00.000Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (86_399_999, "1970-01-01T23:59:59.999Z"),
        (FIRST, "0001-01-01T00:00:00.000Z"),
        (FIRST - 1, "0001-01-01T00:00:00.000Z"),
        (LAST, "9999-12-31T23:59:59.999Z"),
        (LAST + 1, "9999-12-31T23:59:59.999Z"),
        (10**30, "9999-12-31T23:59:59.999Z"),
    ],
)
def test_a_time_is_written(milliseconds: int, text: str) -> None:
    assert format_instant(milliseconds) == text


@given(st.integers(FIRST, LAST))
def test_what_is_written_is_read_back(milliseconds: int) -> None:
    assert parse_instant(format_instant(milliseconds)) == milliseconds


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_is_read_as_the_standard_library_does(moment: datetime) -> None:
    assert parse_instant(moment.isoformat()) == (moment - EPOCH) // timedelta(milliseconds=1)


@given(st.text(max_size=70) | st.from_regex(r"[0-9+:T. Wz-]{19}\.[0-9]{3}Z", fullmatch=True))
def test_no_text_breaks_the_reading(text: str) -> None:
    try:
        moment = datetime.fromisoformat(text.strip().replace("z", "Z"))
        known = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - EPOCH
    except (ValueError, OverflowError):
        known = None

    read = parse_instant(text)

    assert read is None or known is None or read == known // timedelta(milliseconds=1)
