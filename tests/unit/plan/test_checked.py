"""The quick check and the library agree, over schemas and events that nobody would write down."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.rules.plan.checked import Checked, _quick
from router.rules.plan.library import validator
from router.rules.plan.names import names_of, without_unplanned
from router.testing import events

NAMES = ("a", "b c", "d.e", "__proto__", "f0", "type")
numbers = st.one_of(
    st.integers(-3, 3),
    st.integers(),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1.0, 1e300]),
)
words = st.sampled_from(["", "a", "ab", "x-1", "2030-01-01T00:00:00Z", "é", "\U0001f600"])
values = st.recursive(
    st.one_of(st.none(), st.booleans(), numbers, words),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=4)
    ),
    max_leaves=8,
)
TYPES = ("string", "integer", "number", "boolean", "null", "array", "object")
limits = st.one_of(st.integers(-3, 3), st.sampled_from([1.5, 2**63, 10**30]))


def optional(**keywords: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=keywords)


def schemas_over(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    types = st.one_of(
        st.sampled_from(TYPES), st.lists(st.sampled_from(TYPES), min_size=1, max_size=3, unique=True)
    )
    return st.builds(
        lambda *parts: {key: value for part in parts for key, value in part.items()},
        optional(type=types, title=st.just("t")),
        optional(minimum=limits, maximum=limits, exclusiveMinimum=limits, multipleOf=st.just(2)),
        optional(
            minLength=st.integers(0, 2), maxLength=st.integers(0, 2), pattern=st.sampled_from(["^(a|ab)$", "^a", "b"]),
            format=st.sampled_from(["date-time", "email", "nonsense"]),
        ),
        optional(
            items=st.one_of(inner, st.lists(inner, min_size=1, max_size=2)),
            minItems=st.integers(0, 2), maxItems=st.integers(0, 2), uniqueItems=st.booleans(),
        ),
        optional(
            properties=st.dictionaries(st.sampled_from(NAMES), inner, max_size=4),
            required=st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
            additionalProperties=st.one_of(st.booleans(), inner),
        ),
        optional(
            enum=st.lists(st.one_of(words, st.integers(-3, 3), st.none(), st.booleans()), min_size=1, unique=True)
        ),
        optional(anyOf=st.lists(inner, min_size=1, max_size=2)),
    )  # fmt: skip


schemas = st.recursive(st.one_of(st.booleans(), schemas_over(st.just({}))), schemas_over, max_leaves=5)
wholes = st.builds(
    lambda properties, required, user: {
        "properties": {"properties": properties, "userId": user, "context": {}}, "required": required
    },
    schemas,
    st.lists(st.sampled_from(["properties", "userId", "traits", "event"]), max_size=2, unique=True),
    st.sampled_from([{}, {"type": "string"}, {"enum": ["u1"]}, {"enum": ["u2"]}, {"type": "null"}]),
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(wholes, st.dictionaries(st.sampled_from(NAMES), values, max_size=4))
def test_the_quick_check_takes_nothing_that_the_library_refuses(schema: Any, properties: Any) -> None:
    event = events.track("A", properties=properties)
    quick = _quick(schema, "")
    expected = validator(schema).is_valid(json.loads(event.json))

    assert Checked(schema).accepts(event) == expected
    assert expected or quick is None or not quick(event)


@settings(max_examples=400, deadline=None)
@given(wholes, st.dictionaries(st.sampled_from((*NAMES, "other")), values, max_size=4))
def test_the_exact_check_takes_nothing_that_has_unplanned_names(schema: Any, properties: Any) -> None:
    event = events.track("A", properties=properties)
    omitted: dict[str, None] = {}
    without_unplanned(event.properties, names_of(schema, "properties"), omitted)

    if Checked(schema, names_only_in="properties").is_exact(event):
        assert not omitted
        assert validator(schema).is_valid(json.loads(event.json))


PLAIN = {
    "type": "object",
    "required": ["sku"],
    "properties": {
        "sku": {"type": "string", "maxLength": 20},
        "price": {"type": ["number", "null"], "minimum": 0},
        "kind": {"type": "string", "pattern": "^(book|toy)$"},
        "items": {"type": "array", "items": {"type": "object", "properties": {"n": {"type": "integer"}}}},
        "when": {"type": "string", "format": "date-time"},
    },
}


@pytest.mark.parametrize(("properties", "is_right"), [
    ({"sku": "a"}, True),
    ({"sku": "a", "price": None, "kind": "toy", "items": [{"n": 1}], "when": "2030-01-01T00:00:00Z"}, True),
    ({}, False),
    ({"sku": "a", "price": -1}, False),
    ({"sku": "a", "kind": "toys"}, False),
    ({"sku": "a", "kind": "toy\n"}, False),
    ({"sku": "a", "items": [{"n": "1"}]}, False),
    ({"sku": "a", "when": "yesterday"}, False),
    ({"sku": "a", "when": "2030-01-01"}, False),
])  # fmt: skip
def test_what_plans_usually_say_is_checked_quickly(properties: Any, is_right: bool) -> None:
    quick = _quick({"properties": {"properties": PLAIN}, "required": ["properties"]}, "properties")

    assert quick is not None
    assert quick(events.track("A", properties=properties)) is is_right


def test_an_integer_written_as_a_fraction_is_an_integer_all_the_same() -> None:
    checked = Checked({"properties": {"properties": {"properties": {"n": {"type": "integer"}}}}})

    assert checked.is_quick
    assert checked.accepts(events.track("A", properties={"n": 96.0}))


@pytest.mark.parametrize("number", ["1e400", "-1e400", "1" * 400, "1" * 5000])
def test_huge_numbers_are_judged_and_break_nothing(number: str) -> None:
    event = events.track("A").replace(properties_json=b'{"n":%s}' % number.encode())

    assert isinstance(
        Checked({"properties": {"properties": {"properties": {"n": {"type": "number"}}}}}).accepts(event),
        bool,
    )


def test_a_pattern_that_backtracks_elsewhere_takes_no_time() -> None:
    checked = Checked({"properties": {"properties": {"properties": {"a": {"pattern": "^(a+)+$"}}}}})

    assert not checked.accepts(events.track("A", properties={"a": "a" * 30_000 + "b"}))
