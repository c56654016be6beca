"""What somebody sends, or writes, to make a mapping slow or large is refused or costs little."""

from time import thread_time
from typing import Any

import msgspec
import pytest
from msgspec import UNSET

from router.rules.mapping.compiler import DEEPEST, compile_mapping
from router.rules.mapping.failed import LONGEST_TEXT, MappingFailed
from router.rules.mapping.refused import MappingRefused

PLENTY = 1.0
"""Seconds of processor time; what is not bounded takes minutes or all of the memory."""
TEXT = {"@path": "$.text"}
LONG = "a" * 32_000


def mapped(value: object, event: dict[str, Any]) -> Any:
    """The value of one field, made within the limit."""
    mapping = compile_mapping({"field": value})
    begun = thread_time()
    try:
        return mapping(event).get("field", UNSET)
    finally:
        assert thread_time() - begun < PLENTY


def nested(depth: int, innermost: Any = None) -> Any:
    value = innermost
    for level in range(depth):
        value = {"k": value} if level % 2 else [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        {"@flatten": {"value": TEXT, "separator": "."}},
        {"@excludeWhenNull": TEXT},
        {"@json": {"mode": "encode", "value": TEXT}},
        {"@template": "{{text}}"},
        {"@if": {"blank": TEXT, "then": 1}},
        [NOWHERE := {"@path": "$.nowhere"}, TEXT],
        {"@liquid": "{{ text }}"},
    ],
)
def test_an_event_that_is_nested_deeply_does_no_harm(value: object) -> None:
    mapped(value, {"text": nested(3_000)})


def test_names_that_grow_with_the_depth_are_bounded() -> None:
    deep: Any = 1
    for level in range(900):
        deep = {"k" * 30: deep, f"leaf{level}": level}

    with pytest.raises(MappingFailed, match="@flatten makes more than"):
        mapped({"@flatten": {"value": TEXT, "separator": "_" * 30}}, {"text": deep})


@pytest.mark.parametrize(
    "text", ["{" * 32_000, "{{" * 16_000 + "}", "{{a" * 10_000, "{{{a}" * 6_000, "{{}}" * 8_000]
)
def test_a_template_out_of_an_event_is_read_in_linear_time(text: str) -> None:
    assert mapped({"@template": TEXT}, {"text": text}) == text.replace("\0", "")


def test_a_template_that_repeats_a_long_value_is_bounded() -> None:
    with pytest.raises(MappingFailed, match="@template makes more than"):
        mapped({"@template": TEXT}, {"text": "{{long}}" * 4_000, "long": LONG})


def test_a_pattern_is_no_regular_expression() -> None:
    event = {"text": "a" * 30_000 + "!"}

    for pattern in ("(a+)+$", "(a|a)*b", ".*.*.*.*b"):
        for ignorecase in (False, True):
            value = {"@replace": {"pattern": pattern, "value": TEXT, "ignorecase": ignorecase}}
            assert mapped(value, event) == event["text"]


def test_replacing_again_and_again_is_bounded() -> None:
    value: Any = TEXT
    for _ in range(8):
        value = {"@replace": {"pattern": "a", "replacement": "a" * 10, "value": value}}

    with pytest.raises(MappingFailed, match="@replace makes more than"):
        mapped(value, {"text": LONG})


def test_what_stands_before_a_match_is_not_repeated() -> None:
    value = {"@replace": {"pattern": "a", "replacement": "$`$'$`$'", "value": TEXT}}

    assert mapped(value, {"text": "aba"}) == "$`$'$`$'b$`$'$`$'"


@pytest.mark.parametrize(
    "template",
    [
        "{% assign a = text %}" + "{% assign a = a | append: a %}" * 30,
        "{% capture a %}{{ text }}{{ text }}{% endcapture %}"
        + "{% capture a %}{{ a }}{{ a }}{% endcapture %}" * 20,
        '{{ text | replace: "", text }}',
        '{{ text | replace: "a", text }}',
        '{{ text | split: "" | join: text }}',
        "{{ text }}" * 99,
    ],
)
def test_a_liquid_template_that_multiplies_is_bounded(template: str) -> None:
    with pytest.raises(MappingFailed, match=r"makes more than|limit reached"):
        mapped({"@liquid": template}, {"text": LONG})


def test_a_liquid_template_does_not_try_to_read_a_long_text_as_a_date() -> None:
    template = "{{ text | date: '%Y' }}" * 40

    assert mapped({"@liquid": template}, {"text": "1" * 20_000}) == "1" * 800_000


@pytest.mark.parametrize(
    "filter_", ["divided_by: 0", "modulo: 0", "times: text", "date: text", "slice: text", "round: text"]
)
@pytest.mark.parametrize("value", [None, 1e308, "x", {"a": 1}, [{"b": None}], True])
def test_a_liquid_filter_that_gets_nonsense_fails_only_that_event(filter_: str, value: object) -> None:
    try:
        made = mapped({"@liquid": "{{ text | " + filter_ + " }}"}, {"text": value})
    except MappingFailed:
        return
    assert isinstance(made, str)


def test_a_mapping_that_is_nested_too_deeply_is_refused() -> None:
    for wrap in (
        lambda inner: {"k": inner},
        lambda inner: [inner],
        lambda inner: {"@excludeWhenNull": inner},
    ):
        value: Any = TEXT
        for _ in range(5_000):
            value = wrap(value)

        with pytest.raises(MappingRefused, match=f"nested more than {DEEPEST} deep"):
            compile_mapping({"field": value})


def test_a_large_mapping_is_no_problem() -> None:
    mapping = {f"field{n}": {"@template": "x" * 100 + "{{text}}"} for n in range(2_000)}

    begun = thread_time()
    made = compile_mapping(mapping)({"text": "y"})

    assert len(made) == 2_000
    assert thread_time() - begun < PLENTY


def test_a_long_text_within_the_limit_is_mapped() -> None:
    value = {"@replace": {"pattern": "a", "replacement": "b" * 10, "value": TEXT}}

    assert len(mapped(value, {"text": LONG})) == 320_000 < LONGEST_TEXT


def test_bad_json_inside_an_event_stays_text() -> None:
    value = {"@json": {"mode": "decode", "value": TEXT}}
    for text in ("[" * 30_000, '{"a":', "", "\x00", '"\\ud800"', "1e", "﻿1"):
        assert mapped(value, {"text": text}) == text
    assert msgspec.json.encode(mapped(value, {"text": "1" * 5_000}))
