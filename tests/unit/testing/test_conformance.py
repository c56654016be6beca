"""The suite finds each broken promise, and nothing else; a good destination passes."""

from typing import Any

import pytest

from router.plugins.destination import Destination
from router.testing.conformance.suite import PROMISES, broken_promises
from tests.unit.testing.bad_destinations import BAD, GOOD


def promise_of(cls: type[Destination[Any, Any]]) -> str:
    """The promise that a bad destination breaks: its kind begins with the name."""
    return max((one.name for one in PROMISES if cls.kind.startswith(one.name)), key=len)


@pytest.mark.parametrize("cls", GOOD, ids=lambda cls: cls.kind)
def test_a_good_destination_keeps_every_promise(cls: type[Destination[Any, Any]]) -> None:
    assert broken_promises(cls) == {}


@pytest.mark.parametrize("cls", BAD, ids=lambda cls: cls.kind)
def test_a_bad_destination_fails_its_check_and_no_other(cls: type[Destination[Any, Any]]) -> None:
    broken = broken_promises(cls)

    assert list(broken) == [promise_of(cls)], broken


def test_every_promise_has_a_destination_that_breaks_it() -> None:
    assert {promise_of(cls) for cls in BAD} == {one.name for one in PROMISES}


def test_a_failure_names_the_destination_the_promise_and_the_remedy() -> None:
    (words,) = broken_promises(BAD[2]).values()

    assert words == (
        "destination 'explains_its_events' does not say what becomes of each type of event: its docstring does not say "
        "what becomes of identify; add a sentence for each to the docstring of SilentAboutEvents, "
        'e.g. "identify: sent as it is."'
    )
