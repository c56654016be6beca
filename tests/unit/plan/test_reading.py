"""Plans are read in every shape that Segment gives them, and what is wrong is said with its place."""

import json
from typing import Any

import pytest

from router.rules.plan.reading import MOST_RULES_OF_A_CALL, read_plan
from router.rules.plan.refused import PlanRefused
from router.testing import events
from tests.unit.plan.drafting import RIDE, rule, text


def faults(plan: bytes, **options: Any) -> list[str]:
    with pytest.raises(PlanRefused) as refused:
        read_plan(plan, **options)
    return [str(one) for one in refused.value.faults]


@pytest.mark.parametrize("wrapped", [
    {"rules": [RIDE]},
    {"data": {"rules": [RIDE]}},
    {"data": {"trackingPlan": {"rules": [RIDE]}}},
    {"rules": {"events": [{"name": "Ride Ended", "version": 1, "rules": RIDE["jsonSchema"]}], "global": {}}},
    [RIDE],
])  # fmt: skip
def test_every_shape_of_a_plan_is_read(wrapped: Any) -> None:
    plan = read_plan(json.dumps(wrapped).encode(), name="shop")

    assert plan.rule_for(events.track("Ride Ended")) is not None
    assert plan.name == "shop"


def test_a_plan_may_name_itself() -> None:
    plan = read_plan(text(RIDE, id="tp_1", name="Rides"), name="shop")

    assert (plan.id, plan.name) == ("tp_1", "Rides")


def test_two_readings_of_the_same_plan_are_equal_and_another_plan_is_not() -> None:
    assert read_plan(text(RIDE)) == read_plan(text(RIDE))
    assert read_plan(text(RIDE)) != read_plan(text(rule(key="Other")))


@pytest.mark.parametrize(("plan", "said"), [
    (b"", "is empty"),
    (b"  \n", "is empty"),
    (b"{", "is not JSON"),
    (b"[" * 100_000, "is not JSON"),
    (b"null", "has no list of rules"),
    (b'"rules"', "has no list of rules"),
    (b'{"rules": 5}', "has no list of rules"),
    (b'{"rules": []}', "plans nothing"),
    (b" " * (15 << 20) + b"{}", "is larger than 15 MiB"),
])  # fmt: skip
def test_what_is_no_plan_is_refused(plan: bytes, said: str) -> None:
    assert said in faults(plan)[0]


@pytest.mark.parametrize(("change", "said"), [
    ({"type": "CLICK"}, 'rule 1: has the type "CLICK"; write one of TRACK, IDENTIFY'),
    ({"type": []}, "rule 1: has the type []"),
    ({"key": ""}, "rule 1: has no key"),
    ({"key": 7}, "rule 1: has a key that is no name"),
    ({"type": "IDENTIFY"}, "but a rule of the type IDENTIFY is for all events"),
    ({"version": "1"}, 'rule 1: has the version "1"'),
    ({"version": True}, "rule 1: has the version true"),
    ({"version": 1.5}, "rule 1: has the version 1.5"),
    ({"jsonSchema": None}, "rule 1: has no jsonSchema"),
    ({"jsonSchema": True}, "rule 1: has no jsonSchema"),
])  # fmt: skip
def test_a_broken_rule_is_told_with_its_place(change: dict[str, Any], said: str) -> None:
    assert said in faults(text({**RIDE, **change}))[0]


@pytest.mark.parametrize(("schema", "place", "said"), [
    ({"properties": {"a": {"type": "strin"}}}, "/properties/properties/properties/a/type", "not JSON Schema"),
    ({"properties": {"a/b": {"pattern": "(?!x)y"}}}, "/properties/properties/properties/a~1b/pattern",
     "looks around"),
    ({"properties": {"a": {"pattern": "(?<=x)y"}}}, "properties/a/pattern", "looks around"),
    ({"properties": {"a": {"pattern": "(a"}}}, "properties/a/pattern", "is no pattern"),
    ({"properties": {"a": {"pattern": r"(a)\1"}}}, "properties/a/pattern", "is no pattern"),
    ({"properties": {"a": {"pattern": "(a{1000}){1000}"}}}, "properties/a/pattern", "is no pattern"),
    ({"patternProperties": {"(?=a)": {}}}, "/properties/properties/patternProperties", "looks around"),
    ({"properties": {"a": {"$ref": "http://127.0.0.1:1/x"}}}, "properties/a/$ref", "nothing is ever fetched"),
    ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "properties/a/$ref", "nothing is ever fetched"),
    ({"properties": {"a": {"$ref": "#/definitions/none"}}}, "", "does not exist"),
])  # fmt: skip
def test_a_broken_schema_is_told_with_its_rule_and_pointer(schema: Any, place: str, said: str) -> None:
    [fault] = faults(text(rule(**schema)))

    assert fault.startswith('TRACK "Ride Ended" version 1')
    assert place in fault
    assert said in fault


def test_a_property_called_pattern_is_a_property() -> None:
    assert read_plan(text(rule(properties={"pattern": {"type": "string"}, "$ref": {"type": "string"}})))


def test_a_value_that_looks_like_a_pattern_is_a_value() -> None:
    assert read_plan(text(rule(properties={"a": {"enum": [{"pattern": "(?!a)"}]}})))


def test_a_schema_that_is_nested_without_end_is_refused() -> None:
    schema: dict[str, Any] = {}
    for _ in range(200):
        schema = {"properties": {"a": schema}}

    assert "is nested deeper than 64 levels" in faults(text(rule(**schema)))[0]


def test_the_same_rule_twice_is_refused() -> None:
    assert faults(text(RIDE, RIDE)) == [
        'TRACK "Ride Ended" version 1: is there twice; give the newer one a higher version'
    ]


def test_every_fault_is_told_and_not_the_first_alone() -> None:
    assert len(faults(text({**RIDE, "type": "X"}, {**RIDE, "key": ""}, RIDE))) == 2


def test_a_plan_full_of_faults_tells_the_first_fifty() -> None:
    assert len(faults(text(*[{}] * 1000))) == 50


def test_protocols_09_201_rules_in_one_call_are_refused_with_the_limit() -> None:
    rules = [rule(key=f"Event {number}") for number in range(201)]

    [fault] = faults(text(*rules), most_rules=MOST_RULES_OF_A_CALL)

    assert fault == "has 201 rules, and 200 is the limit; split it"


def test_a_schema_may_refer_to_itself() -> None:
    whole = {
        "properties": {"properties": {"$ref": "#/definitions/tree"}},
        "definitions": {
            "tree": {"properties": {"child": {"$ref": "#/definitions/tree"}, "n": {"type": "integer"}}}
        },
    }
    plan = read_plan(text({"type": "TRACK", "key": "Tree", "jsonSchema": whole}))
    found = plan.rule_for(events.track("Tree"))

    assert found is not None
    assert found.checked.accepts(events.track("Tree", properties={"child": {"child": {"n": 1}}}))
    assert not found.checked.accepts(events.track("Tree", properties={"child": {"child": {"n": "1"}}}))
