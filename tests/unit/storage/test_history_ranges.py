"""What a granularity answers for."""

import pytest

from router.storage.history import DAY, HOUR, MINUTE, Granularity, Range, RangeRefused, check_range, finest

NOW = 20_000 * DAY


def test_operations_27_minutes_of_49_hours_ago_are_refused() -> None:
    with pytest.raises(RangeRefused, match="minutes are kept for 48 hours"):
        check_range(Range("minute", NOW - 49 * HOUR, NOW - 48 * HOUR), NOW)


@pytest.mark.parametrize(
    ("granularity", "back", "span", "said"),
    [
        ("minute", 5 * HOUR, 4 * HOUR + 1, "by the minute at most 4 hours"),
        ("hour", 31 * DAY, HOUR, "hours are kept for 30 days"),
        ("hour", 20 * DAY, 14 * DAY + 1, "by the hour at most 14 days"),
        ("day", 401 * DAY, DAY, "days are kept for 400 days"),
        ("minute", HOUR, 0, "ends before it begins"),
        ("minute", HOUR, -1, "ends before it begins"),
    ],
)
def test_other_ranges_that_are_refused(granularity: Granularity, back: int, span: int, said: str) -> None:
    with pytest.raises(RangeRefused, match=said):
        check_range(Range(granularity, NOW - back, NOW - back + span), NOW)


@pytest.mark.parametrize(
    ("granularity", "back", "span"),
    [("minute", 48 * HOUR, 4 * HOUR), ("hour", 30 * DAY, 14 * DAY), ("day", 400 * DAY, 400 * DAY)],
)
def test_the_widest_ranges_are_answered(granularity: Granularity, back: int, span: int) -> None:
    check_range(Range(granularity, NOW - back, NOW - back + span), NOW)


@pytest.mark.parametrize(
    ("back", "found"),
    [(HOUR, "minute"), (4 * HOUR, "minute"), (5 * HOUR, "hour"), (15 * DAY, "day"), (500 * DAY, "day")],
)
def test_the_finest_granularity_that_answers_is_found(back: int, found: str) -> None:
    assert finest(NOW - back, NOW, NOW) == found


def test_a_range_begins_with_the_bucket_of_its_first_moment() -> None:
    assert list(Range("minute", MINUTE + 7, 3 * MINUTE).starts) == [MINUTE, 2 * MINUTE]
