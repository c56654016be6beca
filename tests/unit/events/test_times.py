"""Times as clients write them: every documented form is understood, nothing absurd breaks."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.events.times import format_instant, parse_instant

TEN = 1_903_860_000_000
"""2030-05-01T10:00:00.000Z."""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2030-05-01T10:00:00.000Z", TEN),
        ("2030-05-01T10:00:00Z", TEN),
        ("2030-05-01T10:00:00+00:00", TEN),
        ("2030-05-01T12:00:00+02:00", TEN),
        ("2030-05-01T10:00:00", TEN),
        ("2030-05-01 10:00:00", TEN),
        ("2030-05-01t10:00:00z", TEN),
        ("2030-05-01T10:00:00.123456789Z", TEN + 123),
        ("2030-05-01", TEN - 10 * 3_600_000),
        (" 2030-05-01T10:00:00Z ", TEN),
        ("0001-01-01T00:00:00+14:00", -62_135_596_800_000 - 14 * 3_600_000),
    ],
)
def test_a_written_time_is_understood(text: str, expected: int) -> None:
    assert parse_instant(text) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(1_903_860_000, TEN), (1_903_860_000.5, TEN + 500), (TEN, TEN), (float(TEN), TEN), (0, 0), (-1, -1000)],
)
def test_a_number_counts_seconds_until_it_must_be_milliseconds(number: float, expected: int) -> None:
    assert parse_instant(number) == expected


@pytest.mark.parametrize(
    "value",
    [
        "",
        "soon",
        "2030-13-01",
        "99999-01-01",
        "x" * 100_000,
        10**400,
        -(10**30),
        1e308,
        float("inf"),
        float("-inf"),
    ],
)
def test_what_is_no_time_is_none(value: str | float) -> None:
    assert parse_instant(value) is None


@pytest.mark.parametrize(
    ("milliseconds", "expected"),
    [
        (TEN, "2030-05-01T10:00:00.000Z"),
        (TEN + 7, "2030-05-01T10:00:00.007Z"),
        (-1, "1969-12-31T23:59:59.999Z"),
        (10**30, "9999-12-31T23:59:59.999Z"),
        (-(10**30), "0001-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_is_written_in_one_form(milliseconds: int, expected: str) -> None:
    assert format_instant(milliseconds) == expected


@given(st.integers(-62_135_596_800_000, 253_402_300_799_999))
def test_what_is_written_reads_as_the_same_moment(milliseconds: int) -> None:
    assert parse_instant(format_instant(milliseconds)) == milliseconds


@given(st.one_of(st.text(), st.integers(), st.floats(allow_nan=False)))
def test_no_value_breaks_the_reading_of_times(value: str | float) -> None:
    read = parse_instant(value)

    assert read is None or isinstance(format_instant(read), str)
