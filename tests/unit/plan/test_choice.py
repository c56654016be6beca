"""Which rule of a plan an event has to keep to."""

from typing import Any

import pytest

from router.events.calls import AnyEvent
from router.testing import events
from tests.unit.plan.drafting import plan, rule

VERSIONS = plan(rule(version=3), rule(version=2), rule(version=7))


@pytest.mark.parametrize("version", [3.2, None, "3", True, 9, 0, [], {}, 10**30, 3.0])
def test_protocols_05_any_other_event_version_means_the_oldest(version: Any) -> None:
    event = events.track("Ride Ended", context={"protocols": {"event_version": version}})

    found = VERSIONS.rule_for(event)

    assert found is not None
    assert found.rule.version == 2


@pytest.mark.parametrize(
    "context", [{}, {"protocols": 7}, {"protocols": "event_version"}, {"event_version": 7}]
)
def test_protocols_05_no_event_version_means_the_oldest(context: dict[str, Any]) -> None:
    found = VERSIONS.rule_for(events.track("Ride Ended", context=context))

    assert found is not None
    assert found.rule.version == 2


def test_a_version_that_there_is_is_taken() -> None:
    found = VERSIONS.rule_for(events.track("Ride Ended", context={"protocols": {"event_version": 7}}))

    assert found is not None
    assert found.rule.version == 7


@pytest.mark.parametrize("name", ["ride_ended", "Ride ended", "Ride Ended ", "RIDE ENDED", "", "__proto__"])
def test_protocols_02_another_spelling_is_another_event(name: str) -> None:
    assert VERSIONS.rule_for(events.track(name)) is None


test_events_27_names_are_compared_letter_by_letter = test_protocols_02_another_spelling_is_another_event


@pytest.mark.parametrize(("rules", "event", "chosen"), [
    (["PAGE Home", "PAGE ", "TRACK Page Viewed"], events.page("Home"), "PAGE Home"),
    (["PAGE Home", "PAGE ", "TRACK Page Viewed"], events.page("Docs"), "PAGE "),
    (["PAGE Home", "PAGE ", "TRACK Page Viewed"], events.page(), "PAGE "),
    (["PAGE Home", "TRACK Page Viewed"], events.page("Docs"), "TRACK Page Viewed"),
    (["PAGE Home"], events.page("Docs"), None),
    (["PAGE Inbox", "TRACK Page Viewed"], events.screen("Inbox"), None),
    (["SCREEN Inbox"], events.screen("Inbox"), "SCREEN Inbox"),
    (["TRACK Screen Viewed"], events.screen("Inbox"), "TRACK Screen Viewed"),
    (["IDENTIFY "], events.identify(), "IDENTIFY "),
    (["GROUP "], events.group("g"), "GROUP "),
    (["COMMON ", "IDENTIFY "], events.alias("a"), None),
])  # fmt: skip
def test_each_type_has_its_rules(rules: list[str], event: AnyEvent, chosen: str | None) -> None:
    made = plan(*(rule(*one.split(" ", 1)) for one in rules))

    found = made.rule_for(event)

    assert (found and f"{found.rule.type} {found.rule.key}") == chosen
