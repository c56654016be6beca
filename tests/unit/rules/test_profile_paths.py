"""What a rule looks at in profiles is found in its text."""

from typing import Any

import pytest

from router.rules.filters.definition import FilterDefinition, Sample
from router.rules.fql.filter import compile_filter
from router.rules.mapping.compiler import compile_mapping
from router.rules.profile_paths import fields_of, paths_of_condition, paths_of_filter, paths_of_mapping
from router.testing import track


@pytest.mark.parametrize(
    ("text", "paths"),
    [
        ('profile.traits.plan = "gold"', {("traits", "plan")}),
        (
            'type = "track" and !(profile.id = null or "x" in profile.traits.tags)',
            {("id",), ("traits", "tags")},
        ),
        (r'contains(lowercase(profile.traits.my\ plan), "go")', {("traits", "my plan")}),
        (
            "properties.total in [profile.traits.a, profile.traits.b.c]",
            {("traits", "a"), ("traits", "b", "c")},
        ),
        ('properties.profile.traits.plan = "gold"', set()),
        ("all", set()),
        ("is not FQL", set()),
    ],
)
def test_a_condition_tells(text: str, paths: set[tuple[str, ...]]) -> None:
    assert {*paths_of_condition(text)} == paths


def test_a_destination_filter_tells_its_condition_and_what_decides_about_a_sample() -> None:
    one = FilterDefinition(
        condition="profile.traits.a = 1", actions=(Sample(percent=0.5, path="profile.id"),)
    )

    assert [*paths_of_filter(one)] == [("traits", "a"), ("id",)]


@pytest.mark.parametrize(
    ("mapping", "paths"),
    [
        ({"a": {"@path": "$.profile.traits.plan"}}, {("traits", "plan")}),
        ({"a": {"@path": "profile['traits']['my plan']"}}, {("traits", "my plan")}),
        ({"a": {"@template": "{{profile.id}} is {{{profile.traits.plan}}}"}}, {("id",), ("traits", "plan")}),
        ({"a": {"@liquid": "{{ profile.traits.plan | upcase }}"}}, {("traits", "plan")}),
        ({"a": {"@if": {"exists": {"@path": "$.profile.traits.x"}, "then": 1}}}, {("traits", "x")}),
        ({"a": [{"@merge": {"objects": [{"@path": "$.profile.traits"}], "direction": "left"}}]}, {("traits",)}),
        ({"a": {"@arrayPath": ["$.profile.traits.tags", {"b": {"@path": "$.profile.id"}}]}},
         {("traits", "tags"), ("id",)}),
        ({"a": "profile.traits.plan", "profile": "text", "b": {"@path": "$.traits.profile"}}, set()),
    ],
)  # fmt: skip
def test_a_mapping_tells(mapping: Any, paths: set[tuple[str, ...]]) -> None:
    compile_mapping(mapping)

    assert {*paths_of_mapping(mapping)} == paths


def test_a_mapping_that_looks_at_profiles_gets_them() -> None:
    mapping = {"plan": {"@path": "$.profile.traits.plan"}, "whole": {"@path": "."}}
    event = track("Met", profile={"traits": {"plan": "gold"}})

    made = compile_mapping(mapping)(fields_of(mapping)(event))

    assert made["plan"] == "gold"
    assert "profile" not in fields_of({"whole": {"@path": "."}})(event)


@pytest.mark.parametrize(
    ("text", "holds"),
    [
        ('profile.traits.plan = "gold"', True),
        ('profile.id = "use_1"', True),
        ("profile.traits.nothing = null and profile.plan = null", True),
        ('profile.traits.plan = "free"', False),
    ],
)
def test_a_filter_looks_at_the_profile(text: str, holds: bool) -> None:
    event = track("Met", profile={"id": "use_1", "traits": {"plan": "gold"}})

    assert compile_filter(text).matches(event) is holds
    assert compile_filter("profile.id = null").matches(track("Met"))
