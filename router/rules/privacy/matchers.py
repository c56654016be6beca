"""Matchers: which fields probably hold personal data, by their name or by their value (privacy 1.1, 1.2)."""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any, Literal

from msgspec import Struct

from router.rules.privacy.similarity import is_alike, words_of
from router.rules.privacy.values import LONGEST, PATTERNS

Colour = Literal["red", "yellow"]
"""What a matcher recommends; green is for people to say."""
MOST_MATCHERS = 100
"""Matchers of one's own."""
FIELDS_REMEMBERED = 8192


class Hit(Struct, frozen=True):
    """Why a field is thought to hold personal data."""

    matcher: str
    colour: Colour
    how: Literal["name", "similar name", "value"]


class Matcher(Struct, frozen=True):
    """One rule."""

    name: str
    """Itself a term, where names are looked at."""
    colour: Colour
    terms: tuple[str, ...] = ()
    """Names of fields that it means, besides its own."""
    is_exact: bool = False
    """Whether names must be the same, but for case and signs; else alike is enough."""
    looks_at_names: bool = True
    pattern: Callable[[str], bool] | None = None
    """What a value looks like."""

    def hits_name(self, key: str) -> Literal["name", "similar name"] | None:
        """Whether the name of a field is one of its terms, or like one."""
        if not self.looks_at_names:
            return None
        whole = "".join(words_of(key))
        terms = (self.name, *self.terms)
        if any(whole == "".join(words_of(term)) for term in terms):
            return "name"
        return None if self.is_exact or not any(is_alike(key, term) for term in terms) else "similar name"


def _default(colour: Colour, name: str, *terms: str, is_exact: bool = False) -> Matcher:
    return Matcher(name, colour, terms, is_exact, pattern=PATTERNS.get(name))


DEFAULT_MATCHERS: tuple[Matcher, ...] = (
    _default("red", "social security number", "ssn", "national id", "nino", "dni", "cpf"),
    _default("red", "credit card", "ccn", "card number"),
    _default("red", "iban", "bank account"),
    _default("red", "password", "passwd", "pwd"),
    *(_default("red", name) for name in ("visa", "veteran", "disability", "passport", "token")),
    _default("yellow", "email", "e-mail"),
    _default("yellow", "phone", "mobile", "cell"),
    _default("yellow", "ip", "ip_address", is_exact=True),
    _default("yellow", "mac", "mac_address", is_exact=True),
    _default("yellow", "birthdate", "birthday", "date of birth", "dob"),
    _default("yellow", "zipcode", "zip", "postal code", "postcode"),
    *(
        _default("yellow", name)
        for name in (
            *(
                "race",
                "address",
                "gender",
                "ethnicity",
                "citizenship",
                "name",
                "street",
                "city",
                "certificate",
            ),
            *(
                "license",
                "identification",
                "serial",
                "photo",
                "salary",
                "religion",
                "sex",
                "sexual orientation",
            ),
            *("medication", "allergy", "condition", "diagnosis", "procedure"),
        )
    ),
)
"""What Segment looks for, and account numbers; one of your own with the same name takes its place."""


class Detector:
    """All matchers together."""

    def __init__(self, custom: Iterable[Matcher] = ()) -> None:
        own = {one.name: one for one in custom}
        matchers = (*own.values(), *(one for one in DEFAULT_MATCHERS if one.name not in own))
        self._by_value = tuple(one for one in matchers if one.pattern is not None)
        self._matchers = matchers
        self._by_name = lru_cache(FIELDS_REMEMBERED)(self._name)

    def hit(self, key: str, value: Any) -> Hit | None:
        """The gravest reason to think so: red before yellow, the same name before the value before a name like it."""
        hits = [hit for hit in (self._by_name(key), self._value(value)) if hit is not None]
        return min(hits, key=_gravity, default=None)

    def is_email(self, key: str, value: Any) -> bool:
        """Whether a field is an address for mail, which is the same in any case."""
        hit = self.hit(key, value)
        return hit is not None and hit.matcher == "email"

    def _name(self, key: str) -> Hit | None:
        found = ((one, one.hits_name(key)) for one in self._matchers)
        hits = [Hit(one.name, one.colour, how) for one, how in found if how is not None]
        return min(hits, key=_gravity, default=None)

    def _value(self, value: Any) -> Hit | None:
        if not isinstance(value, str) or not 4 <= len(value) <= LONGEST:
            return None
        text = value.strip()
        hits = [
            Hit(one.name, one.colour, "value") for one in self._by_value if one.pattern and one.pattern(text)
        ]
        return min(hits, key=_gravity, default=None)


_HOW: Mapping[str, int] = {"name": 0, "value": 1, "similar name": 2}


def _gravity(hit: Hit) -> tuple[bool, int]:
    return hit.colour != "red", _HOW[hit.how]
