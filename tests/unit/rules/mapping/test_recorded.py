"""The mapping kit against recorded cases of Segment's own, every one of them."""

from typing import Any

from msgspec import UNSET

from router.rules.mapping.compiler import compile_mapping
from router.rules.mapping.failed import MappingFailed
from router.rules.mapping.refused import MappingRefused
from tests.fixtures import read_fixtures

DIFFERENT = {
    "segment/mapping-kit/1": "a list is no mapping and is refused, where the package makes an object of its items",
    "segment/mapping-kit/2": "a number is no mapping and is refused, where the package makes nothing of it",
    "segment/mapping-kit/4": "a text is no mapping and is refused, where the package makes an object of its letters",
}
"""Cases that are answered otherwise on purpose."""


def outcome(case: dict[str, Any]) -> dict[str, Any]:
    try:
        made = compile_mapping(case["mapping"])(case.get("input", {}))
    except (MappingRefused, MappingFailed) as error:
        return {"error": str(error)}
    return {"undefined": True} if made is UNSET else {"value": made}


def test_protocols_21_every_recorded_case_comes_out_as_recorded() -> None:
    cases = read_fixtures("mapping-kit.jsonl")

    made = {case["id"]: outcome(case) for case in cases}

    wrong = {}
    for case in cases:
        expected, got = case["expected"], made[case["id"]]
        is_same = "error" in got if "error" in expected else got == expected
        if not is_same:
            wrong[case["id"]] = got
    assert len(cases) == 153
    assert set(wrong) == set(DIFFERENT)


def test_a_recorded_refusal_names_the_same_place() -> None:
    cases = read_fixtures("mapping-kit.jsonl")

    for case in cases:
        message = case["expected"].get("error", "")
        place = message.removeprefix("ValidationError: ").split(" ")[0]
        if message.startswith("ValidationError: ") and place.startswith("/"):
            assert outcome(case)["error"].startswith(f"{place} "), case["id"]
