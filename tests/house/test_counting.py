"""The tools of the test run itself: counting rules, and refusing skips."""

import pytest

from tests.rules.count import ranges, rules_in, standings
from tests.skips import LIST, read_skips, unlisted

PAGE = """\
# Page

1. not a rule

## 9. Testable rules

1. One.
2. Two.
3. Three.
4. Four.

## 10. Other

5. no
"""


def test_rules_are_read_from_their_section() -> None:
    assert rules_in(PAGE) == (1, 2, 3, 4)
    assert rules_in("# No rules\n\n1. x\n") == ()


def test_a_rule_passes_when_all_its_tests_passed() -> None:
    tests = [
        ("tests/a.py", "test_page_1_holds"),
        ("tests/a.py", "test_page_2_holds"),
        ("tests/b.py", "test_page_2_holds_elsewhere"),
        ("tests/a.py", "test_page_3_was_not_run"),
        ("tests/a.py", "test_other_4_is_of_another_page"),
    ]
    results = {
        "tests/a.py::test_page_1_holds[x]": True,
        "tests/a.py::TestPage::test_page_1_holds": True,
        "tests/a.py::test_page_2_holds": True,
        "tests/b.py::test_page_2_holds_elsewhere": False,
        "tests/a.py::test_page_4_is_gone": True,
    }

    (standing,) = standings({"page": PAGE}, tests, results)

    assert standing.passing == {1}
    assert standing.unproven == {2, 3}
    assert standing.missing == [4]


def test_one_failing_parameter_fails_the_rule() -> None:
    results = {"tests/a.py::test_page_1_x[a]": True, "tests/a.py::test_page_1_x[b]": False}

    (standing,) = standings({"page": PAGE}, [("tests/a.py", "test_page_1_x")], results)

    assert standing.unproven == {1}


def test_numbers_are_shown_as_ranges() -> None:
    assert ranges([7, 1, 2, 3]) == "1-3 7"
    assert ranges([]) == ""


def test_a_skip_needs_a_line_with_a_reason() -> None:
    allowed = read_skips("# comment\n\ntests/a.py::test_x  # needs a device\n")

    assert unlisted(["tests/a.py::test_x[1]", "tests/a.py::test_y"], allowed) == ["tests/a.py::test_y"]
    with pytest.raises(ValueError, match="line 1"):
        read_skips("tests/a.py::test_x\n")


def test_the_list_of_skips_can_be_read() -> None:
    read_skips(LIST.read_text(encoding="utf-8"))
