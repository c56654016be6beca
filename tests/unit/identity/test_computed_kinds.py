"""What each kind of computed trait makes of the values of a profile (identity 11)."""

import itertools
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.rules.identity.computed.kinds import KINDS, MOST_VALUES
from router.storage.computed_state import ComputedState


def taken(kind: str, *values: Any) -> ComputedState:
    """The state after events with these values, one a second; what the kind has no use for is passed over."""
    state = ComputedState("rule", kind)
    for number, value in enumerate(values):
        usable = KINDS[kind].usable(value)
        if usable is not None or not KINDS[kind].needs_property:
            KINDS[kind].add(state, 0, usable, (number * 1000, 0, f"m{number}"))
    return state


def result(kind: str, *values: Any) -> Any:
    json = KINDS[kind].result(taken(kind, *values).cells.values())
    return None if json is None else msgspec.json.decode(json)


@pytest.mark.parametrize(
    ("kind", "values", "expected"),
    [
        ("count", (None, "x", 3), 3),
        ("sum", (1, 2.5, "7", True, None, {}), 3.5),
        ("sum", (0.1, 0.2), 0.3),
        ("sum", (19.99, 19.99, 19.99), 59.97),
        ("sum", (1.5, -1.5), 0),
        ("sum", (1e300, 1, -1e300), 1),
        ("average", (1, 2), 1.5),
        ("average", (0.1, 0.2, 0.3), 0.2),
        ("min", (3, 1.5, 2), 1.5),
        ("max", (3, 1.5, 2.0), 3),
        ("first", ("a", "b"), "a"),
        ("last", ("a", None, ["b"], None), ["b"]),
        ("unique", ("b", "a", "b", 10, True, {}, None, 1.0, 1), [1, 10, "a", "b", True]),
        ("unique_count", ("b", "a", "b", 1), 3),
        ("unique_count", ("1", 1, True), 3),
    ],
)
def test_a_kind_comes_to_its_value(kind: str, values: tuple[Any, ...], expected: Any) -> None:
    assert result(kind, *values) == expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        (("a",), None),
        (("a", "b"), None),
        (("b", "a", "b"), "b"),
        (("b", "a", "b", "a"), "a"),
        (("B", "b", "b", "B"), "B"),
        ((2, 10, 2, 10), 10),
        ((1, 1.0), 1),
    ],
)
def test_identity_11_the_most_frequent_value_was_seen_twice_and_is_the_first_in_the_alphabet(
    values: tuple[Any, ...], expected: Any
) -> None:
    assert result("most_frequent", *values) == expected


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("count", 0), ("sum", 0), ("unique", []), ("unique_count", 0), ("average", None), ("min", None), ("max", None),
        ("first", None), ("last", None), ("most_frequent", None),
    ],
)  # fmt: skip
def test_what_nothing_comes_to(kind: str, expected: Any) -> None:
    assert result(kind) == expected


@pytest.mark.parametrize(
    ("kind", "known", "value"),
    [
        *(("sum", 7, one) for one in (float("inf"), -1e301, 10**400)),
        *(("max", 7, one) for one in (float("inf"), 1e301, 10**400)),
        *(("unique", "x", one) for one in (float("inf"), "x" * 1001, "\ud800")),
        *(("last", "x", one) for one in (float("inf"), ["x" * 1001], {"x": "\ud800"})),
    ],
    ids=lambda one: str(one)[:12].encode("ascii", "replace").decode(),
)
def test_a_value_beyond_all_bounds_is_passed_over(kind: str, known: Any, value: Any) -> None:
    assert result(kind, value, known, known, value) == result(kind, known, known)


def test_a_sum_beyond_all_numbers_has_no_value() -> None:
    state = taken("sum", 9e299)
    for _ in range(9):
        state.cells[0] = KINDS["sum"].join(state.cells[0], state.cells[0])
    assert KINDS["sum"].result(state.cells.values()) is not None
    for _ in range(40):
        state.cells[0] = KINDS["sum"].join(state.cells[0], state.cells[0])

    assert KINDS["sum"].result(state.cells.values()) is None


def test_identity_11_there_are_ten_thousand_values_at_most() -> None:
    state = taken("unique_count", *range(MOST_VALUES))

    assert not KINDS["unique_count"].add(state, 0, "10000", (0, 0, ""))
    assert KINDS["unique_count"].add(state, 0, "9999", (0, 0, ""))
    assert KINDS["unique_count"].result(state.cells.values()) == b"10000"


@pytest.mark.parametrize(("kind", "most"), [("unique", 24 << 10), ("unique_count", 64 << 10)])
def test_values_have_a_budget_of_bytes(kind: str, most: int) -> None:
    state = taken(kind, *(f"{number:0900d}" for number in range(100)))

    assert most - 902 < state.size <= most
    assert len(state.cells[0]) == state.size // 902


def test_values_are_measured_as_they_are_written() -> None:
    state = taken("unique", *("ж" * 900 + str(number) for number in range(100)))

    assert len(KINDS["unique"].result(state.cells.values()) or b"") < 25 << 10


def test_a_value_without_room_leaves_no_empty_table_that_copies_would_share() -> None:
    state = taken("unique_count", *range(MOST_VALUES))

    assert not KINDS["unique_count"].add(state, 1, '"one more"', (0, 0, ""))

    assert list(state.cells) == [0]


def test_the_alphabet_is_that_of_the_values_however_they_are_written() -> None:
    assert result("unique", "b", 'a"', "a!", "\n", "é", 2) == ["\n", 2, "a!", 'a"', "b", "é"]


@pytest.mark.parametrize("kind", KINDS)
@given(
    values=st.lists(
        st.integers(-5, 5) | st.floats(-1e6, 1e6) | st.sampled_from("abc") | st.booleans() | st.none(),
        max_size=12,
    ),
    places=st.lists(st.integers(0, 2), min_size=12, max_size=12),
    order=st.randoms(use_true_random=False),
)
def test_the_order_of_events_means_nothing(
    kind: str, values: list[Any], places: list[int], order: Any
) -> None:
    one = KINDS[kind]
    events = [
        (place, usable, (number // 2, 0, f"m{number}"))
        for number, (value, place) in enumerate(zip(values, places, strict=False))
        if (usable := one.usable(value)) is not None or not one.needs_property
    ]
    shuffled = list(events)
    order.shuffle(shuffled)
    straight, parts = ComputedState("r", kind), [ComputedState("r", kind), ComputedState("r", kind)]

    for event in events:
        one.add(straight, *event)
    for event, part in zip(shuffled, itertools.cycle(parts), strict=False):
        one.add(part, *event)
    cells = dict(parts[0].cells)
    for place, cell in msgspec.msgpack.decode(msgspec.msgpack.encode(parts[1].cells)).items():
        cells[place] = one.join(cells[place], cell) if place in cells else cell

    assert one.result(cells.values()) == one.result(straight.cells.values())
