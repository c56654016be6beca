"""`renamed_from` and `retire` in the file, and what a configuration may not do to events that wait."""

from typing import Any

import pytest

from router.config.lives import leaving, objections, worded
from router.config.load import load
from router.config.model import DestinationConfig
from router.errors import ConfigError
from router.plugins.registry import Registry
from router.storage.cursor import Cursor
from router.storage.letters import Parked
from router.storage.store import DestinationState

REGISTRY = Registry.load()
CRM = {"kind": "webhook", "settings": {"url": "http://a"}}


def sections(**destinations: dict[str, Any]) -> dict[str, DestinationConfig]:
    return dict(load({"destinations": destinations}, registry=REGISTRY).destinations)


def state(name: str, at: int = 10, kind: str = "webhook", **fields: Any) -> DestinationState:
    return DestinationState(name, kind, 0, Cursor(at), **fields)


def found(destinations: dict[str, DestinationConfig], *states: DestinationState) -> list[str]:
    return worded(objections(destinations, states, stream_next=10), file="router.toml")


def test_one_that_is_gone_with_nothing_waiting_is_fine() -> None:
    assert found({}, state("crm")) == []


def test_one_that_is_gone_with_events_waiting_is_named_with_their_number() -> None:
    assert found({}, state("crm", at=7)) == [
        "router.toml: destinations.crm: is not configured any more, and 3 events wait for it; keep its section with "
        'retire = "drain" to send them, or "expire" to give them up'
    ]


def test_a_parked_event_waits_too() -> None:
    row = Parked(3, 1, 1, 1, "500", ())

    assert "1 event waits" in found({}, state("crm", parked=[row]))[0]


def test_one_that_is_retired_has_nothing_to_lose() -> None:
    assert found({}, state("crm", at=7, is_retired=True)) == []


def test_a_drain_counts_up_to_its_end() -> None:
    assert "2 events wait" in found({}, state("crm", at=5, until=7))[0]


def test_a_section_that_retires_it_answers_for_its_events() -> None:
    assert found(sections(crm={**CRM, "retire": "expire"}), state("crm", at=7)) == []


def test_another_kind_may_not_inherit_events() -> None:
    assert "destinations.crm.kind" in found(sections(crm=CRM), state("crm", at=7, kind="file"))[0]
    assert found(sections(crm=CRM), state("crm", kind="file")) == []


def test_a_renamed_one_answers_for_the_events_of_the_old() -> None:
    assert found(sections(sales={**CRM, "renamed_from": "crm"}), state("crm", at=7)) == []


def test_two_that_both_exist_are_refused_also_with_nothing_waiting() -> None:
    lines = found(sections(sales={**CRM, "renamed_from": "crm"}), state("crm"), state("sales"))

    assert len(lines) == 1
    assert "destinations.sales.renamed_from" in lines[0]


def test_those_without_a_section_leave() -> None:
    states = [state("a"), state("b"), state("c"), state("d", is_retired=True)]

    left = leaving(sections(a=CRM, x={**CRM, "renamed_from": "b"}), states)

    assert [one.name for one in left] == ["c"]


@pytest.mark.parametrize(
    ("section", "problem"),
    [
        ({"renamed_from": 1}, "must be text"),
        ({"renamed_from": "crm"}, "is its own name"),
        ({"renamed_from": "other"}, '"other" is still configured'),
        ({"renamed_from": "old", "retire": "drain"}, "stands beside retire"),
        ({"retire": "burn"}, "is neither of the two ways"),
        ({"retire": 1}, "is neither of the two ways"),
    ],
)
def test_what_cannot_be_is_a_problem(section: dict[str, Any], problem: str) -> None:
    with pytest.raises(ConfigError, match=problem):
        sections(crm={**CRM, **section}, other=CRM)


def test_a_former_name_belongs_to_one() -> None:
    with pytest.raises(ConfigError, match='"old" was renamed to "a" already'):
        sections(a={**CRM, "renamed_from": "old"}, b={**CRM, "renamed_from": "old"})
