"""Controls meet fields by name and by path, change nothing else, and when in doubt take out too much."""

import base64
import hashlib
import hmac
import os
from collections import Counter
from typing import Any

import msgspec
import pytest

from router.rules.privacy.actions import ActionName, decrypted, encrypting, hashing, masked
from router.rules.privacy.controls import Counts, compiled
from router.rules.privacy.matchers import Detector

SECRET, KEY = b"secret", bytes(range(32))
HASH, ENCRYPT = hashing(SECRET, Detector().is_email), encrypting(KEY)
RED = ("ssn", "properties.card.number")


def apply(
    raw: bytes | Any, counts: Counts | None = None, root: str = "properties", **wanted: ActionName
) -> bytes:
    """Controls of these fields: underscores in place of dots."""
    fields = {name.replace("__", "."): action for name, action in wanted.items()}
    actions = {"block": None, "hash": HASH, "mask": masked, "encrypt": ENCRYPT}
    controls = compiled({"red": RED, "yellow": ("email",)}, fields, actions)  # type: ignore[arg-type]
    assert controls is not None
    text = raw if isinstance(raw, bytes) else msgspec.json.encode(raw)
    return controls.applied(root, text, Counter() if counts is None else counts)


def test_a_name_is_met_wherever_it_stands() -> None:
    made = apply({"ssn": 1, "a": {"ssn": 2, "b": [{"ssn": 3, "c": 4}, [{"ssn": 5}]]}}, red="block")

    assert msgspec.json.decode(made) == {"a": {"b": [{"c": 4}, [{}]]}}


def test_a_path_is_met_there_and_nowhere_else() -> None:
    text = {"card": [{"number": 1, "kind": "visa"}], "number": 2}

    assert msgspec.json.decode(apply(text, red="block")) == {"card": [{"kind": "visa"}], "number": 2}
    assert apply(text, root="traits", red="block") == msgspec.json.encode(text)


@pytest.mark.parametrize("text", [{"card.number": 1}, {"a": 1, "card": {"number": 2}, "card.number": 1}])
def test_a_path_is_met_where_a_key_holds_its_dots(text: Any) -> None:
    assert b"number" not in apply(text, red="block")


def test_what_is_not_met_keeps_its_bytes() -> None:
    made = apply(b'{"a": 1e400, "ssn":1, "b":{"c": 1.50}, "d":"\\u00e9"}', red="block")

    assert made == b'{"a":1e400,"b":{"c": 1.50},"d":"\\u00e9"}'


@pytest.mark.parametrize("raw", [b'{"a":1}', b"{}", b"[]", b"null", b'"ssn"', b'{"x":"ssn \\" ssn"}', b""])
def test_where_nothing_is_met_the_bytes_are_the_very_same(raw: bytes) -> None:
    assert apply(raw, red="block") is raw


def test_a_name_that_is_written_with_escapes_is_met() -> None:
    assert apply(b'{"\\u0073sn":1,"x":2}', red="block") == b'{"x":2}'


def test_a_field_that_comes_twice_is_gone_twice() -> None:
    assert apply(b'{"ssn":1,"ssn":2,"x":3}', red="block") == b'{"x":3}'


@pytest.mark.parametrize(
    "raw", [b'{"a":{"ssn":"123-45-6789"},"a":2}', b'{"b":[{"a":{"ssn":"123-45-6789"},"a":2}],"c":1}']
)
def test_what_a_later_key_hides_is_gone_too(raw: bytes) -> None:
    made = apply(raw, red="block")

    assert b"123-45-6789" not in made
    assert msgspec.json.decode(made) == msgspec.json.decode(raw)


@pytest.mark.parametrize("number", [b"1e400", b"9" * 5000, b"-0", b"1.0e-999"])
def test_a_number_that_is_no_float_is_controlled_like_any(number: bytes) -> None:
    made = msgspec.json.decode(apply(b'{"ssn":' + number + b',"kept":1}', red="hash"))

    assert (len(made["ssn"]), made["kept"]) == (64, 1)


