"""A plan is proposed from what was seen."""

from typing import Any

from router.enrichment.inventory import Inventory
from router.events.calls import AnyEvent
from router.rules.plan.inference import infer_plan
from router.rules.plan.reading import plan_of
from router.storage.memory.store import MemoryStorage
from router.testing import ManualClock, events


def proposed(*seen: AnyEvent, times: int = 10) -> dict[str, Any]:
    inventory = Inventory(MemoryStorage(), sleep=ManualClock().sleep)
    step = inventory.step()
    for _ in range(times):
        for event in seen:
            step.see("a", event, 1)
    inventory.committed()
    return infer_plan(inventory.rows(), name="a")


def schema(plan: dict[str, Any], part: str = "properties") -> Any:
    return plan["rules"][0]["jsonSchema"]["properties"][part]


def bought(**properties: Any) -> AnyEvent:
    return events.track("Bought", properties=properties)


def test_what_was_always_there_is_required_and_what_was_not_is_not() -> None:
    found = schema(proposed(bought(sku="a", n=1), bought(sku="b")))

    assert found["required"] == ["sku"]
    assert found["properties"] == {"n": {"type": "integer"}, "sku": {"type": "string"}}


def test_nothing_is_required_after_a_few_events() -> None:
    assert "required" not in schema(proposed(bought(sku="a"), times=3))


def test_types_are_those_that_were_seen() -> None:
    found = schema(
        proposed(bought(a=1, b=None, c=None, d="2030-01-01T00:00:00Z", e=True), bought(a=1.5, b="x", e="x"))
    )

    assert found["properties"] == {
        "a": {"type": "number"}, "b": {"type": ["string", "null"]}, "c": {},
        "d": {"type": "string", "format": "date-time"}, "e": {"type": ["string", "boolean"]},
    }  # fmt: skip


def test_objects_and_lists_are_described_at_their_depth() -> None:
    found = schema(proposed(bought(**{"cart": {"id": "c", "a.b": [{"sku": "x"}]}})))

    assert found["properties"]["cart"] == {
        "type": "object", "required": ["a.b", "id"],
        "properties": {
            "id": {"type": "string"},
            "a.b": {"type": "array", "items": {"type": "object", "properties": {"sku": {"type": "string"}}}},
        },
    }  # fmt: skip


def test_every_event_that_it_was_made_of_keeps_to_it() -> None:
    seen = [
        *events.one_of_each(),
        bought(a=[1, [None, {"$": 2, ".": {}}]]),
        events.page("Other", properties={"x": 1}),
    ]

    plan = plan_of(proposed(*seen))

    for event in seen:
        rule = plan.rule_for(event)
        assert rule is None or rule.checked.accepts(event), rule
    assert {rule.type for rule in plan.rules} == {"TRACK", "IDENTIFY", "PAGE", "SCREEN", "GROUP"}


def test_all_pages_have_one_rule() -> None:
    found = proposed(events.page("A", properties={"x": 1}), events.page("B", properties={"y": 1}))

    assert len(found["rules"]) == 1
    assert schema(found)["properties"].keys() == {"x", "y"}
