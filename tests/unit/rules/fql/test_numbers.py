"""Numbers as JavaScript writes and reads them."""

import math

import pytest

from router.rules.fql.numbers import number_text, read_number


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0"),
        (-0.0, "0"),
        (5, "5"),
        (5.0, "5"),
        (-1.5, "-1.5"),
        (100, "100"),
        (123456.789, "123456.789"),
        (1e20, "100000000000000000000"),
        (1e21, "1e+21"),
        (1.5e21, "1.5e+21"),
        (1e-6, "0.000001"),
        (1e-7, "1e-7"),
        (0.1, "0.1"),
        (2**53 + 1, "9007199254740992"),
        (10**400, "Infinity"),
        (-(10**400), "-Infinity"),
        (math.inf, "Infinity"),
        (math.nan, "NaN"),
    ],
)
def test_a_number_is_written(number: float, text: str) -> None:
    assert number_text(number) == text


@pytest.mark.parametrize(
    ("text", "number"),
    [("", 0), (" 5 ", 5), ("-.5", -0.5), ("5.", 5), ("1e3", 1000), ("-Infinity", -math.inf)],
)
def test_a_number_is_read(text: str, number: float) -> None:
    assert read_number(text) == number


@pytest.mark.parametrize("text", ["x", "5x", "1_000", "nan", "inf", "--5", "."])
def test_what_is_no_number_is_not_a_number(text: str) -> None:
    assert math.isnan(read_number(text))