def test_counts_have_the_action_and_the_field_and_no_value() -> None:
    counts: Counts = Counter()

    apply({"ssn": "123", "email": "a@b.test", "c": {"email": "x"}}, counts, red="block", yellow="mask")

    assert counts == {("block", "ssn"): 1, ("mask", "email"): 2}


def test_a_path_counts_more_than_a_class() -> None:
    made = apply({"email": "ada@example.com"}, yellow="block", properties__email="mask")

    assert msgspec.json.decode(made) == {"email": "***********.com"}


@pytest.mark.parametrize("depth", [31, 40, 400])
def test_what_lies_too_deep_is_not_kept_in_the_clear(depth: int) -> None:
    text = b'{"a":' * depth + b'{"ssn":"123-45-6789"}' + b"}" * depth

    made = apply(text, red="block")

    assert b"123-45-6789" not in made
    msgspec.json.decode(made)


@pytest.mark.parametrize("raw", [b'{"ssn":', b'{"ssn":"\xff"}', b'{"ssn":1}{', b"[" * 100_000 + b'"ssn"'])
def test_what_cannot_be_read_is_taken_out(raw: bytes) -> None:
    assert b"ssn" not in apply(raw, red="block")


@pytest.mark.parametrize(
    ("value", "mask"),
    [
        ("4111111111111111", "************1111"),
        ("abcd", "****"),
        ("", ""),
        ("ab☃de", "*b☃de"),
        (12345, "*2345"),
        (True, "****"),
        (None, None),
        ({"a": ["secret", 1]}, {"a": ["**cret", "*"]}),
    ],
)
def test_a_mask_leaves_the_last_four(value: Any, mask: Any) -> None:
    assert masked("k", value) == mask


def test_a_digest_is_keyed_and_of_the_canonical_text() -> None:
    expected = hmac.new(SECRET, b'{"a":1,"b":2}', hashlib.sha256).hexdigest()

    assert HASH("k", {"b": 2, "a": 1}) == HASH("k", {"a": 1, "b": 2}) == expected
    assert hashing(b"other", Detector().is_email)("k", {"a": 1, "b": 2}) != expected


def test_addresses_for_mail_are_the_same_in_any_case_and_nothing_else_is() -> None:
    assert HASH("email", " Ada@Example.COM ") == HASH("email", "ada@example.com")
    assert HASH("contact", "Ada@Example.com") == HASH("contact", "ada@example.com")
    assert HASH("plan", "Pro") != HASH("plan", "pro")


@pytest.mark.parametrize("value", ["ada@example.com", "", 7, 1.5, None, True, {"a": [1]}, "x" * 30_000])
def test_what_is_encrypted_can_be_decrypted_with_the_key_alone(value: Any) -> None:
    text = ENCRYPT("k", value)

    assert decrypted(KEY, text) == value
    assert ENCRYPT("k", value) != text
    assert base64.b64decode(text, validate=True)
    with pytest.raises(ValueError, match="not encrypted with this key"):
        decrypted(os.urandom(32), text)


@pytest.mark.parametrize("action", [HASH, ENCRYPT, masked])
def test_twice_is_once(action: Any) -> None:
    once = action("email", "ada@example.com")

    assert action("email", once) == once


def test_a_path_costs_other_objects_nothing() -> None:
    actions: Any = {"mask": masked}
    controls = compiled({}, {"traits.email": "mask"}, actions)

    assert controls is not None
    assert not controls.may_meet("properties", b'{"email":1,"\\u0065mail":2}')
    assert controls.may_meet("traits", b'{"email":1}')


@pytest.mark.parametrize(
    "name", ["a", "ab", "abc", "b", "a.b", 'q"uote', "back\\slash", "é", "", "*", "a b", "[x]"]
)
def test_every_name_is_met_among_others_that_begin_like_it(name: str) -> None:
    names = ["a", "ab", "abc", "b", "a.b", 'q"uote', "back\\slash", "é", "", "*", "a b", "[x]"]
    controls = compiled({"red": names}, {"red": "block"}, {"block": None})
    assert controls is not None

    met = controls.applied("properties", msgspec.json.encode({name: 1, "kept": 2}), Counter())

    assert met == b'{"kept":2}'
    assert not controls.may_meet("properties", b'{"abcd":1,"c":"x"}')
