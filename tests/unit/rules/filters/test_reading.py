"""Reading destination filters: router.toml's tables and Segment's objects, and what is wrong with them."""

from typing import Any

import pytest

from router.rules.filters.definition import AllowProperties, DropProperties, FilterDefinition, Sample
from router.rules.filters.reading import read_filter
from router.rules.filters.refused import FilterRefused

SEGMENT: dict[str, Any] = {
    "id": "fP7qoQw2HTWt9WdMr718gn",
    "sourceId": "rh5BDZp6QDHvXFCkibm1pR",
    "destinationId": "fP7qoQw2HTWt9WdMr718gn",
    "if": 'type = "track" and properties.total > 100',
    "actions": [
        {"type": "SAMPLE", "percent": 0.3, "path": "userId"},
        {"type": "DROP_PROPERTIES", "fields": {"properties": ["price"]}},
        {"type": "ALLOW_PROPERTIES", "fields": {"context": ["ip"]}},
        {"type": "DROP"},
    ],
    "title": "Big orders",
    "description": None,
    "enabled": True,
    "createdAt": "2030-01-01T00:00:00.000Z",
    "updatedAt": "2030-01-01T00:00:00.000Z",
}


def refused(**changes: Any) -> list[str]:
    """Every problem of a filter with these changes, as `place: what; remedy`."""
    with pytest.raises(FilterRefused) as error:
        read_filter({"if": "all", "actions": [{"type": "DROP"}], **changes})
    return [f"{one.place}: {one.what}; {one.remedy}" for one in error.value.problems]


def test_segments_object_is_taken_as_it_is() -> None:
    found = read_filter(SEGMENT)

    assert found.condition == SEGMENT["if"]
    assert found.actions[:3] == (
        Sample(0.3, "userId"),
        DropProperties({"properties": ("price",)}),
        AllowProperties({"context": ("ip",)}),
    )
    assert (found.title, found.description, found.id) == ("Big orders", "", SEGMENT["id"])
    assert found.only_from == {SEGMENT["sourceId"]}


def test_a_table_may_leave_out_what_has_a_default() -> None:
    found = read_filter({"actions": [{"type": "DROP"}]})

    assert (found.condition, found.enabled, found.only_from) == ("all", True, frozenset())
    assert isinstance(found, FilterDefinition)


def test_fql_that_does_not_compile_is_refused_with_its_column() -> None:
    [problem] = refused(**{"if": 'type = "track" and'})

    assert problem.startswith("if: is not FQL: column ")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"when": "all"}, "when: is not a known key; known are if,"),
        ({"action": []}, 'action: is not a known key; did you mean "actions"?'),
        ({"actions": []}, "actions: is missing or empty;"),
        ({"actions": [{"type": "DORP"}]}, 'actions[0].type: "DORP" is no action; did you mean "DROP"?'),
        ({"actions": [{}]}, "actions[0].type: says no type;"),
        ({"actions": [{"type": []}]}, "actions[0].type: says no type;"),
        ({"actions": [{"type": "SAMPLE"}]}, "actions[0]: object missing required field percent"),
        ({"actions": [{"type": "SAMPLE", "percent": 30}]}, "actions[0].percent: expected float <= 1.0;"),
        ({"actions": [{"type": "SAMPLE", "percent": "x"}]}, "actions[0].percent: expected float"),
        ({"actions": [{"type": "SAMPLE", "percent": 1, "path": "a..b"}]}, "actions[0].path: names no field;"),
        ({"actions": [{"type": "DROP", "percent": 1}]}, "actions[0].percent: is not a key of DROP;"),
        ({"actions": [{"type": "DROP_PROPERTIES", "fields": {}}]}, "actions[0].fields: is empty;"),
        ({"actions": [{"type": "DROP_PROPERTIES", "fields": ["a"]}]}, "actions[0].fields: expected object"),
        (
            {"actions": [{"type": "DROP_PROPERTIES", "fields": {"a.": ["x"]}}]},
            'actions[0].fields."a.": is not a path',
        ),
        (
            {"actions": [{"type": "DROP_PROPERTIES", "fields": {"": ["messageId", "userId"]}}]},
            'actions[0].fields."": messageId cannot be dropped; take messageId out',
        ),
        ({"title": "x" * 65}, "title: has 65 characters; use 64 at most"),
        ({"enabled": "yes"}, "enabled: expected bool"),
    ],
)
def test_a_wrong_filter_is_refused_with_place_and_remedy(changes: dict[str, Any], said: str) -> None:
    [problem] = refused(**changes)

    assert problem.startswith(said)


@pytest.mark.parametrize("data", [None, [], "DROP", 7])
def test_what_is_no_table_is_refused(data: object) -> None:
    with pytest.raises(FilterRefused, match="must be a table"):
        read_filter(data)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    problems = refused(
        **{"if": "(", "title": "x" * 99, "actions": [{"type": "SAMPLE", "percent": 1, "path": "."}]}
    )

    assert [one.partition(":")[0] for one in problems] == ["title", "if", "actions[0].path"]
