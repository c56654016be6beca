"""A trait that somebody types is found as they mean it."""

import pytest

from router.rules.identity.sought import SoughtTrait
from router.storage.profile import Trait, Traits


def traits(json: bytes | None) -> Traits:
    return Traits({"plan": Trait(json, 0, 0, "m", "web")})


@pytest.mark.parametrize(
    ("text", "json", "found"),
    [
        ("gold", b'"gold"', True),
        ("gold", b'"Gold"', False),
        ("3", b"3", True),
        ("3", b"3.0", True),
        ("3", b'"3"', True),
        ("3.5", b"3", False),
        ("true", b"true", True),
        ("true", b'"true"', True),
        ("1", b"true", False),
        ("", b'""', True),
        ("", b"0", False),
        ('["a"]', b'["a"]', True),
        ('{"a": 1}', b'{"a":1}', True),
        ("a=b", b'"a=b"', True),
        ("1e999", b"1e999", True),
        ("[" * 3000, b"[]", False),
        ("3", b"[" * 9000 + b"]" * 9000, False),
        (None, b"0", True),
        (None, None, False),
        ("gold", None, False),
    ],
)
def test_a_value_is_compared_as_it_is_meant(text: str | None, json: bytes | None, found: bool) -> None:
    assert SoughtTrait("plan", text).is_in(traits(json)) is found


def test_another_trait_is_none() -> None:
    assert not SoughtTrait("city").is_in(traits(b"1"))
