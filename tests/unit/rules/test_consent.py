"""Consent: who gets an event by what its end user agreed to (events 6)."""

from typing import Any

import pytest

from router.events.calls import decode_event
from router.rules.consent import ID, Category, Consent, categories_of, consents, preferences
from router.rules.integrations import allows
from tests.unit.rules.routing import addressee, event

F, G, A, X = (addressee(name) for name in ("F", "G", "A", "X"))
ABSENT: dict[str, Any] = {}
AD_FG = {"ad": ["F", "G"]}
AN_A = {**AD_FG, "an": ["A"]}
AN_FA = {**AD_FG, "an": ["F", "A"]}


def delivered(consent: Any, mapping: dict[str, list[str]], integrations: dict[str, Any]) -> set[str]:
    """The destinations that get an event, of F, G and A, and X that no category names."""
    context = {} if consent is ABSENT else {"consent": consent}
    sent = event(context=context, integrations=integrations)
    categories = {id: Category(destinations=tuple(names)) for id, names in mapping.items()}
    found = set()
    for one in (F, G, A, X):
        needed = categories_of(one, categories)
        if (not needed or Consent(one, needed).allows(sent)) and allows(integrations, one):
            found.add(one.names[0])
    return found


def chosen(**preferences: Any) -> dict[str, Any]:
    return {"categoryPreferences": preferences}


@pytest.mark.parametrize(
    ("consent", "mapping", "integrations", "expected"),
    [
        (ABSENT, AN_FA, {}, "FGAX"),
        ({}, AN_FA, {}, "FGAX"),
        (chosen(), AD_FG, {}, "AX"),
        (ABSENT, AN_FA, {"F": True, "A": False}, "FGX"),
        (chosen(ad=True, an=False), {}, {"F": True, "A": False}, "FGX"),
        (chosen(ad=True, an=False), AD_FG, {}, "FGAX"),
        (chosen(ad=True, an=False), AN_A, {}, "FGX"),
        (chosen(ad=True, an=False), AN_A, {"F": True, "A": False}, "FGX"),
        (chosen(ad=True, an=False), AN_A, {"F": False, "A": False}, "GX"),
        (chosen(ad=True, an=False), AN_FA, {"F": True}, "GX"),
        (chosen(ad=True, an=True), AN_FA, {"F": True, "A": False}, "FGX"),
        (chosen(ad=False, an=True), AN_FA, {"F": True, "A": False}, "X"),
        (chosen(ad=True, other=False), AD_FG, {}, "FGAX"),
        (chosen(other=True), AD_FG, {}, "AX"),
        ({}, AN_FA, {"A": False}, "FGX"),
    ],
)
def test_events_18_each_row_of_the_table(
    consent: Any, mapping: dict[str, list[str]], integrations: dict[str, Any], expected: str
) -> None:
    assert delivered(consent, mapping, integrations) == set(expected)


def test_events_19_the_integrations_object_never_overrides_consent() -> None:
    assert delivered(chosen(ad=False), AD_FG, {"F": True}) == {"A", "X"}


def test_events_20_every_category_must_be_agreed_to() -> None:
    assert not consents({"ads": True, "analytics": False}, {"ads", "analytics"})
    assert consents({"ads": True, "analytics": True}, {"ads", "analytics"})


@pytest.mark.parametrize("value", [1, "true", None, {}, "yes", [True]])
def test_only_true_is_consent(value: Any) -> None:
    assert not consents({"ads": value}, {"ads"})


@pytest.mark.parametrize("category", ["raw", "warehouse"])
def test_events_21_storage_needs_no_consent(category: Any) -> None:
    assert categories_of(addressee("S3", category=category), {"ads": Category(destinations=("S3",))}) == set()


def test_events_23_who_has_triggers_hears_of_a_withdrawal_and_nobody_else_does() -> None:
    told, other = addressee("F", is_told_of_consent=True), addressee("G")
    news = event(event="Segment Consent Preference Updated", context={"consent": chosen(ad=False)})
    usual = event(context={"consent": chosen(ad=False)})

    answers = [
        Consent(one, frozenset({"ad"})).allows(sent) for one in (told, other) for sent in (news, usual)
    ]

    assert answers == [True, False, False, False]


def test_events_24_a_disabled_category_is_ignored() -> None:
    categories = {"ads": Category(destinations=("F",), enabled=False), "an": Category(destinations=("F",))}

    assert categories_of(F, categories) == {"an"}


@pytest.mark.parametrize("word", ["F", "f", "crm"])
def test_a_category_names_a_section_a_kind_or_a_service(word: str) -> None:
    one = addressee("F", kind="f", id="crm")

    assert categories_of(one, {"ads": Category(destinations=(word,))}) == {"ads"}
    assert categories_of(one, {"ads": Category(destinations=("C R M",))}) == set()


@pytest.mark.parametrize(
    "context",
    [{}, {"consent": None}, {"consent": "yes"}, {"consent": {"categoryPreferences": None}},
     {"consent": {"categoryPreferences": [True]}}, {"other": {"categoryPreferences": {"a": True}}}],
)  # fmt: skip
def test_what_is_no_preference_enforces_nothing(context: dict[str, Any]) -> None:
    assert preferences(event(context=context)) is None


def test_preferences_are_found_however_their_name_is_spelled() -> None:
    stored = event(context={"consent": chosen(ads=False)}).json.replace(b"Preferences", b"\\u0050references")

    assert preferences(decode_event(stored)) == {"ads": False}


def test_numbers_beyond_the_ordinary_do_no_harm() -> None:
    stored = event(context={"consent": chosen(ads=True)}).json.replace(b"true", b"1e999")

    assert preferences(decode_event(stored)) == {"ads": float("inf")}


@pytest.mark.parametrize(
    ("id", "fits"),
    [("advertising", True), ("C0004", True), ("Targeting Cookies", True), ("a" * 34, True),
     ("", False), ("a" * 35, False), ("1st", False)],
)  # fmt: skip
def test_ids_of_categories_are_short_and_begin_with_no_digit(id: str, fits: bool) -> None:
    assert bool(ID.fullmatch(id)) is fits
