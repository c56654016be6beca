"""How a house test fails: with every problem on its own line."""

from collections.abc import Iterable


def assert_none(problems: Iterable[str]) -> None:
    """Pass when there is no problem, else show all of them."""
    found = list(problems)
    assert not found, "\n  " + "\n  ".join(found)
