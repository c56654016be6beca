"""What JSON text looks like, without decoding it."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rules.json_text import compact_size, is_deeper_than, opening_brackets, replace_lone_surrogates
from tests.unit.rules.requests import encoded, values


def depth(value: Any) -> int:
    inner = list(value.values()) if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 0


@given(values, st.booleans(), st.booleans())
def test_the_compact_size_is_that_of_compact_utf_8(value: Any, is_compact: bool, is_ascii: bool) -> None:
    text = encoded(value, is_compact=is_compact, is_ascii=is_ascii)

    assert compact_size(text) == len(encoded(value))


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (rb'"\u0041"', 3),
        (rb'"\u00e9"', 4),
        (rb'"\ud83d\ude00"', 6),
        (rb'"\n"', 4),
        (rb'"\u0000"', 8),
        (b' [ 1 , "a b" ] ', 9),
    ],
)
def test_an_escape_weighs_what_it_stands_for(text: bytes, size: int) -> None:
    assert compact_size(text) == size


@given(values)
def test_the_depth_is_the_nesting_whatever_stands_in_strings(value: Any) -> None:
    text = encoded({"[[{{": value})
    levels = depth(value) + 1

    assert is_deeper_than(text, levels - 1)
    assert not is_deeper_than(text, levels)


@pytest.mark.parametrize("text", [b"", b"[{", b"a{b[c" * 1000, b"{}" * 5000, bytes(range(256)) * 40])
def test_opening_brackets_of_both_kinds_are_counted(text: bytes) -> None:
    assert opening_brackets(text) == text.count(b"[") + text.count(b"{")


@given(st.binary(max_size=6000))
def test_opening_brackets_are_counted_in_any_bytes(text: bytes) -> None:
    assert opening_brackets(text) == text.count(b"[") + text.count(b"{")


PIECES = st.sampled_from(
    [r"\ud800", r"\uDBFF", r"\udc00", r"\uDFFF", r"\\", r"\u0041", "a", r"\"", r"\n", r"\ud83d\ude00"]
)


@given(st.lists(PIECES, max_size=8))
def test_after_the_repair_no_half_pair_is_left(pieces: list[str]) -> None:
    text = ('"' + "".join(pieces) + '"').encode()
    known = json.loads(text).encode("utf-16", "surrogatepass").decode("utf-16", "replace")

    repaired = json.loads(replace_lone_surrogates(text))

    assert repaired.encode().decode() == repaired
    assert repaired.replace("\ufffd", "") == known.replace("\ufffd", "")


@pytest.mark.parametrize("text", [rb'"\\ud800"', rb'"\ud83d\ude00"', b'"plain"', rb'"\\\\ud800"'])
def test_text_without_half_pairs_is_not_touched(text: bytes) -> None:
    assert replace_lone_surrogates(text) == text
