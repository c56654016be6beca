"""Names are compared as the specification says, values are strict, and one's own matchers come first."""

from typing import Any

import pytest

from router.rules.expressions import searching
from router.rules.privacy.matchers import DEFAULT_MATCHERS, Detector, Hit, Matcher
from router.rules.privacy.similarity import similarity, words_of

RED = {
    "social security number",
    "password",
    "visa",
    "veteran",
    "disability",
    "credit card",
    "passport",
    "token",
}
YELLOW = {
    *(
        "race",
        "birthdate",
        "phone",
        "address",
        "gender",
        "ethnicity",
        "citizenship",
        "name",
        "street",
        "city",
    ),
    *(
        "zipcode",
        "email",
        "certificate",
        "license",
        "identification",
        "serial",
        "ip",
        "photo",
        "salary",
        "religion",
    ),
    *("mac", "sex", "sexual orientation", "medication", "allergy", "condition", "diagnosis", "procedure"),
}


def hit(key: str, value: Any = None) -> Hit | None:
    return Detector().hit(key, value)


def test_every_documented_matcher_is_there_in_its_class() -> None:
    found = {one.name: one.colour for one in DEFAULT_MATCHERS}

    assert {name for name, colour in found.items() if colour == "red"} - {"iban"} == RED
    assert {name for name, colour in found.items() if colour == "yellow"} == YELLOW


def test_similarity_is_the_share_of_common_pairs() -> None:
    assert similarity("night", "nacht") == 0.25
    assert similarity("email", "email") == 1.0
    assert similarity("", "a") == similarity("a", "b") == 0.0


@pytest.mark.parametrize("name", ["userEMail", "user_e_mail", "User E-Mail", "user.eMail"])
def test_the_style_of_a_name_is_no_matter(name: str) -> None:
    assert "".join(words_of(name)) == "useremail"


def test_privacy_02_e_mail_is_recommended_yellow_and_bare_digits_are_not() -> None:
    assert hit("e-mail") == Hit("email", "yellow", "name")
    assert hit("product_id", "4155550123") is None


@pytest.mark.parametrize(
    ("value", "matcher"),
    [
        ("ada@example.com", "email"),
        (" ada@example.com ", "email"),
        ("ada@localhost", None),
        ("a@b@c.test", None),
        ("mail ada@example.com now", None),
        ("+14155550123", "phone"),
        ("(415) 555-0123", "phone"),
        ("4155550123", None),
        ("+1", None),
        ("4111 1111 1111 1111", "credit card"),
        ("4111111111111112", None),
        ("1234567890123456", None),
        ("1763892000000", None),
        ("GB82 WEST 1234 5698 7654 32", "iban"),
        ("GB82 WEST 1234 5698 7654 33", None),
        ("123-45-6789", "social security number"),
        ("000-45-6789", None),
        ("AB123456C", "social security number"),
        ("12345678Z", "social security number"),
        ("12345678A", None),
        ("X1234567L", "social security number"),
        ("1 85 05 78 006 084 91", "social security number"),
        ("185057800608491", None),
        ("529.982.247-25", "social security number"),
        ("529.982.247-26", None),
        ("111.111.111-11", None),
        ("10.0.0.1", "ip"),
        ("2001:db8::1", "ip"),
        ("1.2.3", None),
        ("10.256.0.1", None),
        ("00:1b:44:11:3a:b7", "mac"),
        ("00:1b:44-11:3a:b7", None),
        *((value, None) for value in ("", "x" * 100_000, "1" * 100_000, "@" * 300, "\x00☃")),
        *((value, None) for value in (None, True, 4111111111111111, 1.5, [], {}, ["ada@example.com"])),
    ],
)
def test_a_value_is_told_by_its_form(value: Any, matcher: str | None) -> None:
    found = hit("-", value)

    assert (found.matcher if found else None) == matcher


@pytest.mark.parametrize("key", ["", "☃", "x" * 100_000, "_" * 5000, "aB" * 5000])
def test_a_strange_name_is_no_matter(key: str) -> None:
    assert hit(key) is None


def test_of_a_long_name_only_the_beginning_is_remembered() -> None:
    detector = Detector()

    assert detector.hit("x" * 30_000, 1) is None

    assert detector.knows("x" * 100 + "and so on")


def test_ip_and_mac_are_exact() -> None:
    assert hit("IP_Address") == Hit("ip", "yellow", "name")
    assert hit("ip_count") is None
    assert hit("macro") is None


def test_one_s_own_matcher_finds_names_values_and_takes_the_place_of_a_default() -> None:
    own = [
        Matcher("membership", "red", ("member no",)),
        Matcher("badge", "yellow", looks_at_names=False, pattern=searching("MB-[0-9]{4}")),
        Matcher("name", "red", is_exact=True),
    ]
    detector = Detector(own)

    assert detector.hit("memberNo", None) == Hit("membership", "red", "name")
    assert detector.hit("x", "my MB-1234!") == Hit("badge", "yellow", "value")
    assert detector.hit("badge", None) is None
    assert detector.hit("name", None) == Hit("name", "red", "name")
    assert detector.hit("product_name", None) is None


@pytest.mark.parametrize("expression", ["(?=a)", "(?<!a)b", r"(a)\1", "(", "a{9999}", "(?P>x)"])
def test_an_expression_that_is_not_re2_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="is not RE2"):
        searching(expression)


def test_an_expression_runs_in_linear_time() -> None:
    assert not searching("^(a+)+$")("a" * 200 + "!")
