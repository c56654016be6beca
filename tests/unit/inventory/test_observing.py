"""What the inventory sees of one object."""

from typing import Any

import pytest

from router.rules.observing import MOST_PATHS, names_in, observed
from router.storage.inventory import SeenProperty


def types(value: dict[str, Any]) -> dict[str, list[str]]:
    return {path: SeenProperty(bits, 1, 0, 0).type_names() for path, bits in observed(value).items()}


def test_every_property_is_seen_with_its_type() -> None:
    value = {"s": "a", "i": 1, "f": 1.5, "b": True, "n": None, "o": {}, "a": [], "t": "2030-05-01T10:00:00Z"}

    assert types(value) == {
        "s": ["string"], "i": ["integer"], "f": ["number"], "b": ["boolean"], "n": ["null"], "o": ["object"],
        "a": ["array"], "t": ["date-time"],
    }  # fmt: skip


def test_what_lies_deeper_has_a_dotted_path_and_elements_have_no_index() -> None:
    value = {"cart": {"items": [{"sku": "a"}, {"sku": 1, "tags": [["x"]]}]}}

    assert types(value) == {
        "cart": ["object"], "cart.items": ["array"], "cart.items.$": ["object"],
        "cart.items.$.sku": ["string", "integer"], "cart.items.$.tags": ["array"],
        "cart.items.$.tags.$": ["array"], "cart.items.$.tags.$.$": ["string"],
    }  # fmt: skip


@pytest.mark.parametrize("name", ["a.b", "$", "a\\", "a b", "__proto__", "\\.", "a.$.b"])
def test_a_path_leads_back_to_its_names(name: str) -> None:
    [outer, *inner] = observed({name: {name: [1]}})

    assert names_in(outer) == [name]
    assert names_in(inner[1]) == [name, name, "$"]


def test_no_more_paths_than_the_limit_are_looked_at() -> None:
    assert len(observed({str(number): [{"a": 1}] * 3 for number in range(5000)})) <= MOST_PATHS + 3


def test_what_is_nested_without_end_is_cut() -> None:
    value: dict[str, Any] = {}
    for _ in range(300):
        value = {"a": value}

    assert len(observed(value)) == 11
