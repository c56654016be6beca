"""Triggers read, matched and written by us and by @segment/destination-subscriptions 3.37.0."""

from typing import Any

import pytest

from router.rules.fql.refused import ExpressionRefused
from router.rules.triggers.parser import parse_trigger
from router.rules.triggers.tree import read_tree, write_tree
from router.rules.triggers.trigger import Trigger
from router.rules.triggers.writer import trigger_text
from tests.compat.differences import trigger_difference
from tests.compat.expressions import Maker
from tests.compat.languages import ask
from tests.compat.peers import needs_node

pytestmark = [pytest.mark.peer, pytest.mark.slow, needs_node]

COUNT = 3000


def read(text: str) -> Any:
    """The tree of a trigger as JSON, or None when the text is refused."""
    try:
        return write_tree(parse_trigger(text))
    except ExpressionRefused:
        return None


def texts(seed: int) -> list[str]:
    maker = Maker(seed)
    return [text for text in (maker.trigger() for _ in range(COUNT)) if trigger_difference(text) is None]


def test_triggers_are_read_as_they_read_them() -> None:
    triggers = texts(1)

    assert len(triggers) > COUNT / 2
    for text, theirs in zip(triggers, ask("trigger", triggers), strict=True):
        assert read(text) == theirs, text


def test_a_changed_trigger_is_refused_or_read_as_they_read_it() -> None:
    maker = Maker(2)
    changed = [maker.broken(maker.trigger()) for _ in range(COUNT)]
    different = []

    for text, theirs in zip(changed, ask("trigger", changed), strict=True):
        ours = read(text)
        if ours is not None and ours != theirs and trigger_difference(text) is None:
            different.append((text, ours, theirs))

    assert different == []


def test_events_match_as_they_match_them() -> None:
    maker = Maker(3)
    questions = [(write_tree(parse_trigger(maker.trigger())), maker.event()) for _ in range(COUNT)]

    ours = [Trigger(read_tree(tree)).matches_object(event) for tree, event in questions]

    assert COUNT / 5 < sum(ours) < COUNT * 4 / 5
    for (tree, event), mine, theirs in zip(questions, ours, ask("validate", questions), strict=True):
        assert mine is theirs, (tree, event)


def test_trees_are_written_as_they_write_them() -> None:
    maker = Maker(4)
    trees = [write_tree(parse_trigger(maker.trigger())) for _ in range(COUNT)]
    refused = 0

    for tree, theirs in zip(trees, ask("generate", trees), strict=True):
        try:
            assert trigger_text(read_tree(tree)) == theirs
        except (
            ExpressionRefused
        ):  # an order against a text that spells no number, which nobody could read again
            refused += 1
            assert "NaN" in theirs

    assert refused < COUNT / 2
