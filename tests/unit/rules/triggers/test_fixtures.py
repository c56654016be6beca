"""Segment's own cases of triggers: text to tree, tree to text, event to answer."""

import json
from pathlib import Path
from typing import Any

import pytest

from router.rules.fql.refused import ExpressionRefused
from router.rules.triggers.parser import parse_trigger
from router.rules.triggers.tree import read_tree, write_tree
from router.rules.triggers.trigger import Trigger
from router.rules.triggers.writer import trigger_text

CASES = Path(__file__).resolve().parents[5] / "shared" / "fixtures" / "triggers.jsonl"

pytestmark = pytest.mark.skipif(
    not CASES.is_file(), reason="the fixtures are missing: put them in ../shared/fixtures, beside the project"
)

REFUSED = {
    "segment/fql/1": "a tree that holds an error never matches; ours is refused when it is read",
    "segment/fql/136": "no condition: theirs keeps an error that never matches, ours is refused",
    "segment/fql/137": "half a condition: the same",
    "segment/fql/138": "no operator: the same",
    "segment/fql/139": "an empty text: the same",
    "segment/fql/140": "no value: theirs compares with the text `eos`, the name of its last token; ours is refused",
}
"""Cases in which we refuse when the trigger is saved what can never match, or not as its author meant it."""
NO_EVENT = {
    "segment/fql/2": "there is no event; theirs answers false to undefined",
    "segment/fql/3": "the event is the empty text; every event of ours is an object",
}
"""Cases that cannot happen here."""


def cases(*kinds: str) -> list[Any]:
    if not CASES.is_file():
        return []
    every = [json.loads(line) for line in CASES.read_text(encoding="utf-8").splitlines()]
    return [pytest.param(case, id=case["id"]) for case in every if case["kind"] in kinds]


def expected(kind: str) -> list[Any]:
    return [case for case in cases(kind) if case.id not in REFUSED and case.id not in NO_EVENT]


@pytest.mark.parametrize("case", expected("parse"))
def test_a_text_is_read(case: dict[str, Any]) -> None:
    assert write_tree(parse_trigger(case["fql"])) == case["ast"]


@pytest.mark.parametrize("case", expected("generate"))
def test_a_tree_is_written(case: dict[str, Any]) -> None:
    assert trigger_text(read_tree(case["ast"])) == case["fql"]


@pytest.mark.parametrize("case", expected("match"))
def test_an_event_is_judged(case: dict[str, Any]) -> None:
    assert Trigger(read_tree(case["ast"])).matches_object(case["event"]) is case["expected"]


@pytest.mark.parametrize("case", [case for case in cases("parse", "match") if case.id in REFUSED])
def test_what_can_never_match_is_refused(case: dict[str, Any]) -> None:
    read, given = (read_tree, case["ast"]) if case["kind"] == "match" else (parse_trigger, case["fql"])

    with pytest.raises(ExpressionRefused):
        read(given)


def test_every_case_is_run_or_named() -> None:
    assert len(cases("parse", "generate", "match")) == 237
    run = len(expected("parse")) + len(expected("generate")) + len(expected("match"))
    assert run + len(REFUSED) + len(NO_EVENT) == 237
